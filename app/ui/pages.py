"""The pages beside the chat, each made when it is first wanted."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from app.paths import Paths
from app.ui.chat.page import ChatPage
from app.ui.client import Client
from app.ui.library import Library
from app.ui.measuring import Measuring
from app.ui.places import Place
from app.ui.preferences import Preferences
from app.ui.server.port import Port


@dataclass(frozen=True)
class Sources:
    """What the pages show and change."""

    client: Client
    paths: Paths
    library: Library
    preferences: Preferences
    port: Port
    measuring: Measuring

    @property
    def model_folder(self) -> Path:
        chosen = self.preferences.settings.model_folder
        return Path(chosen) if chosen else self.paths.default_models


class Pages(QStackedWidget):
    """The chat page and, by name, the others. One of them may want another: `place_wanted`."""

    place_wanted = Signal(object)

    def __init__(self, chat: ChatPage, sources: Sources, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pages")
        self._chat = chat
        self._sources = sources
        self._made: dict[Place, QWidget] = {Place.CHAT: chat}
        self.addWidget(chat)

    def show_place(self, place: Place) -> QWidget:
        """Bring a page to the front; the page."""
        if place not in self._made:
            self._made[place] = self._make(place)
            self.addWidget(self._made[place])
        self.setCurrentWidget(self._made[place])
        return self._made[place]

    def focus_page(self) -> None:
        """Give the keyboard to the page in front: in the chat, to the composer."""
        page = self.currentWidget()
        if page is self._chat:
            self._chat.focus_composer()
        elif page is not None:
            page.setFocus(Qt.FocusReason.OtherFocusReason)

    def _make(self, place: Place) -> QWidget:
        """Pages are imported when they are made: the first paint needs none of them."""
        sources = self._sources
        if place is Place.MODELS:
            from app.ui.models import ModelsPage  # noqa: PLC0415

            page = ModelsPage(sources.library, sources.model_folder)
            sources.preferences.changed.connect(lambda: page.set_folder(sources.model_folder))
            return page
        if place is Place.COMPUTER:
            from app.ui.hardware import HardwarePage  # noqa: PLC0415

            computer = HardwarePage(sources.client, sources.library, sources.measuring)
            computer.settings_wanted.connect(lambda: self.place_wanted.emit(Place.SETTINGS))
            return computer
        if place is Place.SERVER:
            from app.ui.server.page import ServerPage  # noqa: PLC0415

            return ServerPage(sources.port)
        from app.ui.settings import SettingsPage  # noqa: PLC0415

        return SettingsPage(sources.preferences, sources.paths)
