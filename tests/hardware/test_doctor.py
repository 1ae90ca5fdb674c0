"""The checks of `alcove doctor`, from facts; each has words in both languages."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import AppError
from app.format import Language
from app.hardware.doctor import Facts, checks
from app.protocol import Check, CheckState, Device, Machine, ModelEntry, ModelState, PortState
from app.words import text

GIB = 1024**3
CARD = Device(name="NVIDIA X", kind="discrete")
HEALTHY = Facts(
    python="3.11.7",
    database=Path("/data/alcove.db"),
    database_size=1000,
    model_folder=Path("/models"),
    model_folder_exists=True,
    model_folder_writable=True,
    models=(),
    machine=Machine(os="x", ram_total=16 * GIB, ram_available=8 * GIB, disk_free=50 * GIB, devices=(CARD,)),
    engine_version="0.3.36",
    starter=Path("/starter.gguf"),
    starter_size=10,
    clients=2,
    port=PortState(host="127.0.0.1", port=8484),
    logs=Path("/logs"),
    display=True,
)
BROKEN = ModelEntry(
    id="b",
    name="B",
    path="/b",
    size=1,
    state=ModelState.BROKEN,
    error=AppError("model_broken", model="b", reason="cut off").info,
)


def by_code(facts: Facts) -> dict[str, Check]:
    return {check.code: check for check in checks(facts)}


def test_where_all_is_well_every_line_is_good() -> None:
    found = by_code(HEALTHY)
    assert set(found) == {
        "python",
        "engine",
        "memory",
        "starter",
        "model_folder",
        "database",
        "logs",
        "backend",
        "port",
    }
    assert {check.state for check in found.values()} == {CheckState.GOOD}
    assert found["engine"].values == {"version": "0.3.36", "devices": "NVIDIA X"}


@pytest.mark.parametrize(
    ("facts", "code", "state"),
    [
        (replace(HEALTHY, engine_version=None, engine_fault="no library"), "engine_missing", CheckState.BAD),
        (replace(HEALTHY, machine=Machine(os="x")), "no_gpu", CheckState.GOOD),
        (replace(HEALTHY, machine=Machine(os="x"), driver_cards=(CARD,)), "gpu_not_built", CheckState.WARN),
        (replace(HEALTHY, machine=Machine(os="x", ram_total=GIB, ram_available=5)), "memory_low", CheckState.WARN),
        (replace(HEALTHY, machine=Machine(os="x", disk_free=5)), "disk_low", CheckState.WARN),
        (replace(HEALTHY, starter_size=None), "starter_missing", CheckState.BAD),
        (replace(HEALTHY, model_folder_exists=False), "model_folder_missing", CheckState.GOOD),
        (replace(HEALTHY, model_folder_writable=False), "model_folder_read_only", CheckState.WARN),
        (replace(HEALTHY, models=(BROKEN,)), "broken_model", CheckState.WARN),
        (replace(HEALTHY, database_size=None), "database_missing", CheckState.GOOD),
        (replace(HEALTHY, port=None), "port_off", CheckState.GOOD),
        (replace(HEALTHY, display=False), "display_missing", CheckState.WARN),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_wrong_is_said_in_words(facts: Facts, code: str, state: CheckState, language: Language) -> None:
    check = by_code(facts)[code]
    assert check.state is state
    said = text("check", check.code, check.values, language)
    assert "{" not in said


def test_what_is_unknown_is_left_out() -> None:
    found = by_code(replace(HEALTHY, machine=Machine(os="x"), clients=None, display=None))
    assert not {"memory", "memory_low", "disk_low", "model_folder", "backend", "display_missing"} & set(found)


def test_broken_models_are_named_with_the_reason() -> None:
    check = by_code(replace(HEALTHY, models=(BROKEN,)))["broken_model"]
    assert text("check", check.code, check.values, "en") == "B: cut off"
