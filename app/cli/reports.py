"""What the reading commands show: models, the machine, checks and what runs, as lines for people."""

from collections.abc import Iterator, Sequence

from app import format, words
from app.cli.terminal import Terminal
from app.protocol import Check, CheckState, Device, Machine, ModelEntry, ModelState

_MARKS = {CheckState.GOOD: "✓", CheckState.WARN: "!", CheckState.BAD: "✗"}


def show_models(terminal: Terminal, models: Sequence[ModelEntry]) -> None:
    """A table of the library."""
    say = terminal.words
    headings = [say(f"head_{name}") for name in ("id", "quantization", "size", "context", "state")]
    terminal.table(headings, (_model_row(terminal, model) for model in models))


def show_model(terminal: Terminal, model: ModelEntry) -> None:
    """Everything known about one model."""
    rows = [(terminal.words(f"head_{name}"), value) for name, value in _model_facts(terminal, model) if value]
    terminal.facts(rows)


def show_machine(terminal: Terminal, machine: Machine) -> None:
    """The machine; what is not known is said to be unknown."""
    rows = [(terminal.words(f"head_{name}"), value) for name, value in _machine_facts(terminal, machine)]
    terminal.facts(rows)


def show_checks(terminal: Terminal, checks: Sequence[Check]) -> None:
    """A line for each check, with a mark."""
    for check in checks:
        said = words.text("check", check.code, check.values, terminal.language)
        terminal.write(f"{_MARKS[check.state]} {said}")


def show_loaded(terminal: Terminal, models: Sequence[ModelEntry]) -> None:
    """A table of the models in memory."""
    if not models:
        terminal.write(terminal.words("nothing_loaded"))
        return
    headings = [terminal.words(f"head_{name}") for name in ("id", "size", "loaded_context", "device", "state")]
    rows = [
        (model.id, format.memory_size(model.size), _count(model.loaded_context), model.device, _state(terminal, model))
        for model in models
    ]
    terminal.table(headings, rows)


def _model_row(terminal: Terminal, model: ModelEntry) -> tuple[str, ...]:
    size, context = format.memory_size(model.size), _count(model.context_length)
    return model.id, model.quantization, size, context, _state(terminal, model)


def _model_facts(terminal: Terminal, model: ModelEntry) -> Iterator[tuple[str, str]]:
    yield "id", model.id
    yield "name", model.name
    yield "file", model.path
    yield "size", format.memory_size(model.size)
    yield "quantization", model.quantization
    yield "architecture", model.architecture
    yield "parameters", "" if model.parameters is None else format.parameters(model.parameters)
    yield "context", _count(model.context_length)
    yield "state", _state(terminal, model)
    yield "loaded_context", _count(model.loaded_context)
    yield "device", model.device
    if model.error is not None:
        said = words.error_words(model.error.code, model.error.values, terminal.language)
        yield "error", f"{said.title}: {said.message} {said.hint}".strip()


def _machine_facts(terminal: Terminal, machine: Machine) -> Iterator[tuple[str, str]]:
    unknown = words.text("label", "unknown", {}, terminal.language)
    yield "os", machine.os
    if machine.container:
        yield "container", machine.container
    yield "cpu", machine.cpu_name or unknown
    yield "cores", _cores(terminal, machine, unknown)
    yield "cpu_features", " ".join(machine.cpu_features) or unknown
    yield "cache", _size(machine.cache_l3, unknown)
    yield "memory", f"{_size(machine.ram_available, unknown)} / {_size(machine.ram_total, unknown)}"
    yield "memory_speed", unknown if machine.ram_bandwidth is None else format.bandwidth(machine.ram_bandwidth)
    yield "disk", _disk(terminal, machine, unknown)
    if not machine.devices:
        yield "gpu", terminal.words("no_gpu")
    for device in machine.devices:
        yield "gpu", _device(device, unknown)
        yield "gpu_more", ", ".join(_device_facts(terminal, device, unknown))


def _cores(terminal: Terminal, machine: Machine, unknown: str) -> str:
    counts = f"{machine.physical_cores or unknown} / {machine.logical_cores or unknown}"
    fast = machine.performance_cores
    if fast is None or fast == machine.physical_cores:
        return counts
    return f"{counts}{terminal.words('fast_cores', count=fast)}"


def _disk(terminal: Terminal, machine: Machine, unknown: str) -> str:
    free = _size(machine.disk_free, unknown)
    kinds = [disk.kind for disk in machine.disks if disk.kind != "unknown"]
    return f"{free} ({terminal.words(f'disk_{kinds[0]}')})" if kinds else free


def _device(device: Device, unknown: str) -> str:
    kind = f" ({device.backend})" if device.backend else ""
    return f"{device.name}{kind}, {_size(device.memory_free, unknown)} / {_size(device.memory_total, unknown)}"


def _device_facts(terminal: Terminal, device: Device, unknown: str) -> Iterator[str]:
    """What else is known of it; that the engine does not use it comes first."""
    if not device.usable:
        yield terminal.words("gpu_not_used")
    if device.kind != "unknown":
        yield terminal.words(f"gpu_{device.kind}")
    yield unknown if device.bandwidth is None else format.bandwidth(device.bandwidth)
    if device.compute is not None:
        yield f"{device.compute / 1e12:.1f} TFLOPS FP16"
    if device.memory_used_by_others is not None:
        yield terminal.words("gpu_others", size=format.memory_size(device.memory_used_by_others))
    if device.memory_shared:
        yield terminal.words("gpu_shared", size=format.memory_size(device.memory_shared))
    yield from filter(None, (device.architecture, device.pci_id))
    if device.driver:
        yield terminal.words("gpu_driver", driver=device.driver)


def _state(terminal: Terminal, model: ModelEntry) -> str:
    if model.state is ModelState.LOADING and model.progress is not None:
        return f"{terminal.words('state_loading')} {model.progress:.0%}"
    return terminal.words(f"state_{model.state.value}")


def _size(size: int | None, unknown: str) -> str:
    return unknown if size is None else format.memory_size(size)


def _count(number: int | None) -> str:
    return "" if number is None else format.count(number)
