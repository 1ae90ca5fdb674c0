"""Getting the window a backend and keeping it one: start or attach, hold /api/events, begin again after a loss."""

import logging
import time
from enum import Enum, auto

from PySide6.QtCore import QObject, QTimer, Signal

import app
from app.errors import AppError
from app.launch import Launch
from app.protocol import Event, Hello, LibraryChanged, SettingsChanged, Status
from app.ui.client import Call, Client, Stream

_POLL_MS = 15
_RETRY_MS = 200
_STABLE_S = 10.0
"""A backend that lives this long counts as well: its loss begins a fresh count of attempts."""
_ATTEMPTS = 5

_log = logging.getLogger(__name__)


class ConnectionState(Enum):
    IDLE = auto()
    STARTING = auto()
    """Looking for a backend, or starting one."""
    GREETING = auto()
    """A backend listens; its Hello is awaited."""
    CONNECTED = auto()
    FAILED = auto()
    """Given up after an error that was told; `start()` tries again."""


class Connection(QObject):
    """Attaches `client` to a backend. Says `connected` (Status), `event_received`, `lost`, `failed` (AppError)."""

    connected = Signal(object)
    event_received = Signal(object)
    lost = Signal()
    failed = Signal(object)

    def __init__(self, client: Client, launch: Launch, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.client = client
        self.state = ConnectionState.IDLE
        self._launch = launch
        self._stream: Stream | None = None
        self._leaving: Call | None = None
        """The question whether a backend of another version goes."""
        self._attempts = 0
        self._connected_at = 0.0
        self._timer = QTimer(self, interval=_POLL_MS)
        self._timer.timeout.connect(self._poll)

    def start(self) -> None:
        """Begin to look for a backend; also the way out of FAILED."""
        if self.state in (ConnectionState.IDLE, ConnectionState.FAILED):
            self._attempts = 0
            self._look()

    def stop(self) -> None:
        """Leave: the backend ends by itself when its last client has gone."""
        self._timer.stop()
        self._hang_up()
        self.state = ConnectionState.IDLE

    def _look(self) -> None:
        self.state = ConnectionState.STARTING
        self._timer.start(_POLL_MS)

    def _poll(self) -> None:
        try:
            handshake = self._launch.poll()
        except AppError as error:
            self._give_up(error)
            return
        if handshake is None:
            return
        self._timer.stop()
        self.client.attach(handshake)
        if handshake.version == app.__version__:
            self._greet_backend()
        else:
            self._send_away(handshake.version)

    def _send_away(self, version: str) -> None:
        """Ask a backend of another version to go: it does where nobody else is there. Else that is said."""

        def on_answer(said: dict[str, bool]) -> None:
            self._leaving = None
            if said.get("leaves", False):
                self._look_again()
            else:
                stay()

        def on_error(error: AppError) -> None:
            self._leaving = None
            if error.code in ("backend_gone", "backend_silent"):
                QTimer.singleShot(0, self, lambda: gone(error))  # who hears of it may drop the client
            else:
                stay()  # It is so old that it does not know how to go.

        def gone(error: AppError) -> None:
            if self.state is ConnectionState.STARTING:
                self._on_gone(error)

        def stay() -> None:
            _log.warning("the backend is version %s, this window %s", version, app.__version__)
            self._greet_backend()
            self.client.failed.emit(
                AppError("backend_other_version", backend_version=version, own_version=app.__version__)
            )

        self._leaving = self.client.post("/api/leave", None, dict[str, bool], on_answer, on_error)

    def _greet_backend(self) -> None:
        self.state = ConnectionState.GREETING
        self._stream = self.client.stream("/api/events?client=window", Event)
        self._stream.received.connect(self._on_event)
        self._stream.ended.connect(self._on_gone)
        self._stream.failed.connect(self._on_gone)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Hello):
            self._greet(event.client_id, event.status)
        self.event_received.emit(event)

    def _greet(self, client_id: str, status: Status) -> None:
        self.client.client_id = client_id
        self.state = ConnectionState.CONNECTED
        self._connected_at = time.monotonic()
        self.connected.emit(status)

    def _on_gone(self, error: AppError | None = None) -> None:
        """The event stream closed: look for a backend again, unless that has become pointless."""
        was_connected = self.state is ConnectionState.CONNECTED
        self._hang_up()
        if was_connected and time.monotonic() - self._connected_at > _STABLE_S:
            self._attempts = 0
        self._attempts += 1
        if was_connected:
            self.lost.emit()
        if self._attempts > _ATTEMPTS:
            self._give_up(error or AppError("backend_gone"))
        else:
            self._look_again()

    def _look_again(self) -> None:
        """Look for a backend once this one has had a moment to end."""
        self._hang_up()
        self.state = ConnectionState.STARTING
        self._timer.start(_RETRY_MS)

    def _give_up(self, error: AppError) -> None:
        self._timer.stop()
        self.state = ConnectionState.FAILED
        self.failed.emit(error)

    def _hang_up(self) -> None:
        self.client.attach(None)
        leaving, self._leaving = self._leaving, None
        if leaving is not None:
            leaving.abort()
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort()


def changes_library(event: Event) -> bool:
    """Whether the list of models has to be fetched again."""
    return isinstance(event, Hello | LibraryChanged)


def changes_settings(event: Event) -> bool:
    """Whether the settings have to be fetched again."""
    return isinstance(event, Hello | SettingsChanged)
