"""One way to place a model, with what it takes of each memory and what is missing there."""

from dataclasses import dataclass
from functools import cached_property

from app.hardware.placement import Placement
from app.hardware.wish import Setting
from app.protocol import Device, Machine, MemoryUse


@dataclass(frozen=True)
class Trial:
    setting: Setting
    placement: Placement
    uses: tuple[MemoryUse, ...]

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
