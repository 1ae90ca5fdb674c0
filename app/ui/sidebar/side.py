"""The left side of the window: the sidebar, or the rail in its place where it was hidden or the window is narrow."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.ui.client import Client
from app.ui.conversations import Conversations
from app.ui.places import Place
from app.ui.sidebar.rail import Rail
from app.ui.sidebar.sidebar import Sidebar


class Side(QWidget):
    """Remembers in `wanted` whether the person wants the sidebar where there is room for it."""

    new_asked = Signal()
    place_chosen = Signal(object)
    focus_left = Signal()
    """The sidebar is about to hide and has the keyboard: it belongs to the page now."""

    def __init__(self, client: Client, conversations: Conversations, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.wanted = True
        self._narrow = False
        self.sidebar = Sidebar(client, conversations)
        self.rail = Rail(self.sidebar.navigation)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addWidget(self.sidebar)
        self.rail.hide()
        for part in (self.sidebar, self.rail):
            part.new_asked.connect(self.new_asked)
            part.place_chosen.connect(self.place_chosen)
        self.sidebar.hide_asked.connect(self.toggle)
        self.rail.show_asked.connect(self.toggle)
        self.rail.search_asked.connect(self.search)

    @property
    def has_focus(self) -> bool:
        """Whether the sidebar has the keyboard."""
        return self.sidebar.isAncestorOf(self.window().focusWidget())

    def show_place(self, place: Place) -> None:
        """Mark the page that is in front, and make room for it in a narrow window."""
        self.sidebar.navigation.show_place(place)
        self.rail.show_place(place)
        if self._narrow:
            self._put(False)

    def toggle(self) -> None:
        self.show_sidebar(not self.sidebar.isVisibleTo(self))

    def search(self) -> None:
        self.show_sidebar(True)
        self.sidebar.focus_search()

    def show_sidebar(self, shown: bool) -> None:
        """Show or hide the sidebar; in a narrow window for now, else from now on."""
        if not self._narrow:
            self.wanted = shown
        self._put(shown)

    def set_narrow(self, narrow: bool) -> None:
        """Whether the window is too narrow for the sidebar to stay beside a page."""
        if narrow != self._narrow:
            self._narrow = narrow
            self._put(self.wanted and not narrow)

    def _put(self, shown: bool) -> None:
        if not shown and self.has_focus:
            self.focus_left.emit()
        self.sidebar.setVisible(shown)
        self.rail.setVisible(not shown)
