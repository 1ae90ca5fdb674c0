"""The public port as the window knows it. The window's presence holds it: when the window goes, the port closes."""

from PySide6.QtCore import QObject, Signal

from app.errors import AppError
from app.protocol import Event, Hello, PortChanged, PortRequest, PortState
from app.ui.client import Client

DEFAULT_PORT = 8484


class Port(QObject):
    """Opens and closes the port. Says `changed` (see `state`) and `failed` (AppError)."""

    changed = Signal()
    failed = Signal(object)

    def __init__(self, client: Client, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self.state: PortState | None = None
        self._wanted: PortRequest | None = None

    def take_event(self, event: Event) -> None:
        """Follow the backend; after its restart, open again what the person had opened here."""
        if isinstance(event, Hello):
            self._show(event.status.port)
            if self._wanted is not None and event.status.port is None:
                self.open(self._wanted)
        elif isinstance(event, PortChanged):
            self._show(event.port)

    def open(self, request: PortRequest) -> None:
        self._wanted = request
        self._client.post("/api/port", request, PortState, self._show, self._on_failed)

    def close(self) -> None:
        self._wanted = None
        self._client.delete("/api/port", object, lambda _: self._show(None), self._on_failed)

    def _show(self, state: PortState | None) -> None:
        self.state = state
        self.changed.emit()

    def _on_failed(self, error: AppError) -> None:
        self._wanted = None
        self.failed.emit(error)
        self.changed.emit()
