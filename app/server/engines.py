"""Which models are loaded: loading on demand, one model at a time, never under the feet of one that is answering."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from itertools import count

from msgspec.structs import replace

from app.backends.base import BackendFactory
from app.errors import AppError
from app.protocol import (
    ErrorInfo,
    Event,
    LoadedMemory,
    LoadParams,
    Machine,
    ModelChanged,
    ModelEntry,
    ModelState,
    StateFolder,
)
from app.server.endpoint import told
from app.server.engine import Engine
from app.server.loadings import Loading, Loadings
from app.server.place import Place
from app.server.planning import Planning, with_freed, with_plan
from app.server.shelf import Shelf, with_sample
from app.server.verdicts import Verdicts
from app.server.witness import NOBODY, Witness


class Engines:
    """Loads and unloads. At most one model is loaded; who needs another waits, in turn, until the first is idle."""

    def __init__(
        self,
        shelf: Shelf,
        factory: BackendFactory,
        publish: Callable[[Event], None],
        states: Callable[[], StateFolder | None] = lambda: None,
        witness: Witness = NOBODY,
    ) -> None:
        self._shelf = shelf
        self._planning = Planning(shelf, witness)
        self._verdicts = Verdicts(self._planning, self._announce)
        self._publish = publish
        self._place = Place(factory, states, self._changed, witness)
        self._loadings = Loadings()
        self._errors: dict[str, ErrorInfo] = {}
        self._request_ids = count(1)

    @property
    def loaded(self) -> tuple[ModelEntry, ...]:
        """The models in memory, loading ones included."""
        return (self._place.engine.entry,) if self._place.engine else ()

    @property
    def busy(self) -> bool:
        """Whether the loaded model is answering."""
        return self._place.engine is not None and bool(self._place.engine.requests)

    @property
    def worker_pids(self) -> tuple[int, ...]:
        pid = self._place.engine.backend.pid if self._place.engine else None
        return () if pid is None else (pid,)

    async def memory(self) -> tuple[LoadedMemory, ...]:
        """What each loaded model was to take, and what it takes now."""
        engine = self._place.engine
        found = await engine.memory_now() if engine is not None else None
        return () if found is None else (found,)

    async def entries(self) -> list[ModelEntry]:
        """All models of the library as they are now; the folder is read again. Where each would run is told later."""
        entries = await self._shelf.entries()
        self._verdicts.judge(entries, self._freed)
        return [self._now(entry) for entry in entries]

    async def find(self, name: str) -> ModelEntry:
        """The model of that id or name. Raises AppError("model_not_found")."""
        return self._now(await self._shelf.find(name))

    async def choose(self, name: str) -> ModelEntry:
        """That model; for an empty name the loaded one, else the starter. Raises AppError, also "no_model"."""
        if name:
            return await self.find(name)
        return self._place.engine.entry if self._place.engine else self._now(await self._shelf.default())

    async def load(self, name: str, params: LoadParams, wait: bool) -> ModelEntry:
        """Load a model, or load it again with other parameters; the answer comes at once unless `wait`.

        All defaults mean: however it is loaded. A load that is under way with other values is let to its end first.
        Raises AppError: "model_not_found", "model_broken", "model_too_large"; with `wait` whatever loading raises.
        """
        entry = await self.find(name)
        if not (self._is_loaded_so(entry, params) or self._pending(entry, params)):
            await self._check(entry, params)  # takes time, in which others may ask for the same
        if self._is_loaded_so(entry, params):
            return self._now(entry)
        pending = self._pending(entry, params) or self._start(entry, params)
        if wait:
            return (await pending.outcome()).entry
        return self._now(entry)

    async def unload(self, name: str) -> ModelEntry:
        """Stop loading it, or stop its answers and end its worker; nothing happens where it is not loaded."""
        entry = await self._at_hand(name)
        await self._loadings.cancel(entry.id)
        if self._place.engine is not None and self._place.engine.entry.id == entry.id:
            await self._place.clear()
        return self._now(entry)

    async def unload_unused(self, name: str) -> None:
        """Unload it, or stop loading it, unless somebody holds it or waits for it."""
        if not self._place.users(name):
            await self.unload(name)

    @contextlib.asynccontextmanager
    async def use(self, name: str) -> AsyncIterator[Engine]:
        """The loaded model, held in memory while the context lasts; loads it where needed.

        Raises AppError: "model_not_found", "no_model", and what loading raises.
        """
        entry = await self.choose(name)
        await self._loadings.let_pass(entry.id)  # else a busy model would keep the next one waiting for ever
        with self._place.held(entry.id):
            yield await self._ready(entry)

    async def forget(self, keep_as: str) -> None:
        """Let the loaded model write down nothing more under that name."""
        if self._place.engine is not None:
            await self._place.engine.backend.forget(keep_as)

    def request_id(self) -> int:
        """A number no request to an engine has had."""
        return next(self._request_ids)

    async def close(self) -> None:
        """Stop loading and end the worker."""
        await self._verdicts.close()
        await self._loadings.cancel()
        await self._place.close()

    async def _at_hand(self, name: str) -> ModelEntry:
        """The model of that id or name; a loaded one is known although its file has gone."""
        try:
            return await self.find(name)
        except AppError:
            engine = self._place.engine
            if engine is None or name not in (engine.entry.id, engine.entry.name):
                raise
            return engine.entry

    async def _ready(self, entry: ModelEntry) -> Engine:
        """The engine of a model we hold. Of several loads only the first can be waited for: those behind it wait for
        us to let go."""
        if self._loaded_as(entry) is None and self._loadings.first(entry.id) is None:
            await self._check(entry, LoadParams())
        if (engine := self._loaded_as(entry)) is not None:
            return engine
        loading = self._loadings.first(entry.id) or self._start(entry, LoadParams())
        return await loading.outcome()

    def _is_loaded_so(self, entry: ModelEntry, params: LoadParams) -> bool:
        """Whether it is in memory as asked, and stays so."""
        engine = self._loaded_as(entry)
        return engine is not None and not self._loadings.last(entry.id) and params in (LoadParams(), engine.params)

    def _pending(self, entry: ModelEntry, params: LoadParams) -> Loading | None:
        """The load under way that brings it as asked."""
        last = self._loadings.last(entry.id)
        return last if last is not None and params in (LoadParams(), last.params) else None

    def _loaded_as(self, entry: ModelEntry) -> Engine | None:
        engine = self._place.engine
        return engine if engine is not None and engine.entry.id == entry.id and engine.loaded else None

    async def _check(self, entry: ModelEntry, params: LoadParams) -> None:
        """Raise AppError where it does not fit into what is free, with what unloading the present model would free."""
        await self._planning.prepare(entry, params, await self._freed())

    async def machine(self) -> Machine:
        """This machine with the memory that a load would find: free now, or given back by the present model."""
        machine = with_sample(await self._shelf.machine(), await self._shelf.sample())
        return with_freed(machine, await self._freed())

    async def _freed(self) -> dict[str, int]:
        """Bytes by device that unloading the present model would give back."""
        return await self._place.engine.taken() if self._place.engine else {}

    def _start(self, entry: ModelEntry, params: LoadParams) -> Loading:
        """A new load, behind those that were asked for before."""
        again = self._loaded_as(entry) is not None or self._loadings.first(entry.id) is not None
        task = asyncio.create_task(self._place.load(entry, params, lambda: self._planning.prepare(entry, params)))
        loading = Loading(entry.id, params, again, task)
        self._loadings.add(loading)
        self._errors.pop(entry.id, None)
        task.add_done_callback(lambda done: self._settled(entry, loading, done))
        self._announce(entry)
        return loading

    def _settled(self, entry: ModelEntry, loading: Loading, task: "asyncio.Task[Engine]") -> None:
        self._loadings.remove(loading)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            reason = told(error, f"loading {entry.id}")
            if reason.code != "load_cancelled":
                self._errors[entry.id] = reason.info
        if error is not None or task.cancelled():
            self._announce(entry)

    def _changed(self, entry: ModelEntry, error: AppError | None) -> None:
        if error is not None:
            self._errors[entry.id] = error.info
        self._announce(entry)

    def _announce(self, entry: ModelEntry) -> None:
        self._publish(ModelChanged(model=self._now(entry)))

    def _now(self, entry: ModelEntry) -> ModelEntry:
        """The entry with the state it has at this moment."""
        if self._place.engine is not None and self._place.engine.entry.id == entry.id:
            return self._place.engine.entry
        if self._loadings.first(entry.id) is not None:
            return replace(entry, state=ModelState.LOADING, progress=0.0, error=None)
        if entry.state is ModelState.BROKEN:
            return entry
        plan = self._verdicts.of(entry)
        resting = _at_rest(entry, self._errors.get(entry.id))
        return resting if plan is None else with_plan(resting, plan)


def _at_rest(entry: ModelEntry, error: ErrorInfo | None) -> ModelEntry:
    """The entry of a model that is not loaded: what is known only while it is goes."""
    return replace(
        entry,
        state=ModelState.AVAILABLE,
        progress=None,
        loaded_context=None,
        device="",
        supports_tools=False,
        sees=False,
        warnings=(),
        error=error,
        verdict=None,
        given_up=(),
        would_change=(),
    )
