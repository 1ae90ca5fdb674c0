import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.backends.base import Backend
from app.backends.fake import FakeBackend, FakePlan, Fault
from app.backends.probe import EngineDevice, EngineReport
from app.errors import AppError
from app.protocol import (
    CPU,
    ChatTurn,
    Event,
    Finished,
    FinishReason,
    Generate,
    LoadParams,
    ModelChanged,
    ModelEntry,
    ModelState,
    Role,
    RopeScaling,
)
from app.server.engine import Engine
from app.server.engines import Engines
from app.server.planning import Planning, Prepared
from app.server.preferences import Preferences
from app.server.shelf import Shelf
from tests.conftest import add_model
from tests.hardware.gguf_files import Gguf
from tests.processes import PATIENCE_S, paths_of
from tests.server.scripted import until

CARD = EngineDevice(name="CUDA0", description="Card", kind="discrete", memory_free=2**33, memory_total=2**33)
TURNS = (ChatTurn(role=Role.USER, content="hi"),)


@dataclass
class Stage:
    """Engines over a real library with fake backends, and what they said."""

    home: Path
    plan: FakePlan = field(default_factory=FakePlan)
    backends: list[FakeBackend] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engines = Engines(Shelf(Preferences(paths_of(self.home))), self._make, self.told.append)

    def _make(self) -> Backend:
        self.backends.append(FakeBackend(self.plan))
        return self.backends[-1]

    def pending(self, model: str) -> bool:
        """Whether a load of that model waits or runs."""
        return self.engines._loadings.first(model) is not None

    def states_of(self, model: str) -> list[ModelState]:
        """The states told of a model, each once in a row."""
        states: list[ModelState] = []
        for event in self.told:
            if isinstance(event, ModelChanged) and event.model.id == model and states[-1:] != [event.model.state]:
                states.append(event.model.state)
        return states


@pytest.fixture
async def stage(home: Path) -> AsyncIterator[Stage]:
    add_model(home, "first")
    add_model(home, "second")
    stage = Stage(home)
    yield stage
    await stage.engines.close()


async def write(engines: Engines, engine: Engine) -> Finished:
    """Let it answer to the end."""
    last = [part async for part in engine.generate(Generate(request_id=engines.request_id(), turns=TURNS))][-1]
    assert isinstance(last, Finished)
    return last


async def state_of(engines: Engines, model: str) -> ModelEntry:
    return await engines.find(model)


async def test_a_load_is_told_from_its_beginning_to_its_end(stage: Stage) -> None:
    entry = await stage.engines.load("first", LoadParams(context_length=512), wait=True)
    assert entry.state is ModelState.LOADED
    assert entry.loaded_context == 512
    assert entry.supports_thinking
    assert stage.states_of("first") == [ModelState.LOADING, ModelState.LOADED]
    assert [loaded.id for loaded in stage.engines.loaded] == ["first"]


async def test_loading_again_the_same_way_does_nothing(stage: Stage) -> None:
    await stage.engines.load("first", LoadParams(), wait=True)
    await stage.engines.load("first", LoadParams(), wait=True)
    assert len(stage.backends) == 1


async def test_other_parameters_load_anew(stage: Stage) -> None:
    await stage.engines.load("first", LoadParams(), wait=True)
    entry = await stage.engines.load("first", LoadParams(context_length=256), wait=True)
    assert entry.loaded_context == 256
    assert len(stage.backends) == 2


async def test_another_model_takes_the_place_of_an_idle_one(stage: Stage) -> None:
    await stage.engines.load("first", LoadParams(), wait=True)
    await stage.engines.load("second", LoadParams(), wait=True)
    assert [loaded.id for loaded in stage.engines.loaded] == ["second"]
    assert stage.states_of("first")[-1] is ModelState.AVAILABLE


async def test_a_model_that_answers_is_not_unloaded_for_another(stage: Stage) -> None:
    async with stage.engines.use("first") as engine:
        waiting = asyncio.create_task(stage.engines.load("second", LoadParams(), wait=True))
        await until(lambda: stage.pending("second"))
        assert (await write(stage.engines, engine)).stats.finish_reason is FinishReason.STOP
        assert not waiting.done()
    assert (await waiting).state is ModelState.LOADED


async def test_whoever_comes_later_does_not_overtake_a_waiting_load(stage: Stage) -> None:
    order: list[str] = []

    async def answer(model: str) -> None:
        async with stage.engines.use(model) as engine:
            order.append(engine.entry.id)

    async with stage.engines.use("first"):
        second = asyncio.create_task(answer("second"))
        await until(lambda: stage.pending("second"))
        third = asyncio.create_task(answer("first"))
        await asyncio.sleep(0)
    await asyncio.gather(second, third)
    assert order == ["second", "first"]


async def test_two_that_need_the_same_model_at_once_both_get_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slower one has still been looking at the memory when the faster one's load was over."""
    prepare, slow = Planning.prepare, asyncio.Event()

    async def prepare_slowly(planning: Planning, *arguments: Any) -> Prepared:
        prepared = await prepare(planning, *arguments)
        await slow.wait()
        return prepared

    async def use() -> str:
        async with stage.engines.use("first") as engine:
            return engine.entry.id

    monkeypatch.setattr(Planning, "prepare", prepare_slowly)
    slower = asyncio.create_task(use())
    await until(lambda: stage.engines._place.users("first"))
    monkeypatch.setattr(Planning, "prepare", prepare)
    async with asyncio.timeout(PATIENCE_S), stage.engines.use("first"):
        slow.set()
        assert await slower == "first"
    assert len(stage.backends) == 1


async def test_an_answer_takes_the_loaded_model_else_the_first_of_the_list(stage: Stage) -> None:
    first = (await stage.engines.entries())[0].id
    assert (await stage.engines.choose("")).id == first
    await stage.engines.load("second", LoadParams(), wait=True)
    assert (await stage.engines.choose("")).id == "second"


async def test_unknown_models_are_named(stage: Stage) -> None:
    for attempt in (stage.engines.load("nobody", LoadParams(), wait=True), stage.engines.unload("nobody")):
        with pytest.raises(AppError) as refused:
            await attempt
        assert refused.value.code == "model_not_found"


async def test_unloading_stops_the_loading(stage: Stage) -> None:
    stage.plan = FakePlan(load_s=600)
    loading = asyncio.create_task(stage.engines.load("first", LoadParams(), wait=True))
    await until(lambda: stage.backends)
    assert (await stage.engines.unload("first")).state is ModelState.AVAILABLE
    with pytest.raises(AppError) as cancelled:
        await loading
    assert cancelled.value.code == "load_cancelled"
    assert stage.engines.loaded == ()


async def test_unloading_ends_answers_in_order(stage: Stage) -> None:
    stage.plan = FakePlan(tokens_per_second=0.001)
    async with stage.engines.use("first") as engine:
        writing = asyncio.create_task(write(stage.engines, engine))
        await until(lambda: engine.requests)
        unloading = asyncio.create_task(stage.engines.unload("first"))
        assert (await writing).stats.finish_reason is FinishReason.CANCELLED
    assert (await unloading).state is ModelState.AVAILABLE


async def test_a_load_that_fails_leaves_its_reason_in_the_list(stage: Stage) -> None:
    stage.plan = FakePlan(fault=Fault.LOAD)
    with pytest.raises(AppError) as failed:
        await stage.engines.load("first", LoadParams(), wait=True)
    assert failed.value.code == "model_load_failed"
    entry = await state_of(stage.engines, "first")
    assert entry.state is ModelState.AVAILABLE
    assert entry.error == failed.value.info
    stage.plan = FakePlan()
    assert (await stage.engines.load("first", LoadParams(), wait=True)).error is None


async def test_the_end_of_an_idle_worker_is_noticed(stage: Stage) -> None:
    await stage.engines.load("first", LoadParams(), wait=True)
    stage.backends[0].die("somebody killed it")
    await until(lambda: not stage.engines.loaded)
    entry = await state_of(stage.engines, "first")
    assert entry.state is ModelState.AVAILABLE
    assert entry.error is not None
    assert entry.error.code == "worker_died"
    async with stage.engines.use("first") as engine:
        assert (await write(stage.engines, engine)).stats.answer_tokens > 0


async def test_a_model_too_large_is_refused_before_loading_with_the_numbers(stage: Stage) -> None:
    stretched = LoadParams(context_length=2**31 - 1, rope_scaling=RopeScaling.YARN)
    with pytest.raises(AppError) as refused:
        await stage.engines.load("first", stretched, wait=False)
    assert refused.value.code == "model_too_large"
    assert int(refused.value.values["needed_bytes"]) > int(refused.value.values["available_bytes"]) > 0
    assert stage.backends == []


async def test_who_wants_to_wait_waits_for_a_load_somebody_else_began(stage: Stage) -> None:
    stage.plan = FakePlan(load_s=0.05)
    await stage.engines.load("first", LoadParams(), wait=False)
    await until(lambda: stage.backends)
    assert (await stage.engines.load("first", LoadParams(), wait=True)).state is ModelState.LOADED
    assert len(stage.backends) == 1


async def test_a_loaded_model_whose_file_has_gone_can_be_unloaded(stage: Stage) -> None:
    entry = await stage.engines.load("first", LoadParams(), wait=True)
    os.unlink(entry.path)
    assert (await stage.engines.unload("first")).state is ModelState.AVAILABLE
    assert stage.engines.loaded == ()
    assert stage.states_of("first")[-1] is ModelState.AVAILABLE


async def test_a_model_listed_as_broken_is_refused_with_that_reason(stage: Stage) -> None:
    Gguf({"general.architecture": "llama"}, {}).write(stage.home / "models" / "hollow.gguf")
    with pytest.raises(AppError) as refused:
        await stage.engines.load("hollow", LoadParams(), wait=True)
    assert (refused.value.code, refused.value.values["reason"]) == ("model_broken", "no_weights")
    assert stage.backends == []


async def test_a_bug_while_loading_is_logged_and_told(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(FakeBackend, "load", fail)
    await stage.engines.load("first", LoadParams(), wait=False)
    await until(lambda: not stage.pending("first"))
    entry = await state_of(stage.engines, "first")
    assert entry.error is not None
    assert (entry.error.code, entry.error.values["reason"]) == ("internal", "RuntimeError")
    assert "a bug" in caplog.text


async def test_who_asks_for_the_same_at_the_same_time_shares_one_load(stage: Stage) -> None:
    params = LoadParams(context_length=512)
    both = await asyncio.gather(*(stage.engines.load("first", params, wait=True) for _ in range(2)))
    assert [entry.state for entry in both] == [ModelState.LOADED] * 2
    assert len(stage.backends) == 1


async def test_what_a_load_would_find_is_what_the_present_model_gives_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (await stage.engines.machine()).ram_available
    await stage.engines.load("first", LoadParams(), wait=True)

    async def taken(_engine: Engine) -> dict[str, int]:
        return {CPU: 2**40}

    monkeypatch.setattr(Engine, "taken", taken)
    after = (await stage.engines.machine()).ram_available
    assert before is not None
    assert after is not None
    assert after > 2**40 > before


async def test_an_engine_that_could_not_answer_is_asked_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(Preferences(paths_of(home)))
    shelf._graphics = True
    answers: list[EngineReport | AppError] = [
        AppError("engine_missing", reason="slow"),
        EngineReport(version="1", llama_version="b1", devices=(CARD,)),
    ]

    async def probe() -> EngineReport:
        answer = answers.pop(0)
        if isinstance(answer, AppError):
            raise answer
        return answer

    monkeypatch.setattr("app.server.shelf.probe_engine", probe)
    assert (await shelf.machine_now()).usable_devices == ()
    assert (await shelf.machine_now()).usable_devices == ()
    assert len(answers) == 1, "it is not asked at every load"
    monkeypatch.setattr("app.server.shelf.REPORT_AGE_S", -1.0)
    assert [device.engine_name for device in (await shelf.machine_now()).usable_devices] == ["CUDA0"]
