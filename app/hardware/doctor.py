"""What works here, what does not, and how to mend it: the checks of `alcove doctor`, made from facts handed in."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app.hardware.unused import Surroundings, graphics_checks, missing_library
from app.protocol import Check, CheckState, Machine, ModelEntry, ModelState, PortState, Value

LOW_MEMORY = 1024**3
LOW_DISK = 2 * 1024**3
FAR_OFF = 15
"""Per cent by which a load may take more than was predicted before that is worth a word."""
SMALL_LIMIT = 8 * 1024**3
"""A container that may take less than this of a larger machine is worth enlarging."""
SLOW_MEMORY = 15e9
"""Bytes a second: less than is read where two channels of any memory since DDR3 are in use."""
ENOUGH_CORES = 4
"""Fewer do not reach what the memory gives, and a measurement by them says little about it."""


@dataclass(frozen=True)
class Facts:
    """What the checks are made from. None means: not there, or not known."""

    python: str
    database: Path
    database_size: int | None
    model_folder: Path
    model_folder_exists: bool
    model_folder_writable: bool
    models: tuple[ModelEntry, ...]
    machine: Machine
    engine_version: str | None
    engine_fault: str = ""
    around: Surroundings = field(default_factory=Surroundings)
    host_memory: int | None = None
    """Bytes the machine has, whatever this container may take of them."""
    wsl: bool = False
    starter: Path = field(default_factory=Path)
    starter_size: int | None = None
    clients: int | None = None
    port: PortState | None = None
    logs: Path = field(default_factory=Path)
    display: bool | None = None
    last_load: tuple[str, int, int] | None = None
    """Of the last model that was loaded: its id, the bytes that were predicted, and those it took."""


def checks(facts: Facts) -> list[Check]:
    """One line per thing that matters, the engine and the machine first, places last."""
    return [*_engine(facts), *_machine(facts), *_models(facts), *_last_load(facts), *_data(facts), *_processes(facts)]


def _engine(facts: Facts) -> Iterator[Check]:
    yield _good("python", version=facts.python)
    if facts.engine_version is None:
        library = missing_library(facts.engine_fault)
        yield library or _bad("engine_missing", reason=facts.engine_fault or "llama-cpp-python")
        return
    names = ", ".join(device.name for device in facts.machine.usable_devices)
    yield _good("engine", version=facts.engine_version, devices=names or "CPU")
    if not facts.machine.devices:
        yield _good("no_gpu")
    yield from graphics_checks(facts.machine, facts.around)


def _machine(facts: Facts) -> Iterator[Check]:
    machine = facts.machine
    yield from _memory(facts)
    known_old = machine.cpu_features and not {"avx2", "neon"} & set(machine.cpu_features)
    if known_old:
        yield _warn("processor_old", processor=machine.cpu_name or "")
    if facts.wsl:
        yield _good("wsl")
    for disk in machine.disks:
        if disk.kind == "network":
            yield _warn("disk_of_windows" if facts.wsl else "disk_network", path=disk.path)
        elif disk.kind == "hdd":
            yield _warn("disk_turns", path=disk.path)


def _memory(facts: Facts) -> Iterator[Check]:
    machine = facts.machine
    if machine.ram_available is not None and machine.ram_total is not None:
        low = machine.ram_available < LOW_MEMORY
        kind = _warn if low else _good
        code = "memory_low" if low else "memory"
        yield kind(code, available_bytes=machine.ram_available, total_bytes=machine.ram_total)
    if machine.ram_total is not None and facts.host_memory is not None and machine.ram_total < facts.host_memory:
        kind = _warn if machine.ram_total < SMALL_LIMIT else _good
        yield kind("memory_limited", limit_bytes=machine.ram_total, total_bytes=facts.host_memory)
    if machine.ram_bandwidth is None:
        return
    if machine.ram_channels == 1:
        yield _warn("memory_single_channel", bandwidth=machine.ram_bandwidth)
    elif machine.ram_bandwidth < SLOW_MEMORY and (machine.performance_cores or 0) >= ENOUGH_CORES:
        yield _warn("memory_slow", bandwidth=machine.ram_bandwidth)
    else:
        yield _good("memory_speed", bandwidth=machine.ram_bandwidth)


def _models(facts: Facts) -> Iterator[Check]:
    if facts.starter_size is None:
        yield _bad("starter_missing", path=str(facts.starter))
    else:
        yield _good("starter", size_bytes=facts.starter_size)
    free = facts.machine.disk_free
    if not facts.model_folder_exists:
        yield _good("model_folder_missing", path=str(facts.model_folder))
    elif not facts.model_folder_writable:
        yield _warn("model_folder_read_only", path=str(facts.model_folder))
    elif free is not None:
        yield _good("model_folder", path=str(facts.model_folder), free_bytes=free)
    if free is not None and free < LOW_DISK:
        yield _warn("disk_low", path=str(facts.model_folder), free_bytes=free)
    for model in facts.models:
        if model.state is ModelState.BROKEN and model.error is not None:
            yield _warn("broken_model", **{"reason": "", **model.error.values, "name": model.name})


def _last_load(facts: Facts) -> Iterator[Check]:
    if facts.last_load is not None:
        model, predicted, measured = facts.last_load
        off = round(100 * abs(predicted - measured) / measured) if measured else 0
        values: dict[str, Value] = {"model": model, "predicted_bytes": predicted, "measured_bytes": measured}
        kind = _warn if predicted < measured and off > FAR_OFF else _good
        yield kind("prediction_short" if kind is _warn else "prediction", percent=off, **values)


def _data(facts: Facts) -> Iterator[Check]:
    if facts.database_size is None:
        yield _good("database_missing", path=str(facts.database))
    else:
        yield _good("database", path=str(facts.database), size_bytes=facts.database_size)
    yield _good("logs", path=str(facts.logs))


def _processes(facts: Facts) -> Iterator[Check]:
    if facts.clients is not None:
        yield _good("backend", clients=facts.clients)
    if facts.port is None:
        yield _good("port_off")
    else:
        yield _good("port", host=facts.port.host, port=facts.port.port)
    if facts.display is False:
        yield _warn("display_missing")


def _good(code: str, **values: Value) -> Check:
    return Check(code=code, state=CheckState.GOOD, values=values)


def _warn(code: str, **values: Value) -> Check:
    return Check(code=code, state=CheckState.WARN, values=values)


def _bad(code: str, **values: Value) -> Check:
    return Check(code=code, state=CheckState.BAD, values=values)
