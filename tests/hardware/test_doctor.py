"""The checks of `alcove doctor`, from facts; each has words in both languages."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from msgspec.structs import replace as changed

from app.errors import AppError
from app.format import Language
from app.hardware.detection.answers import EngineBuild, NvmlAnswers, NvmlCard
from app.hardware.doctor import Facts, checks
from app.hardware.unused import Surroundings
from app.protocol import Check, CheckState, Device, Disk, Machine, ModelEntry, ModelState, PortState
from app.words import text

GIB = 1024**3
CARD = Device(name="NVIDIA X", kind="discrete", vendor="nvidia", backend="CUDA", engine_name="CUDA0")
UNUSED = Device(name="NVIDIA Y", kind="discrete", vendor="nvidia", sources=("nvml",))
TOLD = Surroundings(EngineBuild(), NvmlAnswers(driver="550", cuda=12040, cards=(NvmlCard(name="NVIDIA Y"),)))
LOADER = "libcudart.so.12: cannot open shared object file: No such file or directory"
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


def machine(**facts: object) -> Machine:
    """The healthy machine with other facts."""
    return changed(HEALTHY.machine, **facts)


def on_disk(kind: Literal["ssd", "hdd", "network"]) -> Machine:
    return machine(disks=(Disk(path="/models", kind=kind),))


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
        (replace(HEALTHY, engine_version=None, engine_fault=LOADER), "engine_library", CheckState.BAD),
        (replace(HEALTHY, machine=machine(devices=(UNUSED,)), around=TOLD), "gpu_not_built", CheckState.WARN),
        (replace(HEALTHY, machine=machine(ram_total=4 * GIB), host_memory=64 * GIB), "memory_limited", CheckState.WARN),
        (
            replace(HEALTHY, machine=machine(ram_total=32 * GIB), host_memory=64 * GIB),
            "memory_limited",
            CheckState.GOOD,
        ),
        (replace(HEALTHY, machine=machine(ram_bandwidth=50e9)), "memory_speed", CheckState.GOOD),
        (replace(HEALTHY, machine=machine(ram_bandwidth=9e9, performance_cores=2)), "memory_speed", CheckState.GOOD),
        (replace(HEALTHY, machine=machine(ram_bandwidth=9e9, performance_cores=4)), "memory_slow", CheckState.WARN),
        (
            replace(HEALTHY, machine=machine(ram_bandwidth=38.4e9, ram_channels=1)),
            "memory_single_channel",
            CheckState.WARN,
        ),
        (replace(HEALTHY, machine=machine(cpu_name="Old", cpu_features=("sse3",))), "processor_old", CheckState.WARN),
        (replace(HEALTHY, wsl=True), "wsl", CheckState.GOOD),
        (replace(HEALTHY, machine=on_disk("network")), "disk_network", CheckState.WARN),
        (replace(HEALTHY, machine=on_disk("network"), wsl=True), "disk_of_windows", CheckState.WARN),
        (replace(HEALTHY, machine=on_disk("hdd")), "disk_turns", CheckState.WARN),
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


def test_modern_machines_have_nothing_to_say_about_their_processor() -> None:
    for features in ((), ("avx", "avx2"), ("neon",)):
        assert "processor_old" not in by_code(replace(HEALTHY, machine=machine(cpu_features=features)))
    assert "memory_limited" not in by_code(replace(HEALTHY, host_memory=16 * GIB))


def test_the_engine_names_only_what_it_uses() -> None:
    found = by_code(replace(HEALTHY, machine=machine(devices=(UNUSED,)), around=TOLD))
    assert found["engine"].values["devices"] == "CPU"
    assert found["gpu_not_built"].values["device"] == "NVIDIA Y"
    assert "no_gpu" not in found


def test_what_is_unknown_is_left_out() -> None:
    found = by_code(replace(HEALTHY, machine=Machine(os="x"), clients=None, display=None))
    assert not {
        "memory",
        "memory_low",
        "memory_speed",
        "memory_slow",
        "disk_low",
        "model_folder",
        "backend",
        "display_missing",
    } & set(found)


def test_broken_models_are_named_with_the_reason() -> None:
    check = by_code(replace(HEALTHY, models=(BROKEN,)))["broken_model"]
    assert text("check", check.code, check.values, "en") == "B: cut off"
