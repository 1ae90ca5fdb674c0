"""The place for one loaded model: who loads another waits, in turn, until nobody uses the present one."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

from msgspec.structs import replace

from app.backends.base import BackendFactory
from app.errors import AppError
from app.protocol import ErrorInfo, LoadParams, ModelEntry, ModelState, StateFolder
from app.server.engine import Engine
from app.server.planning import Prepared, is_short_of_memory, steps_between, with_plan
from app.server.threads import ThreadBudget
from app.server.witness import NOBODY, Witness

_log = logging.getLogger(__name__)


class Place:
    """Holds at most one engine. `on_change` is told of each change of it, with the error where it ended by itself."""

    def __init__(
        self,
        factory: BackendFactory,
        states: Callable[[], StateFolder | None],
        on_change: Callable[[ModelEntry, AppError | None], None],
        witness: Witness = NOBODY,
    ) -> None:
        self._factory = factory
        self._states = states
        self._on_change = on_change
        self._witness = witness
        self._users: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self._turn = asyncio.Lock()
        self._watchers: set[asyncio.Task[None]] = set()
        self._threads = ThreadBudget()
        self.engine: Engine | None = None

    def users(self, model_id: str) -> int:
        """How many hold that model, or wait for it."""
        return self._users[model_id]

    @contextlib.contextmanager
    def held(self, model_id: str) -> Iterator[None]:
        """While the context lasts, that model is not unloaded to make room."""
        self._users[model_id] += 1
        try:
            yield
        finally:
            self._users[model_id] -= 1
            self._changed.set()

    async def load(self, entry: ModelEntry, params: LoadParams, prepare: Callable[[], Awaitable[Prepared]]) -> Engine:
        """Load it once it is its turn and there is room, as `prepare` plans it from what is free at that moment.

        Where that has no memory all the same, smaller plans are tried, and each is said. Raises what loading and
        `prepare` raise; AppError("load_cancelled") where the task is cancelled.
        """
        try:
            async with self._turn:
                await self._make_room()
                return await self._walk(entry, params, await prepare())
        except asyncio.CancelledError:
            raise AppError("load_cancelled", model=entry.name) from None

    async def clear(self) -> None:
        """End the engine, its answers first."""
        engine = self.engine
        if engine is None:
            return
        await engine.end()
        if self.engine is engine:
            self.engine = None
            self._on_change(engine.entry, None)

    async def close(self) -> None:
        await self.clear()
        for watcher in self._watchers:
            watcher.cancel()

    async def _make_room(self) -> None:
        """Wait until the loaded model is idle, then unload it."""
        while self.engine is not None:
            if not self._users[self.engine.entry.id]:
                await self.clear()
                continue
            self._changed.clear()
            await self._changed.wait()

    async def _walk(self, entry: ModelEntry, params: LoadParams, prepared: Prepared) -> Engine:
        """Load it, with a smaller plan each time there was no memory for the one before."""
        steps: tuple[ErrorInfo, ...] = ()
        while True:
            try:
                return await self._load(entry, params, prepared, steps)
            except AppError as error:
                smaller = prepared.smaller() if is_short_of_memory(error) else None
                if smaller is None:
                    raise
                _log.warning("%s had no memory as it was planned: %s", entry.id, error)
                steps = steps_between(prepared.plan, smaller.plan)
                prepared = smaller

    async def _load(
        self, entry: ModelEntry, params: LoadParams, prepared: Prepared, steps: tuple[ErrorInfo, ...]
    ) -> Engine:
        plan = prepared.plan
        loading = replace(entry, state=ModelState.LOADING, progress=0.0, error=None, warnings=steps)
        engine = self.engine = Engine(
            with_plan(loading, plan), self._factory(), params, on_answer=self._witness.answered
        )
        if steps:
            self._on_change(engine.entry, None)
        try:
            loaded = await engine.backend.load(
                entry.path, plan.params, lambda share: self._progress(engine, share), self._states()
            )
        except BaseException:
            self.engine = None
            await asyncio.shield(engine.backend.unload())
            raise
        engine.settle(loaded, prepared)
        self._on_change(engine.entry, None)
        watcher = asyncio.create_task(self._watch(engine))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        await self._threads.share([engine])
        self._witness.settled(engine)
        return engine

    def _progress(self, engine: Engine, share: float) -> None:
        """Tell the clients, a hundred times at most."""
        if round(share, 2) != engine.entry.progress and not engine.loaded:
            engine.entry = replace(engine.entry, progress=round(share, 2))
            self._on_change(engine.entry, None)

    async def _watch(self, engine: Engine) -> None:
        """Notice the end of a worker, also of an idle one."""
        error = await engine.backend.wait_closed()
        if error is not None:
            _log.warning("the worker of %s ended: %s", engine.entry.id, error)
        if self.engine is engine:
            self.engine = None
            self._changed.set()
            self._on_change(engine.entry, error)
