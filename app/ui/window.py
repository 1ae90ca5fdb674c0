"""The window: composes sidebar, pages and connection, and passes on what one part asks of another."""

import logging

from PySide6.QtCore import QByteArray, QSettings, QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMainWindow, QVBoxLayout, QWidget

from app.errors import AppError
from app.paths import Paths
from app.protocol import Event, Status
from app.settings import Settings
from app.ui.banner import Banner
from app.ui.chat.page import ChatPage
from app.ui.client import Client
from app.ui.connection import Connection
from app.ui.conversations import Conversations
from app.ui.library import Library
from app.ui.measuring import Measuring
from app.ui.pages import Pages, Sources
from app.ui.places import Place
from app.ui.preferences import Preferences
from app.ui.server.port import Port
from app.ui.shortcuts import ShortcutsDialog
from app.ui.sidebar.side import Side
from app.ui.theme import theme_of
from app.ui.translate import Retranslated, words_of
from app.ui.widgets import FocusRing, show_toast

NARROW = 880
"""Below this width, in units, the sidebar makes room for the conversation."""
_log = logging.getLogger(__name__)


class Window(Retranslated, QMainWindow):
    """The main window. `geometry` remembers its place between starts."""

    def __init__(
        self, client: Client, connection: Connection, paths: Paths, settings: Settings, geometry: QSettings
    ) -> None:
        super().__init__()
        self._client, self._connection, self._geometry = client, connection, geometry
        self.preferences = Preferences(client, settings, self)
        self.conversations = Conversations(client, self)
        self.library = Library(client, self)
        self.port = Port(client, self)
        self.measuring = Measuring(client, self)
        self._usable = False
        self.side, self.banner = Side(client, self.conversations), Banner()
        self.sidebar, self.rail = self.side.sidebar, self.side.rail
        self.chat = ChatPage(client, self.library)
        sources = Sources(client, paths, self.library, self.preferences, self.port, self.measuring)
        self.pages = Pages(self.chat, sources)
        self._lay_out()
        self._connect_parts()
        self._connect_backend()
        self._add_shortcuts()
        self._restore()
        self.retranslate()

    def retranslate(self) -> None:
        conversation = self.chat.conversation.conversation
        title = conversation.title if conversation is not None else ""
        self.setWindowTitle(f"{title} — Alcove" if title else "Alcove")

    # ------------------------------------------------------------ what the parts ask for

    def show_place(self, place: Place) -> None:
        """Bring a page to the front."""
        self.pages.show_place(place)
        self.side.show_place(place)
        if place is Place.CHAT or not self.side.has_focus:
            self.pages.focus_page()

    def begin_conversation(self) -> None:
        """Show an empty chat, ready to type."""
        self.chat.new_conversation()
        self.show_place(Place.CHAT)

    def open_conversation(self, conversation_id: int, message_id: int | None = None) -> None:
        """Show a conversation, at its end or at one message."""
        self.chat.open_conversation(conversation_id, message_id)
        self.show_place(Place.CHAT)

    def come_forward(self) -> None:
        """Be the active window: a second start asks for it."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def show_shortcuts(self) -> None:
        dialog = ShortcutsDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    # ------------------------------------------------------------ making

    def _lay_out(self) -> None:
        middle = QVBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.banner)
        middle.addWidget(self.pages, 1)
        centre = QWidget()
        row = QHBoxLayout(centre)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.side)
        row.addLayout(middle, 1)
        self.setCentralWidget(centre)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            FocusRing(self, app)

    def _connect_parts(self) -> None:
        self.side.new_asked.connect(self.begin_conversation)
        self.side.place_chosen.connect(self.show_place)
        self.side.focus_left.connect(self.pages.focus_page)
        self.sidebar.conversation_chosen.connect(self.open_conversation)
        self.sidebar.hit_chosen.connect(lambda hit: self.open_conversation(hit.conversation_id, hit.message_id))
        self.chat.conversation_opened.connect(self._on_shown)
        self.conversations.changed.connect(self.retranslate)
        self.chat.models_wanted.connect(lambda: self.show_place(Place.MODELS))
        self.pages.place_wanted.connect(self.show_place)
        self.conversations.changed.connect(self._on_listed)
        panel = self.chat.side
        panel.set_presets(self.preferences.settings.presets)
        panel.presets_changed.connect(lambda presets: self.preferences.change(presets=presets))
        self.preferences.changed.connect(lambda: panel.set_presets(self.preferences.settings.presets))

    def _connect_backend(self) -> None:
        self._connection.event_received.connect(self._on_event)
        self._connection.connected.connect(self._on_connected)
        self._connection.lost.connect(self._on_lost)
        self._connection.failed.connect(self.banner.show_error)
        self._client.failed.connect(self._on_failed)
        self.banner.retry_asked.connect(self.banner.clear)
        self.banner.retry_asked.connect(self._connection.start)

    def _add_shortcuts(self) -> None:
        for keys, act in (
            ("Ctrl+N", self.begin_conversation),
            ("Ctrl+K", self.side.search),
            ("Ctrl+B", self.side.toggle),
            ("Ctrl+,", lambda: self.show_place(Place.SETTINGS)),
            ("F1", self.show_shortcuts),
        ):
            QShortcut(QKeySequence(keys), self).activated.connect(act)

    # ------------------------------------------------------------ the backend

    def _on_event(self, event: Event) -> None:
        for part in (self.conversations, self.library, self.preferences, self.port, self.measuring, self.chat):
            part.take_event(event)

    def _on_connected(self, status: Status) -> None:
        _log.info("attached to backend %d, version %s", status.pid, status.version)
        self.banner.clear()
        self.chat.reconnect()

    def _on_lost(self) -> None:
        self.banner.show_lost()
        self.chat.lose_backend()

    def _on_failed(self, error: AppError) -> None:
        """A request nobody else speaks for."""
        words = words_of(error)
        show_toast(self, f"{words.title}. {words.message}")

    # ------------------------------------------------------------ the parts

    def _on_shown(self, conversation_id: int | None) -> None:
        self.sidebar.show_conversation(conversation_id)
        self.retranslate()

    def _on_listed(self) -> None:
        if not self._usable and self.conversations.loaded:
            self._usable = True
            QTimer.singleShot(0, self, lambda: _log.info("usable"))

    # ------------------------------------------------------------ geometry

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.side.set_narrow(event.size().width() < theme_of(self).px(NARROW))

    def closeEvent(self, event: QCloseEvent) -> None:
        self._geometry.setValue("geometry", self.saveGeometry())
        self._geometry.setValue("sidebar", self.side.wanted)
        self._geometry.setValue("panel", self.chat.side.wanted)
        self._connection.stop()
        super().closeEvent(event)

    def _restore(self) -> None:
        theme = theme_of(self)
        self.setMinimumSize(theme.px(480), theme.px(400))
        room = self.screen().availableGeometry().size()
        self.resize(QSize(theme.px(1280), theme.px(800)).boundedTo(room))
        geometry = self._geometry.value("geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        self.side.show_sidebar(self._geometry.value("sidebar", True, bool) is not False)
        self.chat.side.wanted = self._geometry.value("panel", False, bool) is True
        self.pages.focus_page()
