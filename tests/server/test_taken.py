"""What loads take beyond llama.cpp's buffers, and how later plans count with it."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from app.hardware.residual import prior_residual
from app.hardware.wish import Wish
from app.protocol import (
    CPU,
    DeviceSample,
    LoadedMemory,
    LoadParams,
    Machine,
    Measurement,
    MeasurementKind,
    MemorySample,
    MemoryUse,
    ModelEntry,
)
from app.server.planning import Planning
from app.server.preferences import Preferences
from app.server.shelf import Shelf
from app.server.taken import last_load, residuals_of, rows_of, with_residuals
from app.server.witness import Nobody
from tests.conftest import add_model
from tests.hardware.shapes import GIB, MIB, card, computer, dense
from tests.processes import PATIENCE_S, paths_of
from tests.server.scripted import Script, serving, until

BEFORE = computer(card(10 * GIB))
MEMORY = LoadedMemory(
    model="first",
    predicted=(MemoryUse(device="CUDA0", weights=5 * GIB, residual=400 * MIB), MemoryUse(weights=GIB)),
    measured=(MemoryUse(device="CUDA0", weights=5 * GIB), MemoryUse(weights=GIB, residual=50 * MIB)),
)


def sampled(free: int, ours: int | None = None) -> MemorySample:
    return MemorySample(devices=(DeviceSample(name="Card 0", engine_name="CUDA0", free=free, ours=ours),))


def test_the_residual_is_what_became_less_and_is_no_buffer() -> None:
    found = with_residuals(MEMORY, BEFORE, sampled(free=10 * GIB - 5 * GIB - 300 * MIB))
    assert found.measured[0].residual == 300 * MIB
    assert found.measured[1] == MEMORY.measured[1]


def test_what_our_processes_hold_goes_before_what_became_less() -> None:
    found = with_residuals(MEMORY, BEFORE, sampled(free=2 * GIB, ours=5 * GIB + 250 * MIB))
    assert found.measured[0].residual == 250 * MIB


def test_a_driver_that_sees_none_of_our_processes_is_not_believed() -> None:
    found = with_residuals(MEMORY, BEFORE, sampled(free=10 * GIB - 5 * GIB - 300 * MIB, ours=0))
    assert found.measured[0].residual == 300 * MIB


def test_where_nobody_tells_nothing_is_made_up() -> None:
    assert with_residuals(MEMORY, BEFORE, MemorySample()) == MEMORY
    assert rows_of(replace(MEMORY, measured=()), BEFORE, "1", 0.0) == []


def test_rows_tell_prediction_buffers_and_what_was_taken_and_come_back_as_residuals() -> None:
    found = with_residuals(MEMORY, BEFORE, sampled(free=10 * GIB - 5 * GIB - 300 * MIB))
    rows = rows_of(found, BEFORE, "b1", 12.0)
    assert [row.device for row in rows] == ["CUDA0", CPU]
    assert (rows[0].predicted, rows[0].stated) == (5 * GIB + 400 * MIB, 5 * GIB)
    assert residuals_of(rows, BEFORE) == {"CUDA0": 300 * MIB}
    other = computer(replace(card(10 * GIB), name="Another card"))
    assert residuals_of(rows, other) == {}, "of other hardware it says nothing"
    assert last_load(rows[::-1]) == ("first", 6 * GIB + 400 * MIB, 6 * GIB + 350 * MIB)
    assert last_load([]) is None


class Measured(Nobody):
    def __init__(self, residual: int) -> None:
        self._residual = residual

    def residuals(self, machine: Machine) -> dict[str, int]:
        return {"CUDA0": self._residual}


def test_plans_count_with_what_was_measured_but_no_less_than_half_the_usual(home: Path) -> None:
    shelf = Shelf(Preferences(paths_of(home)))
    model, wish = dense(), Wish.of(LoadParams())
    setting = next(wish.settings(wish.target(model), model))
    usual = prior_residual(BEFORE.devices[0], model, wish.placement(model, setting))
    assert Planning(shelf, Measured(900 * MIB)).residuals(model, BEFORE, wish) == {"CUDA0": 900 * MIB}
    assert Planning(shelf, Measured(MIB)).residuals(model, BEFORE, wish) == {"CUDA0": usual // 2}


async def test_a_load_is_kept_and_shown_by_the_doctor_and_the_memory_route(home: Path) -> None:
    add_model(home)
    script = Script()
    script.loaded = replace(script.loaded, buffers=(MemoryUse(weights=7 * MIB, cache=MIB),))
    script.resident = 10 * MIB
    async with asyncio.timeout(PATIENCE_S), serving(home, script) as server:
        await server.ask_for("POST", "/api/models/tiny/load?wait=1", ModelEntry, LoadParams())
        await until(server.services.measuring.all)
        (row,) = server.services.measuring.all()
        assert (row.kind, row.model, row.device) == (MeasurementKind.MEMORY, "tiny", CPU)
        assert (row.stated, row.measured) == (8 * MIB, 10 * MIB)
        sample = await server.ask_for("GET", "/api/memory", MemorySample)
        assert sample.loaded[0].measured[0].residual == 2 * MIB
        assert sample.ram_total
        checks = await server.ask_for("GET", "/api/doctor", list[dict[str, object]])
        (told,) = [check for check in checks if str(check["code"]).startswith("prediction")]
        assert isinstance(told["values"], dict)
        assert told["values"]["measured_bytes"] == 10 * MIB


def test_a_row_of_another_kind_is_no_load() -> None:
    row = Measurement(id=1, created=1.0, kind=MeasurementKind.DECODE, model="m", device=CPU, build="", measured=5.0)
    assert last_load([row]) is None
