"""An error where it belongs: title, one sentence, what to do, details folded, a way out."""

import json

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.errors import AppError
from app.ui.icons import icon
from app.ui.theme import SMALL, theme_of
from app.ui.translate import Retranslated, words_of
from app.ui.widgets.icon_button import Button
from app.ui.widgets.themed import Label, follow_theme


class ErrorCard(Retranslated, QFrame):
    """Shows an AppError in the window's language. `action` names a button that emits `acted`; empty for none.

    `other` names a second way out that emits `other_acted`.
    """

    acted = Signal()
    other_acted = Signal()

    def __init__(self, error: AppError, action: str = "", other: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._error = error
        self._sign = QLabel()
        self._title, self._message = Label(bold=True, wrap=True), Label(wrap=True)
        self._hint, self._details = Label(role="muted", wrap=True), Label(role="muted", scale=SMALL, wrap=True)
        self._details.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._action, self._other = Button(), Button()
        self._fold, self._copy = Button(kind="quiet"), Button(kind="quiet")
        self._details.hide()
        self._copy.hide()
        self._lay_out()
        self._action.clicked.connect(self.acted)
        self._other.clicked.connect(self.other_acted)
        self._fold.clicked.connect(self._on_fold)
        self._copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._details.text()))
        self.show_error(error, action, other)
        follow_theme(self._restyle)

    def show_error(self, error: AppError, action: str = "", other: str = "") -> None:
        """Show another error in the same place."""
        self._error = error
        for button, words in ((self._action, action), (self._other, other)):
            button.setText(words)
            button.setVisible(bool(words))
        self.retranslate()

    def retranslate(self) -> None:
        words = words_of(self._error)
        for label, text in ((self._title, words.title), (self._message, words.message), (self._hint, words.hint)):
            label.setText(text)
            label.setVisible(bool(text))
        self._details.setText(json.dumps({"code": self._error.code, **self._error.values}, ensure_ascii=False))
        self._sign.setAccessibleName(self.tr("Error"))
        self._fold.setText(self.tr("Hide details") if self._details.isVisibleTo(self) else self.tr("Details"))
        self._copy.setText(self.tr("Copy details"))
        self.setAccessibleName(words.title)
        self.setAccessibleDescription(f"{words.message} {words.hint}")

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        for button in (self._action, self._other, self._fold, self._copy):
            buttons.addWidget(button)
        buttons.addStretch()
        self._column = QVBoxLayout()
        for label in (self._title, self._message, self._hint, self._details):
            self._column.addWidget(label)
        self._column.addLayout(buttons)
        self._row = QHBoxLayout(self)
        self._row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        self._row.addLayout(self._column, 1)

    def _on_fold(self) -> None:
        shown = not self._details.isVisibleTo(self)
        self._details.setVisible(shown)
        self._copy.setVisible(shown)
        self.retranslate()

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._sign.setPixmap(icon("circle-alert", theme.colour("bad")).pixmap(theme.px(18), theme.px(18)))
        self._row.setContentsMargins(*(theme.px(16),) * 4)
        self._row.setSpacing(theme.px(12))
        self._column.setSpacing(theme.px(6))
