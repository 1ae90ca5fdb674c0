"""Who has the memory at this moment: read from drivers and files every second, without asking the engine."""

import contextlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
import pynvml  # type: ignore[import-untyped]

from app.hardware.detection.adapters import dxgi_adapters
from app.hardware.detection.answers import Answers, NvmlCard
from app.hardware.detection.asking import own_pids, vm_stat
from app.hardware.detection.dxgi import dxgi_devices
from app.hardware.detection.fdinfo import BORROWED, OWN, fdinfos, held
from app.hardware.detection.files import number
from app.hardware.detection.merging import same_card
from app.hardware.detection.nvidia import used_by_others
from app.hardware.detection.ram import memory
from app.hardware.nvidia import library, memory_of
from app.protocol import Device, DeviceSample, Machine, MemorySample

CardMemory = Callable[[str], NvmlCard]
"""What NVML says of the card at a place on the bus."""
_WHOLE = 1.2
"""A card with so many times the memory of the device is cut into slices."""


class Sampler:
    """Reads the memory of a machine that was looked at before; devices are those `detect` found.

    NVIDIA's driver is asked in this process, and only where it answered a probe before.
    """

    def __init__(self, machine: Machine, root: Path = Path("/"), card_memory: CardMemory | None = None) -> None:
        self._machine = machine
        self._root = root
        self._stack = contextlib.ExitStack()
        self._card_memory = card_memory or self._opened_driver()

    def close(self) -> None:
        """Let go of the driver."""
        self._stack.close()

    def sample(self) -> MemorySample:
        """The memory of this moment; `loaded` is left to those who loaded."""
        total, available = _ram(self._root)
        pids = own_pids()
        return MemorySample(
            ram_total=total,
            ram_available=available,
            ram_ours=_resident(pids),
            devices=tuple(self._device(device, available, pids) for device in self._machine.devices),
        )

    def _opened_driver(self) -> CardMemory | None:
        if not any("nvml" in device.sources for device in self._machine.devices):
            return None
        try:
            self._stack.enter_context(library())
        except (pynvml.NVMLError, OSError):
            return None
        return memory_of

    def _device(self, device: Device, available: int | None, pids: tuple[int, ...]) -> DeviceSample:
        if device.kind == "unified":
            return _sampled(device, free=_least(device.memory_total, available))
        if "nvml" in device.sources and self._card_memory is not None:
            return _nvidia(device, self._card_memory, pids)
        if "sysfs" in device.sources:
            return linux_sample(device, self._root, available, pids)
        return _sampled(device, free=_windows_free(device, available))


def sample(machine: Machine) -> MemorySample:
    """One reading, for those who do not read every second."""
    with contextlib.closing(Sampler(machine)) as sampler:
        return sampler.sample()


def linux_sample(device: Device, root: Path, available: int | None, pids: tuple[int, ...]) -> DeviceSample:
    """A card's memory by the files of its kernel driver: amdgpu counts for all, i915 and xe for each client."""
    integrated = device.kind == "integrated"
    regions = BORROWED if integrated else OWN
    ours = held(fdinfos(root, pids), device.pci_id, regions)
    total, used, free = device.memory_total, None, None
    if device.vendor == "amd":
        folder = root / "sys/bus/pci/devices" / device.pci_id
        used, free = amd_memory(folder, integrated, available)
    elif not integrated and total is not None:
        used = held(fdinfos(root), device.pci_id)
        free = max(total - used, 0)
    if used is None:
        return _sampled(device, free=_least(total, available) if integrated else None)
    return _sampled(device, _least(total, free), max(used - ours, 0), ours)


def amd_memory(folder: Path, integrated: bool, available: int | None) -> tuple[int | None, int | None]:
    """Bytes in use by anyone, and free; of an integrated one with what it may borrow."""
    total, used = number(folder / "mem_info_vram_total"), number(folder / "mem_info_vram_used")
    if total is None or used is None:
        return None, None
    free = max(total - used, 0)
    if integrated:
        lent = number(folder / "mem_info_gtt_used") or 0
        borrowed = max((number(folder / "mem_info_gtt_total") or 0) - lent, 0)
        free += borrowed if available is None else min(borrowed, available)
        used += lent
    return used, free


def _nvidia(device: Device, card_memory: CardMemory, pids: tuple[int, ...]) -> DeviceSample:
    try:
        card = card_memory(device.pci_id)
    except pynvml.NVMLError:
        return _sampled(device)
    if device.memory_total and card.memory_total and card.memory_total > _WHOLE * device.memory_total:
        return _sampled(device)  # of a slice of the card the whole card's figures say nothing
    others = used_by_others(card, pids)
    ours = None if others is None or card.memory_used is None else card.memory_used - others
    return _sampled(device, _least(device.memory_total, card.memory_free), others, ours)


def _sampled(
    device: Device, free: int | None = None, others: int | None = None, ours: int | None = None
) -> DeviceSample:
    return DeviceSample(
        name=device.name,
        engine_name=device.engine_name,
        total=device.memory_total,
        free=free,
        ours=ours,
        others=others,
    )


def _ram(root: Path) -> tuple[int | None, int | None]:
    if sys.platform == "linux":
        return memory(Answers(platform="linux"), root)
    figures = psutil.virtual_memory()
    available = vm_stat() if sys.platform == "darwin" else None
    return int(figures.total), int(figures.available) if available is None else available


def _resident(pids: Iterable[int]) -> int:
    """Bytes these processes hold in RAM."""
    total = 0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            total += int(psutil.Process(pid).memory_info().rss)
    return total


def _windows_free(device: Device, available: int | None) -> int | None:
    if "dxgi" not in device.sources:
        return None
    adapters = dxgi_devices(dxgi_adapters(), available)
    return next((found.memory_free for found in adapters if same_card(found, device)), None)


def _least(total: int | None, free: int | None) -> int | None:
    return free if total is None or free is None else min(total, free)
