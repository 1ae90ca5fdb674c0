"""The threads that touch the database: one that writes in the order of the calls, one that only searches."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from app.hardware.measurements import MEASUREMENTS, Measurements
from app.protocol import SearchHit
from app.store.database import open_database
from app.store.migrations import STORE
from app.store.search import Search
from app.store.store import Store

Result = TypeVar("Result")


class Storage:
    """The store, opened, used and closed in a thread of its own: the event loop never waits for a disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._searching = ThreadPoolExecutor(max_workers=1, thread_name_prefix="search")
        self._store: Store | None = None
        self._measurements: Measurements | None = None
        self._search: Search | None = None

    async def open(self) -> int:
        """Open the database and mend what a killed backend left. Returns how many answers were unfinished.

        Raises AppError: "database_newer", "database_damaged", "disk_full", "folder_read_only".
        """
        return await _in(self._writing, self._open)

    async def do(self, work: Callable[[Store], Result]) -> Result:
        """The result of work on the store. Work that was handed over is done even if the caller is cancelled."""
        store = self._store
        assert store is not None, "used before it was opened"
        return await _in(self._writing, lambda: work(store))

    async def measure(self, work: Callable[[Measurements], Result]) -> Result:
        """The same on what was measured of this machine."""
        measurements = self._measurements
        assert measurements is not None, "used before it was opened"
        return await _in(self._writing, lambda: work(measurements))

    async def search(self, query: str, limit: int) -> list[SearchHit]:
        """Conversations and messages that match, found over a connection of its own."""
        return await _in(self._searching, lambda: self._searcher().find(query, limit))

    async def close(self) -> None:
        """Finish what was handed over, then close."""
        if self._search is not None:
            await _in(self._searching, self._search.close)
        if self._store is not None:
            await _in(self._writing, self._store.close)
        self._searching.shutdown()
        self._writing.shutdown()

    def _open(self) -> int:
        database = open_database(self._path, (STORE, MEASUREMENTS))
        self._measurements = Measurements(database)
        self._store = Store(database)
        return self._store.recover(time.time())

    def _searcher(self) -> Search:
        """The connection for searching, opened when it is first needed."""
        if self._search is None:
            self._search = Search(self._path)
        return self._search


async def _in(thread: ThreadPoolExecutor, work: Callable[[], Result]) -> Result:
    return await asyncio.shield(asyncio.get_running_loop().run_in_executor(thread, work))
