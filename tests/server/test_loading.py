"""Loads that meet: the same model with other values, while it loads or answers; threads shared by several engines."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import AppError
from app.protocol import ChatTurn, Event, Generate, LoadParams, ModelChanged, ModelEntry, ModelState, Role
from app.server.engine import Engine
from app.server.engines import Engines
from app.server.preferences import Preferences
from app.server.shelf import Shelf
from app.server.threads import ThreadBudget, shares
from tests.conftest import add_model
from tests.processes import PATIENCE_S, paths_of
from tests.server.scripted import Script, says, until

SMALL, LARGE = LoadParams(context_length=256), LoadParams(context_length=1024)
TURNS = (ChatTurn(role=Role.USER, content="hi"),)


class Stage:
    """Engines over a real library, whose backends load when the test lets them."""

    def __init__(self, home: Path) -> None:
        self.script = Script()
        self.told: list[Event] = []
        self.engines = Engines(Shelf(Preferences(paths_of(home))), self.script.backend, self.told.append)

    def hold_loading(self) -> asyncio.Event:
        self.script.loading = asyncio.Event()
        return self.script.loading

    def load(self, params: LoadParams, model: str = "first") -> "asyncio.Task[ModelEntry]":
        return asyncio.create_task(self.engines.load(model, params, wait=True))

    @property
    def loads(self) -> list[LoadParams]:
        """What was named of each load."""
        return [LoadParams(context_length=params.context_length) for params, _ in self.script.loads]

    def pending(self) -> int:
        return len(self.engines._loadings._queue)


@pytest.fixture
async def stage(home: Path) -> AsyncIterator[Stage]:
    add_model(home, "first")
    add_model(home, "second")
    stage = Stage(home)
    async with asyncio.timeout(PATIENCE_S):
        yield stage
        await stage.engines.close()


async def test_other_values_do_not_join_a_running_load(stage: Stage) -> None:
    let_go = stage.hold_loading()
    first = stage.load(SMALL)
    await until(lambda: stage.loads)
    second = stage.load(LARGE)
    await until(lambda: stage.pending() == 2)
    let_go.set()
    assert (await first).loaded_context == 256
    assert (await second).loaded_context == 1024
    assert stage.loads == [SMALL, LARGE]
    assert [entry.loaded_context for entry in stage.engines.loaded] == [1024]


@pytest.mark.parametrize("again", [SMALL, LoadParams()])
async def test_the_same_values_or_none_join_it(stage: Stage, again: LoadParams) -> None:
    let_go = stage.hold_loading()
    first = stage.load(SMALL)
    await until(lambda: stage.loads)
    second = stage.load(again)
    await asyncio.sleep(0)
    let_go.set()
    assert (await first).loaded_context == (await second).loaded_context == 256
    assert stage.loads == [SMALL]


async def test_an_answer_that_waits_for_the_first_load_gets_it_and_the_second_comes_after(stage: Stage) -> None:
    let_go = stage.hold_loading()
    order: list[str] = []

    async def answer() -> None:
        async with stage.engines.use("first") as engine:
            order.append(f"answered with {engine.entry.loaded_context}")
            await until(lambda: stage.pending() == 1)

    first = stage.load(SMALL)
    await until(lambda: stage.loads)
    answering = asyncio.create_task(answer())
    await until(lambda: stage.engines._place.users("first"))
    second = stage.load(LARGE)
    await until(lambda: stage.pending() == 2)
    let_go.set()
    await asyncio.gather(first, answering)
    order.append(f"loaded with {(await second).loaded_context}")
    assert order == ["answered with 256", "loaded with 1024"]


async def test_answers_that_come_during_a_second_load_wait_for_it(stage: Stage) -> None:
    await stage.engines.load("first", SMALL, wait=True)
    held = asyncio.Event()

    async def answer(until_set: asyncio.Event | None = None) -> int | None:
        async with stage.engines.use("first") as engine:
            if until_set is not None:
                await until_set.wait()
            return engine.entry.loaded_context

    early = asyncio.create_task(answer(held))
    await until(lambda: stage.engines._place.users("first"))
    again = stage.load(LARGE)
    await until(lambda: stage.pending() == 1)
    late = asyncio.create_task(answer())
    await asyncio.sleep(0)
    held.set()
    assert await early == 256
    assert await late == 1024
    assert (await again).loaded_context == 1024


async def test_unloading_ends_all_its_loads(stage: Stage) -> None:
    stage.hold_loading()
    tasks = [stage.load(SMALL), stage.load(LARGE)]
    await until(lambda: stage.pending() == 2)
    assert (await stage.engines.unload("first")).state is ModelState.AVAILABLE
    for task in tasks:
        with pytest.raises(AppError) as cancelled:
            await task
        assert cancelled.value.code == "load_cancelled"
    assert (stage.engines.loaded, stage.pending()) == ((), 0)


async def test_several_answers_run_on_one_model_at_once(stage: Stage) -> None:
    let_go = asyncio.Event()
    stage.script.acts = [[let_go, *says("Yes.")] for _ in range(3)]

    async def answer() -> int:
        async with stage.engines.use("first") as engine:
            request = Generate(request_id=stage.engines.request_id(), turns=TURNS)
            return len([part async for part in engine.generate(request)])

    answering = [asyncio.create_task(answer()) for _ in range(3)]
    await until(lambda: stage.script.at_work == 3)
    let_go.set()
    assert await asyncio.gather(*answering) == [3, 3, 3]
    assert len(stage.loads) == 1


async def test_what_is_known_only_while_a_model_is_loaded_goes_with_it(stage: Stage) -> None:
    entry = await stage.engines.load("first", LoadParams(), wait=True)
    assert entry.loaded_context == 4096
    entry = await stage.engines.unload("first")
    assert (entry.loaded_context, entry.sees, entry.supports_tools, entry.warnings) == (None, False, False, ())
    states = [event.model.state for event in stage.told if isinstance(event, ModelChanged)]
    assert states == [ModelState.LOADING] * 2 + [ModelState.LOADED, ModelState.AVAILABLE]


# ---------------------------------------------------------------- threads


@pytest.mark.parametrize(
    ("total", "wishes", "parts"),
    [
        (8, [None], [8]),
        (8, [None, None], [4, 4]),
        (8, [None, None, None], [2, 3, 3]),
        (8, [2, None], [2, 6]),
        (8, [16, None], [4, 4]),
        (2, [None, None, None], [1, 1, 1]),
        (4, [], []),
    ],
)
def test_threads_are_shared_evenly(total: int, wishes: list[int | None], parts: list[int]) -> None:
    assert shares(total, wishes) == parts


@given(st.integers(1, 64), st.lists(st.none() | st.integers(1, 64), min_size=1, max_size=8))
def test_nobody_is_left_without_and_nothing_is_given_twice(total: int, wishes: list[int | None]) -> None:
    parts = shares(total, wishes)
    assert all(part >= 1 for part in parts)
    assert sum(parts) <= max(total, len(wishes))
    assert all(wish is None or part <= wish for part, wish in zip(parts, wishes, strict=True))


def engine(script: Script, name: str, threads: int | None = None) -> Engine:
    entry = ModelEntry(id=name, name=name, path=name, size=1, state=ModelState.LOADED)
    return Engine(entry, script.backend(), LoadParams(threads=threads))


async def test_each_engine_is_told_its_part_when_it_changes() -> None:
    budget = ThreadBudget(8)
    scripts = [Script(), Script()]
    one, other = engine(scripts[0], "one"), engine(scripts[1], "other", threads=3)
    await budget.share([one])
    assert scripts[0].threads == []
    await budget.share([one, other])
    await budget.share([one, other])
    assert [script.threads for script in scripts] == [[5], [3]]
    await budget.share([one])
    assert [script.threads for script in scripts] == [[5, 8], [3]]
