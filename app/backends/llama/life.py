"""Watches over a worker from which something is expected: one that hangs never ends by itself."""

import asyncio
import contextlib
from collections.abc import Callable

from app.backends.llama.child import Child
from app.protocol import GetStats, WorkerStats

SILENT_SECONDS = 5.0
"""After this long without a word the worker is asked how it is."""
HUNG_SECONDS = 30.0
"""After this long without one it hangs: another thread than those that compute or load would have answered."""
STEP_SECONDS = 600.0
"""A single step that takes longer than this will never end."""


class LifeGuard:
    """Calls `on_hung` with the seconds of silence, once, while `expects` says that there is something to wait for."""

    def __init__(self, child: Child, expects: Callable[[], bool], on_hung: Callable[[float], None]) -> None:
        self._child = child
        self._expects = expects
        self._on_hung = on_hung
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Something is expected from now on."""
        if self._task is None or self._task.done():
            self._child.heard_at = asyncio.get_running_loop().time()
            self._task = asyncio.create_task(self._watch())

    def stop(self) -> None:
        """The worker has gone."""
        if self._task is not None:
            self._task.cancel()

    def look_at(self, stats: WorkerStats) -> None:
        """The worker has said how it is."""
        if stats.step_s >= STEP_SECONDS:
            self._on_hung(stats.step_s)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while self._expects() and not self._child.ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._child.ended.wait(), SILENT_SECONDS)
            silent = loop.time() - self._child.heard_at
            if silent >= HUNG_SECONDS:
                self._on_hung(silent)
                return
            if silent >= SILENT_SECONDS:
                self._child.send(GetStats())
