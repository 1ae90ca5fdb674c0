"""A name at the left, a value at the right of it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.ui.theme import theme_of
from app.ui.widgets import Label, follow_theme


class FactRow(QWidget):
    """The value can be selected, so that it can be copied into a question to someone else."""

    def __init__(self) -> None:
        super().__init__()
        self.name, self.value = Label(role="muted", wrap=True), Label(wrap=True)
        self.value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._row = QHBoxLayout(self)
        self._row.addWidget(self.name, 0, Qt.AlignmentFlag.AlignTop)
        self._row.addWidget(self.value, 1)
        follow_theme(self._restyle)

    def set_words(self, name: str, value: str) -> None:
        self.name.setText(name)
        self.value.setText(value)

    def _restyle(self) -> None:
        theme = theme_of(self)
        self.name.setFixedWidth(theme.px(152))
        self._row.setContentsMargins(theme.px(16), theme.px(8), theme.px(16), theme.px(8))
        self._row.setSpacing(theme.px(16))
