"""The narrow strip that stands where the sidebar is hidden."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.places import Place
from app.ui.sidebar.navigation import Navigation
from app.ui.theme import theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import IconButton, follow_theme


class Rail(Retranslated, QWidget):
    """The sidebar's buttons as icons; the pages take their names from the `Navigation` they stand in for."""

    show_asked = Signal()
    new_asked = Signal()
    search_asked = Signal()
    place_chosen = Signal(object)

    def __init__(self, navigation: Navigation, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sidebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._navigation = navigation
        self._show = IconButton("panel-left", "", size=32)
        self._new = IconButton("square-pen", "", size=32)
        self._search = IconButton("search", "", size=32)
        self._places = {place: IconButton(place.icon, "", size=32) for place in Place}
        self._lay_out()
        self._show.clicked.connect(self.show_asked)
        self._new.clicked.connect(self.new_asked)
        self._search.clicked.connect(self.search_asked)
        for place, button in self._places.items():
            button.setCheckable(True)
            button.clicked.connect(partial(self._on_place, place))
        self.show_place(Place.CHAT)
        self.retranslate()
        follow_theme(self._restyle)

    def show_place(self, place: Place) -> None:
        for each, button in self._places.items():
            button.setChecked(each is place)

    def retranslate(self) -> None:
        self._show.set_label(self.tr("Show sidebar"), "Ctrl+B")
        self._new.set_label(self.tr("New conversation"), "Ctrl+N")
        self._search.set_label(self.tr("Search conversations"), "Ctrl+K")
        for place, button in self._places.items():
            button.set_label(self._navigation.name_of(place))

    def _lay_out(self) -> None:
        self._column = QVBoxLayout(self)
        for button in (self._show, self._new, self._search):
            self._column.addWidget(button)
        self._column.addSpacing(self._show.height() // 2)
        for button in self._places.values():
            self._column.addWidget(button)
        self._column.addStretch(1)

    def _on_place(self, place: Place) -> None:
        self.show_place(place)
        self.place_chosen.emit(place)

    def _restyle(self) -> None:
        theme = theme_of(self)
        self.setFixedWidth(theme.px(49))
        self._column.setContentsMargins(theme.px(8), theme.px(12), theme.px(8), theme.px(12))
        self._column.setSpacing(theme.px(4))
