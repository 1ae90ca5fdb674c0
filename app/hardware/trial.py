"""One way to place a model, with what it takes of each memory and what is missing there."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from msgspec.structs import replace

from app.hardware.placement import Placement
from app.hardware.wish import Setting
from app.protocol import CPU, Device, Machine, MemoryUse


@dataclass(frozen=True)
class Trial:
    setting: Setting
    placement: Placement
    uses: tuple[MemoryUse, ...]
    """What devices borrow of the machine's memory is no longer free beside the processor."""

    @cached_property
    def missing(self) -> dict[str, int]:
        """Bytes too few, by device; empty where it fits."""
        short = {use.device: shortage(use) for use in self.uses}
        return {device: size for device, size in short.items() if size > 0}

    @property
    def fits(self) -> bool:
        return not self.missing

    @property
    def whole(self) -> bool:
        """Whether everything that can be offloaded is."""
        return self.placement.gpu_layers == self.placement.blocks + 1 and not self.placement.cpu_experts

    def use_of(self, device: str) -> MemoryUse:
        return next((use for use in self.uses if use.device == device), MemoryUse(device=device))


def shortage(use: MemoryUse) -> int:
    """Bytes that are missing on this device; negative: left over. 0 where nobody knows what is free."""
    return 0 if use.free is None else use.total - (use.free - use.reserve)


def name_of(device: Device) -> str:
    """How plans name a device: as ggml does, or as people do where that is not known."""
    return device.engine_name or device.name


def computing_devices(machine: Machine) -> tuple[Device, ...]:
    """The devices llama.cpp would take: integrated ones only where there is no other."""
    usable = machine.usable_devices
    strong = tuple(device for device in usable if device.kind != "integrated")
    return strong or usable


def counted_once(uses: Iterable[MemoryUse], machine: Machine) -> tuple[MemoryUse, ...]:
    """The same with less free beside the processor, where devices take of the machine's own memory."""
    devices = {name_of(device): device for device in machine.devices}
    every = tuple(uses)
    borrowed = sum(_borrowed(use, devices[use.device]) for use in every if use.device in devices)
    if not borrowed:
        return every
    return tuple(
        replace(use, free=max(use.free - borrowed, 0)) if use.device == CPU and use.free is not None else use
        for use in every
    )


def _borrowed(use: MemoryUse, device: Device) -> int:
    """Bytes of that use which are part of the machine's memory: what does not go into the device's own."""
    shared = device.memory_shared
    if shared is None:
        shared = device.memory_total or use.total if device.kind == "unified" else 0
    if not shared:
        return 0
    own = max((device.memory_total or shared) - shared, 0)
    return max(use.total - min(own, use.free if use.free is not None else own), 0)
