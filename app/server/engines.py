"""Which models are loaded: loading on demand, one model at a time, never under the feet of one that is answering."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import count

from msgspec.structs import replace

from app.backends.base import AnswerPart, Backend, BackendFactory
from app.errors import AppError
from app.protocol import (
    ChatTurn,
    ErrorInfo,
    Event,
    Generate,
    Loaded,
    LoadParams,
    ModelChanged,
    ModelEntry,
    ModelState,
    Sampling,
)
from app.server.endpoint import told
from app.server.shelf import Shelf

STOP_ANSWERS_S = 1.0
"""How long an answer gets to end by itself when its model is unloaded."""

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Engine:
    """A backend with its model, from the moment loading begins until it has ended."""

    entry: ModelEntry
    backend: Backend
    params: LoadParams
    requests: set[int] = field(default_factory=set)
    """The answers it is writing."""

    @property
    def loaded(self) -> bool:
        return self.entry.state is ModelState.LOADED

    async def generate(self, request: Generate) -> AsyncGenerator[AnswerPart, None]:
        """The parts of one answer. Raises AppError as `Backend.generate` does; closing it cancels the answer."""
        self.requests.add(request.request_id)
        try:
            async with contextlib.aclosing(self.backend.generate(request)) as parts:
                async for part in parts:
                    yield part
        finally:
            self.requests.discard(request.request_id)


class Engines:
    """Loads and unloads. At most one model is loaded; who needs another waits, in turn, until the first is idle."""

    def __init__(self, shelf: Shelf, factory: BackendFactory, publish: Callable[[Event], None]) -> None:
        self._shelf = shelf
        self._factory = factory
        self._publish = publish
        self._engine: Engine | None = None
        self._loads: dict[str, asyncio.Task[Engine]] = {}
        self._users: Counter[str] = Counter()
        self._user_left = asyncio.Event()
        self._turn = asyncio.Lock()
        self._errors: dict[str, ErrorInfo] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._request_ids = count(1)

    @property
    def loaded(self) -> tuple[ModelEntry, ...]:
        """The models in memory, loading ones included."""
        return (self._engine.entry,) if self._engine else ()

    @property
    def worker_pids(self) -> tuple[int, ...]:
        pid = self._engine.backend.pid if self._engine else None
        return () if pid is None else (pid,)

    async def entries(self) -> list[ModelEntry]:
        """All models of the library as they are now; the folder is read again."""
        return [self._now(entry) for entry in await self._shelf.entries()]

    async def find(self, name: str) -> ModelEntry:
        """The model of that id or name. Raises AppError("model_not_found")."""
        return self._now(await self._shelf.find(name))

    async def choose(self, name: str) -> ModelEntry:
        """That model; for an empty name the loaded one, else the starter. Raises AppError, also "no_model"."""
        if name:
            return await self.find(name)
        return self._engine.entry if self._engine else self._now(await self._shelf.default())

    async def load(self, name: str, params: LoadParams, wait: bool) -> ModelEntry:
        """Load a model, or load it again with other parameters; the answer comes at once unless `wait`.

        Raises AppError: "model_not_found", "model_broken", "model_too_large"; with `wait` whatever loading raises.
        """
        entry = await self.find(name)
        if self._fits_request(entry.id, params, wait):
            return entry
        await self._shelf.check_fits(entry, params, await self._reclaimable())
        task = self._start(entry, params)
        if wait:
            return (await _outcome(task)).entry
        return self._now(entry)

    async def unload(self, name: str) -> ModelEntry:
        """Stop loading it, or stop its answers and end its worker; nothing happens where it is not loaded."""
        entry = await self._at_hand(name)
        if task := self._loads.get(entry.id):
            task.cancel()
            await asyncio.wait([task])
        if self._engine is not None and self._engine.entry.id == entry.id:
            await self._end(self._engine)
        return self._now(entry)

    @contextlib.asynccontextmanager
    async def use(self, name: str) -> AsyncIterator[Engine]:
        """The loaded model, held in memory while the context lasts; loads it where needed.

        Raises AppError: "model_not_found", "no_model", and what loading raises.
        """
        entry = await self.choose(name)
        await self._let_others_load(entry.id)
        self._users[entry.id] += 1
        try:
            yield await self._ready(entry)
        finally:
            self._users[entry.id] -= 1
            self._user_left.set()

    def request(self, turns: tuple[ChatTurn, ...], sampling: Sampling, thinking: bool) -> Generate:
        """A request with an id of its own."""
        return Generate(request_id=next(self._request_ids), turns=turns, sampling=sampling, thinking=thinking)

    async def close(self) -> None:
        """Stop loading and end the worker."""
        for task in list(self._loads.values()):
            task.cancel()
        if self._loads:
            await asyncio.wait(list(self._loads.values()))
        if self._engine is not None:
            await self._end(self._engine)
        for watcher in self._watchers:
            watcher.cancel()

    async def _at_hand(self, name: str) -> ModelEntry:
        """The model of that id or name; a loaded one is known although its file has gone."""
        try:
            return await self.find(name)
        except AppError:
            if self._engine is None or name not in (self._engine.entry.id, self._engine.entry.name):
                raise
            return self._engine.entry

    async def _ready(self, entry: ModelEntry) -> Engine:
        if self._loaded_as(entry) is None and entry.id not in self._loads:
            await self._shelf.check_fits(entry, LoadParams(), await self._reclaimable())
        # Somebody else may have loaded it meanwhile. To load it again would be to wait for its users, ourselves among
        # them, for ever.
        return self._loaded_as(entry) or await _outcome(self._start(entry, LoadParams()))

    def _loaded_as(self, entry: ModelEntry) -> Engine | None:
        engine = self._engine
        return engine if engine is not None and engine.entry.id == entry.id and engine.loaded else None

    async def _let_others_load(self, model_id: str) -> None:
        """Loads asked for earlier go first: without this a busy model would keep the next one waiting for ever."""
        others = [task for other, task in self._loads.items() if other != model_id]
        if others:
            await asyncio.wait(others)

    def _fits_request(self, model_id: str, params: LoadParams, loaded: bool) -> bool:
        """Whether the model is loaded that way, or, unless it must be `loaded` already, about to be."""
        engine = self._engine
        if engine is None or engine.entry.id != model_id or (loaded and not engine.loaded):
            return False
        return params in (LoadParams(), engine.params)

    def _start(self, entry: ModelEntry, params: LoadParams) -> asyncio.Task[Engine]:
        """The task that loads this model: the one already running, or a new one."""
        if running := self._loads.get(entry.id):
            return running
        task = self._loads[entry.id] = asyncio.create_task(self._bring_up(entry, params))
        self._errors.pop(entry.id, None)
        task.add_done_callback(lambda done: self._loaded_or_not(entry, done))
        self._announce(entry)
        return task

    def _loaded_or_not(self, entry: ModelEntry, task: asyncio.Task[Engine]) -> None:
        del self._loads[entry.id]
        if task.cancelled():
            self._announce(entry)
        elif (error := task.exception()) is not None:
            reason = told(error, f"loading {entry.id}")
            if reason.code != "load_cancelled":
                self._errors[entry.id] = reason.info
            self._announce(entry)

    async def _bring_up(self, entry: ModelEntry, params: LoadParams) -> Engine:
        """Load it once it is its turn and there is room. A cancelled load raises AppError("load_cancelled")."""
        try:
            async with self._turn:
                if await self._made_room():
                    await self._shelf.check_fits(entry, params)
                return await self._load(entry, params)
        except asyncio.CancelledError:
            raise AppError("load_cancelled", model=entry.name) from None

    async def _made_room(self) -> bool:
        """Wait until the loaded model is idle, then unload it. False where there was none."""
        if self._engine is None:
            return False
        while self._engine is not None:
            engine = self._engine
            if not self._users[engine.entry.id]:
                await self._end(engine)
                continue
            self._user_left.clear()
            await self._user_left.wait()
        return True

    async def _load(self, entry: ModelEntry, params: LoadParams) -> Engine:
        engine = Engine(replace(entry, state=ModelState.LOADING, progress=0.0, error=None), self._factory(), params)
        self._engine = engine
        try:
            loaded = await engine.backend.load(entry.path, params, lambda share: self._progress(engine, share))
        except BaseException:
            self._engine = None
            await asyncio.shield(engine.backend.unload())
            raise
        engine.entry = _loaded_entry(entry, loaded)
        self._publish(ModelChanged(model=engine.entry))
        watcher = asyncio.create_task(self._watch(engine))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return engine

    def _progress(self, engine: Engine, share: float) -> None:
        """Tell the clients, a hundred times at most."""
        if round(share, 2) != engine.entry.progress and not engine.loaded:
            engine.entry = replace(engine.entry, progress=round(share, 2))
            self._publish(ModelChanged(model=engine.entry))

    async def _watch(self, engine: Engine) -> None:
        """Notice the end of a worker, also of an idle one."""
        error = await engine.backend.wait_closed()
        if error is not None:
            _log.warning("the worker of %s ended: %s", engine.entry.id, error)
            self._errors[engine.entry.id] = error.info
        if self._engine is engine:
            self._engine = None
            self._user_left.set()
            self._announce(engine.entry)

    async def _end(self, engine: Engine) -> None:
        """Stop what it is writing, then end it; its memory is free afterwards."""
        for request_id in list(engine.requests):
            await engine.backend.cancel(request_id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_ANSWERS_S):
                while engine.requests:
                    self._user_left.clear()
                    await self._user_left.wait()
        await engine.backend.unload()
        if self._engine is engine:
            self._engine = None
            self._announce(engine.entry)

    async def _reclaimable(self) -> int:
        """Bytes that unloading the present model would free."""
        if self._engine is None or not self._engine.loaded:
            return 0
        with contextlib.suppress(AppError):
            return (await self._engine.backend.stats()).resident
        return 0

    def _announce(self, entry: ModelEntry) -> None:
        self._publish(ModelChanged(model=self._now(entry)))

    def _now(self, entry: ModelEntry) -> ModelEntry:
        """The entry with the state it has at this moment."""
        if self._engine is not None and self._engine.entry.id == entry.id:
            return self._engine.entry
        if entry.id in self._loads:
            return replace(entry, state=ModelState.LOADING, progress=0.0, error=None)
        if entry.state is ModelState.BROKEN:
            return entry
        error = self._errors.get(entry.id)
        return replace(
            entry,
            state=ModelState.AVAILABLE,
            progress=None,
            loaded_context=None,
            device="",
            supports_thinking=False,
            error=error,
        )


async def _outcome(task: asyncio.Task[Engine]) -> Engine:
    """What a load brings; who waits may be cancelled without ending it. Raises what the load raises."""
    await asyncio.wait([task])
    if task.cancelled():
        raise AppError("load_cancelled", model="")
    return task.result()


def _loaded_entry(entry: ModelEntry, loaded: Loaded) -> ModelEntry:
    return replace(
        entry,
        state=ModelState.LOADED,
        progress=None,
        loaded_context=loaded.context_length,
        device=loaded.device,
        supports_thinking=loaded.supports_thinking,
        error=None,
    )
