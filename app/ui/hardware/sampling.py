"""The memory of this moment, asked once a second while someone can see it, and not at all otherwise."""

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from app.errors import AppError
from app.protocol import MemorySample
from app.ui.client import Call, Client

EVERY_MS = 1000


class Sampling(QObject):
    """Watches whether `widget` is shown and its window not minimised. Says `sampled` (MemorySample)."""

    sampled = Signal(object)

    def __init__(self, client: Client, widget: QWidget) -> None:
        super().__init__(widget)
        self._client, self._widget = client, widget
        self._window: QWidget | None = None
        self._call: Call | None = None
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self._ask)
        widget.installEventFilter(self)

    @property
    def active(self) -> bool:
        """Whether it is asking."""
        return self._timer.isActive()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.WindowStateChange):
            self._follow()
        return False

    def _follow(self) -> None:
        """Begin or end, as what can be seen has changed."""
        window = self._widget.window()
        if window is not self._window:
            window.installEventFilter(self)
            self._window = window
        seen = self._widget.isVisible() and not window.isMinimized()
        if seen and not self.active:
            self._timer.start()
            self._ask()
        elif not seen and self.active:
            self._timer.stop()
            if self._call is not None:
                self._call.abort()
                self._call = None

    def _ask(self) -> None:
        if self._call is None:
            self._call = self._client.get("/api/memory", MemorySample, self._on_sample, self._on_error)

    def _on_sample(self, sample: MemorySample) -> None:
        self._call = None
        self.sampled.emit(sample)

    def _on_error(self, _error: AppError) -> None:
        """The next second asks again; that the backend has gone the window says."""
        self._call = None
