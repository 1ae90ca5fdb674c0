"""What one change of the hardware would make possible: a card that works, more memory on it, more memory, a card."""

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from app.hardware.candidates import Candidate, candidates
from app.hardware.gpus import GIB, KnownGpu, known_gpu
from app.hardware.planning import Planning
from app.hardware.suggesting import shown_rate
from app.protocol import Catalogue, Device, Machine, Reason, Use, Value

_WORTHWHILE = 4.0
"""Points of usefulness from which a change is worth telling."""
_CARDS = (("GeForce RTX 3060", 12), ("GeForce RTX 5060 Ti", 16), ("GeForce RTX 3090", 24))
"""What a person without a card may buy; usual ones for what their memory costs."""
_VIDEO_SIZES = (8, 12, 16, 24, 32, 48)
_SIZES = (16, 32, 64, 128)
_UNIFIED_SIZES = (16, 24, 32, 48, 64, 96, 128)
_DESKTOP = 300 * 1024**2
_MOST = 2


@dataclass(frozen=True)
class _Change:
    """One change, and the machine after it."""

    code: str
    machine: Machine
    values: dict[str, Value]


def unlocks(use: Use, catalogue: Catalogue, planning: Planning, best: Candidate | None) -> tuple[Reason, ...]:
    """The smallest change of each kind after which something clearly better runs, with what that is."""
    found: list[Reason] = []
    for kind in (_mended, _video, _memory, _card):
        for change in kind(planning.machine) if len(found) < _MOST else ():
            if (better := _better(use, catalogue, planning.on(change.machine), best)) is not None:
                told: dict[str, Value] = {"model": better.model.name, "rate": shown_rate(better.rate)}
                found.append(Reason(code=change.code, values=change.values | told))
                break
    return tuple(found)


def _better(use: Use, catalogue: Catalogue, planning: Planning, best: Candidate | None) -> Candidate | None:
    """What would be clearly more useful there, and is another model."""
    least = (best.utility if best is not None else 0.0) + _WORTHWHILE
    able = [model for model in catalogue.models if best is None or model.id != best.model.id]
    found = candidates(use, able, planning, least, most=1)
    return found[0] if found else None


def _mended(machine: Machine) -> Iterator[_Change]:
    """The same with a card that is in it and cannot be used now."""
    if machine.usable_devices:
        return
    for device in machine.devices:
        known = known_gpu(device.name, device.memory_total)
        if known is not None and known.kind == "discrete" and known.memory:
            devices = (_fitted(known, known.memory),)
            yield _Change("unlock_mended", replace(machine, devices=devices), {"device": device.name})


def _video(machine: Machine) -> Iterator[_Change]:
    """The same with a card of the next two usual sizes in the place of its largest."""
    own = [device for device in machine.usable_devices if device.kind == "discrete" and device.memory_total]
    if not own:
        return
    largest = max(own, key=lambda device: device.memory_total or 0)
    total = (largest.memory_total or 0) / GIB
    for size in [size for size in _VIDEO_SIZES if size > total * 1.1][:2]:
        bigger = replace(largest, memory_total=size * GIB, memory_free=size * GIB - _DESKTOP)
        devices = tuple(bigger if device is largest else device for device in machine.devices)
        yield _Change("unlock_video", replace(machine, devices=devices), {"size": size})


def _memory(machine: Machine) -> Iterator[_Change]:
    """The same with the next two usual sizes of memory."""
    if not machine.ram_total or machine.ram_available is None:
        return
    unified = [device for device in machine.usable_devices if device.kind == "unified"]
    total = machine.ram_total / GIB
    for size in [size for size in (_UNIFIED_SIZES if unified else _SIZES) if size > total * 1.2][:2]:
        more = size * GIB - machine.ram_total
        grown = tuple(_grown(device, size * GIB / machine.ram_total) for device in machine.devices)
        larger = replace(machine, ram_total=size * GIB, ram_available=machine.ram_available + more, devices=grown)
        yield _Change("unlock_unified" if unified else "unlock_memory", larger, {"size": size})


def _grown(device: Device, factor: float) -> Device:
    """A device that uses the machine's memory has more of it, where there is more."""
    if not device.memory_shared or device.memory_total is None or device.kind == "discrete":
        return device
    more = round(device.memory_total * (factor - 1))
    free = None if device.memory_free is None else device.memory_free + more
    return replace(
        device, memory_total=device.memory_total + more, memory_free=free, memory_shared=device.memory_shared + more
    )


def _card(machine: Machine) -> Iterator[_Change]:
    """One like it with a graphics card, where it has none of its own."""
    if any(device.kind not in ("integrated", "unknown") for device in machine.devices):
        return
    for name, size in _CARDS:
        if (known := known_gpu(name, size * GIB)) is not None:
            yield _Change("unlock_card", replace(machine, devices=(_fitted(known, size * GIB),)), {"size": size})


def _fitted(known: KnownGpu, memory: int) -> Device:
    backend = "CUDA" if known.vendor == "nvidia" else "Vulkan"
    return Device(
        name=known.name,
        kind="discrete",
        backend=backend,
        engine_name=f"{backend}0",
        vendor=known.vendor,
        architecture=known.architecture,
        memory_total=memory,
        memory_free=memory - _DESKTOP,
        bandwidth=known.bandwidth,
        compute=known.compute,
    )
