"""Keeps Python's search through everything it holds, 30 to 80 ms, away from moments when somebody would notice it."""

import gc
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer

QUIET_MS = 2_000
"""Without a key or the pointer for so long, the window may take a moment for itself."""
DUE = 10
"""Searches among what is rather new before everything is searched: Python's own measure."""
_YOUNG, _MIDDLE = 700, 10
_NEVER = 1_000_000_000
_SIGNS_OF_LIFE = frozenset(
    {QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.Wheel}
)


def set_aside() -> None:
    """Leave all there is now out of later searches, and search by itself only among what is new."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
    gc.enable()


class QuietSearch(QObject):
    """Searches all that was not set aside once nothing has happened in a window for a while and `busy` says no."""

    def __init__(self, window: QObject, busy: Callable[[], bool], quiet_ms: int = QUIET_MS) -> None:
        """`window` is the one that gets keys and the pointer from the system: a QWindow, not a widget."""
        super().__init__(window)
        self._busy = busy
        self._timer = QTimer(self, singleShot=True, interval=quiet_ms)
        self._timer.timeout.connect(self._on_quiet)
        self._timer.start()
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _SIGNS_OF_LIFE:
            self._timer.start()
        return False

    def _on_quiet(self) -> None:
        if self._busy():
            self._timer.start()
        elif gc.isenabled() and gc.get_count()[2] >= DUE:
            gc.collect()
