"""What works here, what does not, and how to mend it: the checks of `alcove doctor`, made from facts handed in."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app.protocol import Check, CheckState, Device, Machine, ModelEntry, ModelState, PortState, Value

LOW_MEMORY = 1024**3
LOW_DISK = 2 * 1024**3


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
    driver_cards: tuple[Device, ...] = ()
    """Cards a driver reports, usable by the engine or not."""
    starter: Path = field(default_factory=Path)
    starter_size: int | None = None
    clients: int | None = None
    port: PortState | None = None
    logs: Path = field(default_factory=Path)
    display: bool | None = None


def checks(facts: Facts) -> list[Check]:
    """One line per thing that matters, the engine and the machine first, places last."""
    return [*_engine(facts), *_machine(facts), *_models(facts), *_data(facts), *_processes(facts)]


def _engine(facts: Facts) -> Iterator[Check]:
    yield _good("python", version=facts.python)
    if facts.engine_version is None:
        yield _bad("engine_missing", reason=facts.engine_fault or "llama-cpp-python")
        return
    names = ", ".join(device.name for device in facts.machine.devices)
    yield _good("engine", version=facts.engine_version, devices=names or "CPU")
    if facts.machine.devices:
        return
    if facts.driver_cards:
        yield _warn("gpu_not_built", device=facts.driver_cards[0].name)
    else:
        yield _good("no_gpu")


def _machine(facts: Facts) -> Iterator[Check]:
    machine = facts.machine
    if machine.ram_available is not None and machine.ram_total is not None:
        low = machine.ram_available < LOW_MEMORY
        kind = _warn if low else _good
        code = "memory_low" if low else "memory"
        yield kind(code, available_bytes=machine.ram_available, total_bytes=machine.ram_total)


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
