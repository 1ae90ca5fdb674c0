"""One budget of processor threads for all loaded models: engines that compete for cores collapse together."""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import psutil

from app.server.engine import Engine


def shares(total: int, wishes: Sequence[int | None]) -> list[int]:
    """Threads for each engine: equal parts, never none; what one does not want goes to the others.

    `wishes`: the most each was loaded with, None where it takes what it gets.
    """
    parts = [0] * len(wishes)
    left, waiting = total, sorted(range(len(wishes)), key=lambda index: wishes[index] or total)
    while waiting:
        index = waiting.pop(0)
        fair = max(1, left // (len(waiting) + 1))
        parts[index] = min(fair, wishes[index] or fair)
        left -= parts[index]
    return parts


class ThreadBudget:
    """Tells engines their part, only where it has changed. One that is alone, and always was, keeps its own choice."""

    def __init__(self, total: int | None = None) -> None:
        """`total`: threads to give away; None: the physical cores."""
        self._total = total or psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
        self._told: WeakKeyDictionary[Engine, int] = WeakKeyDictionary()

    async def share(self, engines: Sequence[Engine]) -> None:
        """Divide the budget among these engines, and no others. Raises AppError where one has ended meanwhile."""
        if len(engines) == 1 and engines[0] not in self._told:
            return
        parts = shares(self._total, [engine.params.threads for engine in engines])
        for engine, part in zip(engines, parts, strict=True):
            if self._told.get(engine) != part:
                self._told[engine] = part
                await engine.backend.set_threads(part)
