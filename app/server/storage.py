"""The one thread that touches the database: the event loop hands it work and never waits for a disk."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Store = TypeVar("Store")
Result = TypeVar("Result")


class Storage(Generic[Store]):
    """A store that lives in a thread of its own, where it is opened, used in the order of the calls, and closed."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._store: Store | None = None
        self._close: Callable[[Store], None] | None = None

    async def open(self, opening: Callable[[], Store], close: Callable[[Store], None]) -> None:
        """Open the store in its thread. Raises what `opening` raises."""
        self._store = await asyncio.get_running_loop().run_in_executor(self._thread, opening)
        self._close = close

    async def do(self, work: Callable[[Store], Result]) -> Result:
        """The result of work on the store. Work that was handed over is done even if the caller is cancelled."""
        store = self._store
        assert store is not None, "used before it was opened"
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(store))

    async def close(self) -> None:
        """Finish what was handed over, then close the store. It stays closed."""
        if self._store is not None and self._close is not None:
            await self.do(self._close)
        self._store = None
        self._thread.shutdown()
