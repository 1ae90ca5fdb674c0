"""Loads that follow a plan: what is refused, what is tried again smaller, what was predicted and taken."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from app.backends.base import ProgressCallback
from app.backends.fake import FakeBackend, FakePlan
from app.errors import AppError
from app.protocol import (
    CPU,
    Event,
    KvType,
    Loaded,
    LoadParams,
    MemorySample,
    MemoryUse,
    ModelChanged,
    ModelState,
    StateFolder,
    Verdict,
)
from app.server.engines import Engines
from app.server.planning import with_freed
from app.server.preferences import Preferences
from app.server.shelf import Shelf
from tests.conftest import add_model
from tests.hardware.gguf_files import Gguf, llama
from tests.hardware.shapes import GIB, card, computer
from tests.processes import PATIENCE_S, paths_of, running_backend
from tests.server.scripted import until

MIB = 1024**2
Refuses = Callable[[LoadParams], bool]


class NarrowBackend(FakeBackend):
    """An engine that has no memory for some loads; keeps what it was asked for."""

    def __init__(self, stage: "Stage") -> None:
        super().__init__(FakePlan())
        self._stage = stage

    async def load(
        self, path: str, params: LoadParams, on_progress: ProgressCallback, states: StateFolder | None = None
    ) -> Loaded:
        self._stage.asked.append(params)
        if self._stage.refuses(params):
            raise AppError("model_load_failed", model=path, reason="out_of_memory", detail="failed to allocate")
        loaded = await super().load(path, params, on_progress, states)
        return msgspec.structs.replace(loaded, buffers=(MemoryUse(weights=5 * MIB, cache=MIB),))


class Stage:
    """Engines whose backends refuse what the test says."""

    def __init__(self, home: Path) -> None:
        self.asked: list[LoadParams] = []
        self.told: list[Event] = []
        self.refuses: Refuses = lambda _params: False
        self.shelf = Shelf(Preferences(paths_of(home)))
        self.engines = Engines(self.shelf, lambda: NarrowBackend(self), self.told.append)


@pytest.fixture
async def stage(home: Path) -> AsyncIterator[Stage]:
    add_model(home, "first")
    stage = Stage(home)
    async with asyncio.timeout(PATIENCE_S):
        yield stage
        await stage.engines.close()


async def test_the_worker_is_told_everything_that_was_planned(stage: Stage) -> None:
    entry = await stage.engines.load("first", LoadParams(), wait=True)
    (asked,) = stage.asked
    assert (asked.context_length, asked.kv_type_k, asked.kv_type_v) == (4096, KvType.F16, KvType.F16)
    assert (asked.gpu_layers, asked.slots, asked.batch, asked.micro_batch) == (0, 8, 2048, 512)
    assert (entry.verdict, entry.warnings) == (Verdict.CPU, ())


async def test_what_was_named_reaches_the_worker_as_it_is(stage: Stage) -> None:
    named = LoadParams(context_length=700, kv_type_k=KvType.Q8_0, threads=3, mmap=False)
    await stage.engines.load("first", named, wait=True)
    (asked,) = stage.asked
    assert (asked.context_length, asked.kv_type_k, asked.threads, asked.mmap) == (700, KvType.Q8_0, 3, False)


async def test_without_memory_smaller_plans_are_tried_and_each_is_said(stage: Stage) -> None:
    stage.refuses = lambda params: params.kv_type_k is KvType.F16
    entry = await stage.engines.load("first", LoadParams(), wait=True)
    assert [(each.micro_batch, each.kv_type_k) for each in stage.asked] == [
        (512, KvType.F16),
        (128, KvType.F16),
        (128, KvType.Q8_0),
    ]
    assert [warning.values["reason"] for warning in entry.warnings] == ["plan_small_cache", "plan_micro_batch"]
    told = [
        [warning.values["reason"] for warning in event.model.warnings]
        for event in stage.told
        if isinstance(event, ModelChanged) and event.model.state is ModelState.LOADING
    ]
    assert ["plan_micro_batch"] in told
    assert AppError.from_info(entry.warnings[0]).message.startswith("There was less memory than expected: the KV cache")


async def test_at_the_end_of_the_ladder_the_fault_is_told(stage: Stage) -> None:
    stage.refuses = lambda _params: True
    with pytest.raises(AppError) as failed:
        await stage.engines.load("first", LoadParams(context_length=4096), wait=True)
    assert (failed.value.code, failed.value.values["reason"]) == ("model_load_failed", "out_of_memory")
    assert {each.context_length for each in stage.asked} == {4096}
    assert stage.engines.loaded == ()


async def test_other_faults_are_not_tried_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> Loaded:
        stage.asked.append(LoadParams())
        raise AppError("model_load_failed", model="first", reason="model_damaged", detail="")

    monkeypatch.setattr(NarrowBackend, "load", fail)
    with pytest.raises(AppError):
        await stage.engines.load("first", LoadParams(), wait=True)
    assert len(stage.asked) == 1


async def test_what_was_predicted_is_kept_beside_what_was_taken(stage: Stage) -> None:
    await stage.engines.load("first", LoadParams(), wait=True)
    (memory,) = await stage.engines.memory()
    assert memory.model == "first"
    assert [use.device for use in memory.predicted] == [CPU]
    assert memory.measured[0].weights == 5 * MIB
    await stage.engines.unload("first")
    assert await stage.engines.memory() == ()


def test_what_unloading_gives_back_counts_as_free() -> None:
    machine = computer(card(2 * GIB), available=4 * GIB)
    after = with_freed(machine, {"CUDA0": GIB, CPU: 2 * GIB})
    assert (after.devices[0].memory_free, after.ram_available) == (3 * GIB, 6 * GIB)


async def test_each_model_of_the_library_gets_a_verdict_and_clients_are_told(stage: Stage, home: Path) -> None:
    folder = home / "models"
    made = llama(llama__block_count=2)
    tensors = {f"blk.0.ffn_{number}.weight": (0, (2**17, 2**18)) for number in range(8)}
    Gguf(made.metadata, dict(made.tensors) | tensors).write(folder / "huge.gguf")
    listed = {entry.id: entry.verdict for entry in await stage.engines.entries()}
    assert listed["huge"] is None, "listing waits for nothing"
    await until(lambda: len(stage.told) >= 3)
    told = {event.model.id: event.model for event in stage.told if isinstance(event, ModelChanged)}
    assert told["first"].verdict is Verdict.CPU
    assert told["huge"].verdict is Verdict.NO
    assert {"plan_more_memory_run", "plan_smaller_file"} & {reason.code for reason in told["huge"].would_change}
    again = {entry.id: entry.verdict for entry in await stage.engines.entries()}
    assert again["huge"] is Verdict.NO
    with pytest.raises(AppError) as refused:
        await stage.engines.load("huge", LoadParams(), wait=True)
    assert refused.value.code == "model_too_large"


def test_the_real_engine_takes_the_caches_that_were_planned(home: Path) -> None:
    with running_backend(home) as backend:
        backend.http.post("/api/models/starter/load", params={"wait": "1"})
        (memory,) = backend.get("/api/memory", MemorySample).loaded
        (predicted,), (measured,) = memory.predicted, memory.measured
        assert measured.cache == predicted.cache > 0
        assert abs(measured.weights - predicted.weights) < 0.03 * predicted.weights
        assert abs(measured.compute - predicted.compute) < 2 * MIB
        assert measured.residual < 128 * MIB
