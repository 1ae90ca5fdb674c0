"""A row of words of which one is chosen, to switch between the parts of a page."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.ui.theme import theme_of
from app.ui.widgets import Button, follow_theme


class Tabs(QWidget):
    """`chosen` carries the place of the tab a person went to. Each is reached by Tab, like every button."""

    chosen = Signal(int)

    def __init__(self, number: int) -> None:
        super().__init__()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self.buttons = [Button(kind="quiet") for _ in range(number)]
        for place, button in enumerate(self.buttons):
            button.setCheckable(True)
            button.clicked.connect(lambda _checked=False, place=place: self._on_clicked(place))
            self._row.addWidget(button)
        self._row.addStretch(1)
        self.show_tab(0)
        follow_theme(self._restyle)

    def set_names(self, names: Sequence[str]) -> None:
        for button, name in zip(self.buttons, names, strict=True):
            button.setText(name)

    def show_tab(self, place: int) -> None:
        """Mark that tab as the one in front."""
        for each, button in enumerate(self.buttons):
            button.setChecked(each == place)

    def _on_clicked(self, place: int) -> None:
        self.show_tab(place)
        self.chosen.emit(place)

    def _restyle(self) -> None:
        self._row.setSpacing(theme_of(self).px(4))
