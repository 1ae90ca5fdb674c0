"""The dialog with the prompt: the text the model would read now, word for word, and its length."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.errors import AppError
from app.format import count
from app.protocol import PromptPreview
from app.ui.theme import SMALL, TITLE, theme_of
from app.ui.widgets import Button, ErrorCard, Label, follow_theme, set_role

_WIDTH, _HEIGHT = 760, 600
_SCREEN_SHARE = 0.9


class PromptDialog(QDialog):
    """Opened at once; the prompt, or why there is none, is shown when it has come."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("The prompt"))
        self._title = Label(self.windowTitle(), scale=TITLE, bold=True)
        self.length = Label(self.tr("Asking the engine…"), role="muted", wrap=True)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName(self.windowTitle())
        set_role(self.text, "kind", "field")
        self.copy_button, close = Button(self.tr("Copy"), name="copy"), Button(self.tr("Close"), kind="primary")
        self.copy_button.setEnabled(False)
        self.copy_button.clicked.connect(self._on_copy)
        close.clicked.connect(self.accept)
        self._column = QVBoxLayout(self)
        self._buttons = QHBoxLayout()
        self._buttons.addStretch(1)
        self._buttons.addWidget(self.copy_button)
        self._buttons.addWidget(close)
        for widget in (self._title, self.length):
            self._column.addWidget(widget)
        self._column.addWidget(self.text, 1)
        self._column.addLayout(self._buttons)
        close.setFocus()
        follow_theme(self._restyle)

    def show_prompt(self, prompt: PromptPreview) -> None:
        words = self.tr("{tokens} tokens of {context}. Control tokens are written out.")
        self.length.setText(words.format(tokens=count(prompt.tokens), context=count(prompt.context_length)))
        self.text.setPlainText(prompt.text)
        self.copy_button.setEnabled(True)

    def show_error(self, error: AppError) -> None:
        self.length.hide()
        self.text.hide()
        self._column.insertWidget(1, ErrorCard(error))
        self._column.insertStretch(2)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())
        self.copy_button.setText(self.tr("Copied"))

    def _restyle(self) -> None:
        theme = theme_of(self)
        self.text.setFont(theme.code_font(SMALL))
        self._column.setContentsMargins(*(theme.px(24),) * 4)
        self._column.setSpacing(theme.px(12))
        room = self.screen().availableGeometry().size() * _SCREEN_SHARE
        self.resize(min(theme.px(_WIDTH), room.width()), min(theme.px(_HEIGHT), room.height()))
