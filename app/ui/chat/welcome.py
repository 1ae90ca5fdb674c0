"""What a new conversation shows: what this is, and three things to ask."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.theme import PAGE_TITLE, theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import Button, Label, follow_theme


class Welcome(Retranslated, QWidget):
    """Asking is one click: `asked` carries the question."""

    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = Label(scale=PAGE_TITLE, bold=True)
        self._text = Label(role="muted", wrap=True)
        self.suggestions = [Button(), Button(), Button()]
        self._column = QVBoxLayout(self)
        self._column.addStretch(2)
        for label in (self._title, self._text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            self._column.addWidget(label)
        for button in self.suggestions:
            self._column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
            button.clicked.connect(lambda _checked=False, chip=button: self.asked.emit(chip.text()))
        self._column.addStretch(3)
        self.retranslate()
        follow_theme(self._restyle)

    def retranslate(self) -> None:
        self._title.setText(self.tr("What would you like to know?"))
        self._text.setText(self.tr("The model runs on this computer. Nothing you write leaves it."))
        questions = (
            self.tr("What is a quantization?"),
            self.tr("Which models fit in 8 GB of VRAM?"),
            self.tr("What can you help me with?"),
        )
        for button, question in zip(self.suggestions, questions, strict=True):
            button.setText(question)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """Leave out what the height has no place for: first the questions, then the sentence."""
        margins, spacing = self._column.contentsMargins(), self._column.spacing()
        height = margins.top() + self._title.sizeHint().height() + margins.bottom()
        width = self.width() - margins.left() - margins.right()
        height += spacing + self._text.heightForWidth(width)
        self._text.setVisible(height <= self.height())
        height += sum(spacing + button.sizeHint().height() for button in self.suggestions)
        for button in self.suggestions:
            button.setVisible(height <= self.height())

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._column.setSpacing(theme.px(8))
        self._column.setContentsMargins(theme.px(24), theme.px(24), theme.px(24), theme.px(24))
        self._text.setContentsMargins(0, 0, 0, theme.px(16))
