"""What a page shows while it has nothing: what this is, and what to do."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.ui.icons import icon
from app.ui.theme import TITLE, theme_of
from app.ui.widgets.icon_button import Button
from app.ui.widgets.themed import Label, follow_theme


class EmptyState(QWidget):
    """An icon, one line, one muted sentence and one button, centred; `acted` when the button is pressed."""

    acted = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = name
        self._sign = QLabel()
        self._title, self._text = Label(scale=TITLE, bold=True, wrap=True), Label(role="muted", wrap=True)
        self._button = Button()
        self._button.clicked.connect(self.acted)
        self._column = QVBoxLayout(self)
        self._column.addStretch(1)
        for widget in (self._sign, self._title, self._text):
            self._column.addWidget(widget)
            widget.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._column.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        self._column.addStretch(2)
        follow_theme(self._restyle)

    def set_words(self, title: str, text: str, action: str = "") -> None:
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self._button.setText(action)
        self._button.setVisible(bool(action))

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._sign.setPixmap(icon(self._icon, theme.colour("muted")).pixmap(theme.px(32), theme.px(32)))
        self._column.setSpacing(theme.px(8))
        self._column.setContentsMargins(*(theme.px(24),) * 4)
