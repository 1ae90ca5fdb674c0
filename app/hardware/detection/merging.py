"""One card, once: what the engine and the drivers say of the same card put together, and what only a table knows added.

The engine says what it can use and how much of it; drivers say who holds what and how fast it is.
"""

import re
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from app.hardware.gpus import known_gpu
from app.protocol import Device

_PREFERENCE = ("CUDA", "ROCm", "MTL", "Metal", "MUSA", "CANN", "SYCL", "OpenCL", "Vulkan")
"""Of two backends for one card the one that is faster on it."""
_SOFTWARE = re.compile(r"llvmpipe|lavapipe|softpipe|swiftshader|basic render|virgl|venus", re.IGNORECASE)
"""Graphics drawn by the processor, and adapters of virtual machines."""
_MAKERS = {"nvidia": "nvidia", "geforce": "nvidia", "radeon": "amd", "amd ": "amd", "intel": "intel"}
"""Words in the names of a maker's cards."""
_ALIKE = 0.15
"""How far two accounts of one card's memory may be apart."""


def merged(
    engine: Iterable[Device],
    drivers: Iterable[Device],
    ram: tuple[int | None, int | None] = (None, None),
    ram_bandwidth: float | None = None,
) -> tuple[Device, ...]:
    """Every card once: those the engine can use first, in its order, then those it cannot (without a backend).

    `ram`: total and available bytes of the machine, in which unified and integrated devices compute.
    """
    known = _once(drivers)
    found = []
    for device in _once_by_backend(engine):
        position = _partner(device, known)
        if position is None:
            position = _only_one(device, known)
        driver = None if position is None else known.pop(position)
        found.append(device if driver is None else _joined(device, driver))
    return tuple(_completed(device, ram, ram_bandwidth) for device in (*found, *known))


def is_software(device: Device) -> bool:
    """Whether that device is no GPU but a program that draws like one."""
    return _SOFTWARE.search(device.name) is not None


def same_card(one: Device, other: Device) -> bool:
    """Whether both speak of one card: by its place on the bus, else by name and memory."""
    if one.pci_id and other.pci_id:
        return one.pci_id == other.pci_id
    if one.vendor and other.vendor and one.vendor != other.vendor:
        return False
    return _plain(one.name) == _plain(other.name) and _alike(one, other)


def _once(devices: Iterable[Device]) -> list[Device]:
    """Drivers' accounts of the same card joined; those of one driver are of different cards."""
    found: list[Device] = []
    for device in devices:
        rest = [card for card in found if not set(card.sources) & set(device.sources)]
        position = _partner(device, rest)
        if position is None:
            found.append(device)
        else:
            index = found.index(rest[position])
            found[index] = _joined(found[index], device)
    return found


def _once_by_backend(devices: Iterable[Device]) -> list[Device]:
    """The engine's devices with each card under its best backend."""
    real = [device for device in devices if not is_software(device)]
    cards: list[list[Device]] = []
    for device in sorted(real, key=lambda device: _rank(device.backend)):
        others = [card for card in cards if all(known.backend != device.backend for known in card)]
        position = _partner(device, [card[0] for card in others])
        if position is None:
            cards.append([device])
        else:
            others[position].append(device)
    return [_filled(best, rest) for best, *rest in cards]


def _rank(backend: str) -> int:
    return _PREFERENCE.index(backend) if backend in _PREFERENCE else len(_PREFERENCE) - 1


def _partner(device: Device, candidates: Sequence[Device]) -> int | None:
    """The candidate that is the same card, the one nearest in memory where several are (parts of one card)."""
    fitting = [index for index, other in enumerate(candidates) if same_card(device, other)]
    return min(fitting, key=lambda index: _apart(device, candidates[index]), default=None)


def _only_one(device: Device, candidates: Sequence[Device]) -> int | None:
    """The only card of that maker, where the engine tells no place and the list of PCI devices has another name."""
    maker = device.vendor or _maker(device.name)
    of_maker = [index for index, other in enumerate(candidates) if maker and other.vendor == maker]
    if device.pci_id or len(of_maker) != 1:
        return None
    other = candidates[of_maker[0]]
    same_kind = len({device.kind, other.kind} - {"unknown"}) <= 1
    return of_maker[0] if same_kind and _alike(device, other) else None


def _maker(name: str) -> str:
    words = name.casefold()
    return next((maker for mark, maker in _MAKERS.items() if mark in words), "")


def _alike(one: Device, other: Device) -> bool:
    both = {one.kind, other.kind}
    return bool(both & {"integrated", "unified"}) or _apart(one, other) <= _ALIKE


def _apart(one: Device, other: Device) -> float:
    if not one.memory_total or not other.memory_total:
        return 0.0
    return abs(one.memory_total - other.memory_total) / max(one.memory_total, other.memory_total)


def _plain(name: str) -> str:
    """The name without marks, makers and what drivers put in brackets; WSL's own driver puts the card there."""
    wrapped = re.fullmatch(r"Microsoft Direct3D12 \((.*)\)", name)
    text = re.sub(r"\([^)]*\)", " ", wrapped[1] if wrapped else name).casefold()
    return " ".join(
        word for word in text.split() if word not in ("nvidia", "amd", "intel", "graphics", "gpu", "series")
    )


def _filled(best: Device, others: Iterable[Device]) -> Device:
    for other in others:
        best = replace(
            best,
            pci_id=best.pci_id or other.pci_id,
            memory_total=best.memory_total or other.memory_total,
            memory_free=other.memory_free if best.memory_total is None else best.memory_free,
        )
    return best


def _joined(device: Device, driver: Device) -> Device:
    """What both say; the driver's word counts for what others hold, the engine's for how much it can use."""
    total = device.memory_total or driver.memory_total
    kind = device.kind if device.kind != "unknown" else driver.kind
    kind = "unified" if "unified" in (device.kind, driver.kind) else kind
    return replace(
        device,
        name=device.name or driver.name,
        kind=kind,
        vendor=device.vendor or driver.vendor,
        architecture=device.architecture or driver.architecture,
        memory_total=total,
        memory_free=_free(device, driver, total),
        memory_used_by_others=_first(device.memory_used_by_others, driver.memory_used_by_others),
        memory_shared=_shared(kind, total, driver),
        bandwidth=_first(device.bandwidth, driver.bandwidth),
        compute=_first(device.compute, driver.compute),
        pci_id=device.pci_id or driver.pci_id,
        driver=device.driver or driver.driver,
        sources=tuple(dict.fromkeys((*device.sources, *driver.sources))),
    )


def _free(device: Device, driver: Device, total: int | None) -> int | None:
    """The lesser account; but what CUDA and ROCm tell lacks what the asking itself took (their context)."""
    told = [free for free in (device.memory_free, driver.memory_free) if free is not None]
    if driver.memory_free is not None and device.backend in ("CUDA", "ROCm") and driver.kind == "discrete":
        told = [driver.memory_free]
    if not told:
        return None
    return min(told) if total is None else min(*told, total)


def _shared(kind: str, total: int | None, driver: Device) -> int | None:
    """Of an integrated device all but what the firmware has set aside is the machine's."""
    if kind == "discrete":
        return 0
    if kind == "unified" or total is None or driver.memory_total is None or driver.memory_shared is None:
        return total
    return max(total - (driver.memory_total - driver.memory_shared), 0)


def _completed(device: Device, ram: tuple[int | None, int | None], ram_bandwidth: float | None) -> Device:
    """With what a table or the machine's memory tells where nobody else did.

    The table's figure for compute goes before the driver's: the latter's clock is one that cards do not keep up.
    """
    known = known_gpu(device.name, device.memory_total)
    kind = known.kind if known and device.kind == "unknown" else device.kind
    inside = kind in ("integrated", "unified")
    bandwidth = _first(device.bandwidth, known.bandwidth if known else None)
    compute = device.compute
    if known is not None and "table" not in device.sources:
        compute = _first(known.compute, device.compute)
    of_table = known is not None and ((bandwidth, compute) != (device.bandwidth, device.compute))
    completed = replace(
        device,
        kind=kind,
        vendor=device.vendor or (known.vendor if known else ""),
        architecture=device.architecture or (known.architecture if known else ""),
        bandwidth=ram_bandwidth if bandwidth is None and inside else bandwidth,
        compute=compute,
        sources=tuple(dict.fromkeys((*device.sources, "table"))) if of_table else device.sources,
    )
    return _within(completed, *ram) if inside else replace(completed, memory_shared=_no_share(completed))


def _no_share(device: Device) -> int | None:
    return 0 if device.kind == "discrete" else device.memory_shared


def _within(device: Device, ram_total: int | None, ram_available: int | None) -> Device:
    """What it shares with the machine cannot be more than the machine has, nor freer than the machine is."""
    total = device.memory_total
    if total is None and device.kind == "unified":
        total = ram_total
    if total is None:
        return device
    shared = total if device.memory_shared is None else device.memory_shared
    own = total - shared
    free = device.memory_free
    if free is None and device.kind == "unified":
        free = ram_available
    if free is not None and ram_available is not None:
        free = min(free, own + ram_available)
    free = None if free is None else min(free, total)
    return replace(device, memory_total=total, memory_free=free, memory_shared=shared)


def _first(one: float | None, other: float | None) -> float | None:
    return one if one is not None else other
