"""The settings in the window: read at start, changed through the backend, applied at once."""

from PySide6.QtCore import QObject, Signal

from app.errors import AppError
from app.protocol import Event, Hello, SettingsChanged
from app.settings import Settings
from app.ui.client import Client
from app.ui.theme import theme_source
from app.ui.translate import translations


class Preferences(QObject):
    """The settings in force. Says `changed` after applying them, and `failed` (AppError) where one was refused."""

    changed = Signal()
    failed = Signal(object)

    def __init__(self, client: Client, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self.settings = settings
        self._apply(settings)

    def take_event(self, event: Event) -> None:
        """Follow a change made by any client."""
        if isinstance(event, Hello | SettingsChanged):
            self._client.get("/api/settings", Settings, self._apply)

    def change(self, **fields: object) -> None:
        """Have these fields of `Settings` changed."""
        self._client.patch("/api/settings", fields, Settings, self._apply, self._on_failed)

    def _apply(self, settings: Settings) -> None:
        self.settings = settings
        translations().use(settings.language)
        theme_source().use(settings)
        self.changed.emit()

    def _on_failed(self, error: AppError) -> None:
        self.failed.emit(error)
        self.changed.emit()
