"""Watches a Qt event loop: how late a five-millisecond timer comes is how long everything else was held up."""

import json
import sys
import time
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEventLoop, QObject, Qt, QTimer

from bench.common import percentile

TICK_MS = 5
PATIENCE_S = 300.0


class Watchdog(QObject):
    """Collects the waits between `start` and `stop`, in seconds of the clock and in seconds of this thread's own work.

    The second is free of what other programs on a busy machine do.
    """

    def __init__(self) -> None:
        super().__init__()
        self._stalls: list[float] = []
        self._work: list[float] = []
        self._last = (0.0, 0.0)
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_tick)

    def start(self) -> None:
        self._last = (time.perf_counter(), time.thread_time())
        self._timer.start()

    def stop(self) -> None:
        self._on_tick()
        self._timer.stop()

    def figures(self) -> dict[str, float]:
        """The worst and the 99th percentile, in milliseconds."""
        return {
            "worst_ms": _ms(max(self._stalls)),
            "p99_ms": _ms(percentile(self._stalls, 0.99)),
            "worst_own_work_ms": _ms(max(self._work)),
            "over_50_ms": float(sum(stall > 0.05 for stall in self._stalls)),
        }

    def _on_tick(self) -> None:
        now, work = time.perf_counter(), time.thread_time()
        self._stalls.append(max(now - self._last[0] - TICK_MS / 1000, 0.0))
        self._work.append(work - self._last[1])
        self._last = (now, work)


def spin(until: Callable[[], bool], what: str) -> None:
    """Let the event loop run until that is so. Raises TimeoutError after `PATIENCE_S`."""
    loop = QEventLoop()
    deadline = time.monotonic() + PATIENCE_S
    timer = QTimer(interval=TICK_MS)
    timer.timeout.connect(lambda: loop.quit() if until() or time.monotonic() > deadline else None)
    timer.start()
    loop.exec()
    if not until():
        raise TimeoutError(what)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def main() -> None:
    """Watch the loop of an otherwise idle application for so many seconds, and print its figures as JSON."""
    application = QCoreApplication(sys.argv[:1])
    watchdog = Watchdog()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    watchdog.start()
    QTimer.singleShot(int(float(sys.argv[1]) * 1000), application.quit)
    application.exec()
    watchdog.stop()
    sys.stdout.write(json.dumps(watchdog.figures()) + "\n")


if __name__ == "__main__":
    main()
