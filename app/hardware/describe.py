"""A computer described in words, as a `Machine`: "RTX 4070 12 GB, 32 GB RAM", "M3 Max 64GB", "what if I had 24 GB?".

What was not said stays unknown. Only what no advice can do without is assumed, and every assumption is told.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

import msgspec
from msgspec.structs import replace as changed

from app.errors import AppError
from app.hardware.description import GB, NamedCard, Words, words_of
from app.hardware.gpus import KnownGpu, known_gpu
from app.protocol import Device, Machine, Reason, Value

LONGEST_TEXT = 400
LONGEST_FILE = 256 * 1024
"""Characters of a description, and of a machine as JSON."""

_BACKENDS = {"nvidia": "CUDA", "amd": "Vulkan", "intel": "Vulkan", "apple": "Metal", "qualcomm": "Vulkan"}
_SYSTEM_SHARE, _SYSTEM_LEAST, _SYSTEM_MOST = 0.15, 1536 * 1024**2, 6 * GB
"""What a desktop and a few programs take of the memory: a seventh, within limits."""
_DESKTOP_VRAM = 300 * 1024**2
_APPLE_SMALL = 36 * GB
"""Up to here the GPU of a Mac may use two thirds of the memory, above three quarters (hardware_fit.md §3)."""
_LARGER_CHIPS = {"Apple M3 Max": (48, 64, 128), "Apple M4 Max": (48, 64, 128)}
_LARGER_CORES = 40
"""GiB of memory with which a Mac has the chip with more GPU cores, and so with more bandwidth."""
_SHARED = 0.5
"""The part of the memory an integrated GPU may borrow."""
_NEW_PROCESSORS = ("ddr5", "7040", "7840", "7640", "8840", "8640", "9950", "ultra", "strix", "ai 3", "ai 7", "ai 9")
_SERVERS = ("threadripper", "epyc", "xeon")
_LARGEST_ONE_CHANNEL = 8 * GB


@dataclass(frozen=True)
class Described:
    """A machine made from words, and what was assumed of it."""

    machine: Machine
    assumptions: tuple[Reason, ...] = ()


def machine_from_text(text: str, here: Machine | None = None) -> Described:
    """The machine somebody describes, or one that `alcove hardware --json` printed.

    `here`: this machine, from which "what if I had …" departs. Raises AppError("machine_not_understood").
    """
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return Described(_machine_of_json(text))
    words = words_of(text[:LONGEST_TEXT])
    if words.empty and not (words.what_if and words.no_card and here):
        raise _not_understood(text)
    described = _Describing(words, here if words.what_if else None)
    machine = described.machine()
    if not machine.usable_devices and machine.ram_total is None:
        raise _not_understood(text)
    return Described(machine, tuple(described.assumptions))


def departs_from_here(text: str) -> bool:
    """Whether the description is about this machine with something changed: it must be known then."""
    return not text.lstrip().startswith("{") and words_of(text[:LONGEST_TEXT]).what_if


def _machine_of_json(text: str) -> Machine:
    try:
        if len(text) > LONGEST_FILE:
            raise msgspec.ValidationError("too long")
        return changed(msgspec.json.decode(text.strip("\ufeff \t\r\n"), type=Machine), described=True)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise _not_understood(text) from error


def _not_understood(text: str) -> AppError:
    shown = " ".join("".join(sign if sign.isprintable() else " " for sign in text[:200]).split())
    return AppError("machine_not_understood", text=shown if len(shown) <= 60 else f"{shown[:60]}…")


class _Describing:
    """Puts a machine together from words, and remembers what it had to assume."""

    def __init__(self, words: Words, here: Machine | None) -> None:
        self._words = words
        self._here = here
        self._base = here or Machine(os="", described=True)
        self._loose = list(words.loose)
        self.assumptions: list[Reason] = []

    def machine(self) -> Machine:
        """The machine; call it once."""
        words = self._words
        cards = [self._understood(card) for card in self._all_cards()]
        if self._here is not None:
            self._assume("assumed_this_machine")
        ram = self._ram([known for _, known in cards if known is not None])
        devices = self._devices(cards, ram)
        bandwidth = self._bandwidth(ram, devices)
        machine = changed(
            self._base,
            os="macOS" if any(device.vendor == "apple" for device in devices) else self._base.os,
            cpu_name=_spelled(words.processor) or self._base.cpu_name,
            ram_total=ram,
            ram_available=self._free(ram),
            ram_bandwidth=bandwidth,
            disk_free=words.disk or self._base.disk_free,
            devices=tuple(_as_fast_as_memory(device, bandwidth) for device in devices),
            described=True,
        )
        if ram is None and devices:
            self._assume("assumed_memory_unknown")
        return machine

    def _all_cards(self) -> list[NamedCard]:
        """The cards that were named; the part of a processor that computes like one counts too."""
        cards = list(self._words.cards)
        if "ai max" in self._words.processor or "strix halo" in self._words.processor:
            cards.append(NamedCard("Radeon 8060S"))
        return cards[:8]

    def _understood(self, card: NamedCard) -> tuple[NamedCard, KnownGpu | None]:
        """The card with what is known of it. A size it never had is of something else: the machine's memory."""
        known = known_gpu(card.name, card.memory)
        if known is None or card.memory is None:
            return card, known
        if known.kind != "discrete" or (known.memory is None and _usual(known) is not None):
            self._loose.append(card.memory)
            return replace(card, memory=None), known_gpu(card.name)
        return card, known

    def _ram(self, known: list[KnownGpu]) -> int | None:
        """The memory that was said; of a size nobody named it is the likeliest meaning."""
        said = self._words.ram
        if said is None and self._loose and not self._loose_is_video():
            said = self._loose.pop(0)
        if said is not None and self._words.more and self._base.ram_total is not None:
            return self._base.ram_total + said
        shared = [one.memory for one in known if one.kind == "unified" and one.memory]
        if said is None and shared and self._base.ram_total is None:
            return max(shared)
        return said or self._base.ram_total

    def _loose_is_video(self) -> bool:
        """ "What if I had 24 GB?" means video memory where this machine has a card with memory of its own."""
        here = self._here
        return here is not None and any(device.kind == "discrete" for device in here.usable_devices)

    def _devices(self, cards: list[tuple[NamedCard, KnownGpu | None]], ram: int | None) -> tuple[Device, ...]:
        if self._words.no_card:
            return ()
        found = [device for card, known in cards for device in self._named(card, known, ram)]
        vram = self._words.vram or (self._loose.pop(0) if self._loose and self._loose_is_video() else None)
        if not found and self._here is None and vram:
            self._assume("assumed_card", memory_bytes=vram)
            found = [_device("GPU", _TYPICAL, vram)]
        if found:
            kept = () if not self._words.more else self._base.devices
            return _numbered([*kept, *found])
        return tuple(self._changed(device, vram, ram) for device in self._base.devices)

    def _changed(self, device: Device, vram: int | None, ram: int | None) -> Device:
        """A device of this machine with other memory, as far as its kind has memory that can differ."""
        if device.kind == "discrete" and vram is not None:
            total = vram + ((device.memory_total or 0) if self._words.more else 0)
            return changed(
                device, memory_total=total, memory_free=max(total - _DESKTOP_VRAM, 0), memory_used_by_others=None
            )
        if device.kind in ("unified", "integrated") and ram is not None and ram != self._base.ram_total:
            return _device(device.name, _like(device), _usable_by(device.kind, ram), shared=True)
        return device

    def _named(self, card: NamedCard, known: KnownGpu | None, ram: int | None) -> list[Device]:
        """The card as often as it was said, if its memory is known."""
        if known is None:
            if card.memory is None:
                return []
            self._assume("assumed_card_unknown", device=card.name.upper())
            return [_device(card.name.upper(), _TYPICAL, card.memory)] * card.count
        if known.kind == "discrete":
            memory = known.memory or card.memory or _usual(known)
            return [_device(known.name, known, memory)] * card.count if memory else []
        memory = None if ram is None else _usable_by(known.kind, ram)
        return [_device(known.name, _with_that_memory(known, ram), memory, shared=True)]

    def _free(self, ram: int | None) -> int | None:
        """What programs leave of the memory."""
        if ram is None:
            return None
        if ram == self._base.ram_total:
            return self._base.ram_available
        taken = round(min(max(ram * _SYSTEM_SHARE, _SYSTEM_LEAST), _SYSTEM_MOST, ram / 2))
        self._assume("assumed_free", taken_bytes=taken)
        return ram - taken

    def _bandwidth(self, ram: int | None, devices: tuple[Device, ...]) -> float | None:
        """Nobody says how fast the memory is, and without it nothing can be said of models beside the processor."""
        if self._base.ram_bandwidth is not None or ram is None:
            return self._base.ram_bandwidth
        unified = [device.bandwidth for device in devices if device.kind == "unified" and device.bandwidth]
        if unified:
            return max(unified)
        integrated = [device.bandwidth for device in devices if device.kind == "integrated" and device.bandwidth]
        if integrated:
            return max(integrated)
        rate = _usual_bandwidth(self._words, ram)
        self._assume("assumed_bandwidth", rate=round(rate / 1e9))
        return rate

    def _assume(self, code: str, **values: Value) -> None:
        self.assumptions.append(Reason(code=code, values=dict(values)))


_TYPICAL = KnownGpu(
    name="GPU", vendor="nvidia", architecture="8.9", kind="discrete", memory=None, bandwidth=360e9, compute=20e12
)
"""A card of which nothing was said but its memory: as fast as common ones of recent years (RTX 3060, 4060 Ti)."""


def _device(name: str, like: KnownGpu, memory: int | None, shared: bool = False) -> Device:
    free = memory if memory is None or shared else max(memory - _DESKTOP_VRAM, 0)
    return Device(
        name=name,
        kind=like.kind,
        backend=_BACKENDS.get(like.vendor, "Vulkan"),
        vendor=like.vendor,
        architecture=like.architecture,
        memory_total=memory,
        memory_free=free,
        memory_shared=memory if shared else None,
        bandwidth=like.bandwidth,
        compute=like.compute,
        sources=("table",),
    )


def _numbered(devices: list[Device]) -> tuple[Device, ...]:
    """Each with the name the engine would give it: those with memory of their own alone, where there are any."""
    own = [device for device in devices if device.kind != "integrated"]
    counts: dict[str, int] = {}
    named = []
    for device in own or devices:
        number = counts[device.backend] = counts.get(device.backend, -1) + 1
        prefix = "MTL" if device.backend == "Metal" else device.backend
        named.append(changed(device, engine_name=f"{prefix}{number}"))
    return tuple(named)


def _as_fast_as_memory(device: Device, bandwidth: float | None) -> Device:
    """A GPU without memory of its own reads as fast as the machine's memory is."""
    return changed(device, bandwidth=bandwidth) if device.kind == "integrated" and not device.bandwidth else device


def _spelled(processor: str) -> str:
    """The processor's name with its usual capitals."""
    return re.sub(r"\bI([3579])\b", r"i\1", processor.title()).replace(" Ai ", " AI ")


def _like(device: Device) -> KnownGpu:
    kind: Literal["discrete", "integrated", "unified"] = "unified" if device.kind == "unified" else "integrated"
    return KnownGpu(
        name=device.name, vendor=device.vendor, architecture=device.architecture, kind=kind,
        memory=None, bandwidth=device.bandwidth, compute=device.compute,
    )  # fmt: skip


def _usual(known: KnownGpu) -> int | None:
    """Of a card with several versions of memory the one that is listed first."""
    first = known_gpu(known.name)
    return first.memory if first is not None else None


def _with_that_memory(known: KnownGpu, ram: int | None) -> KnownGpu:
    """Of Apple's chips with two numbers of cores the one that is sold with that much memory."""
    more = known.name in _LARGER_CHIPS and ram is not None and round(ram / GB) in _LARGER_CHIPS[known.name]
    return (known_gpu(known.name, cores=_LARGER_CORES) or known) if more else known


def _usable_by(kind: str, ram: int) -> int:
    """What a GPU without memory of its own may take of the machine's."""
    if kind == "unified":
        return round(ram * (2 / 3 if ram <= _APPLE_SMALL else 3 / 4))
    return round(ram * _SHARED)


def _usual_bandwidth(words: Words, ram: int) -> float:
    """Bytes a second of the memory such a computer usually has: two channels of DDR4-3200 or DDR5-5600; a small one
    often has a single module, a server more channels."""
    if any(name in words.processor for name in _SERVERS):
        return 140e9
    new = "5" in words.memory_kind or any(name in words.processor for name in _NEW_PROCESSORS)
    both = 89.6e9 if new else 51.2e9
    return both / 2 if ram <= _LARGEST_ONE_CHANNEL else both
