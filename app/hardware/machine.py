"""The machine as Alcove sees it: its answers put together; what cannot be found out is None."""

import platform
from collections.abc import Iterable
from pathlib import Path, PurePath

from msgspec.structs import replace

from app.hardware.detection.amd import amd_devices
from app.hardware.detection.answers import Answers, DriverAnswers
from app.hardware.detection.apple import apple_devices
from app.hardware.detection.asking import ask
from app.hardware.detection.bandwidth import ram_bandwidth
from app.hardware.detection.container import container, is_wsl
from app.hardware.detection.cpu import processor
from app.hardware.detection.disks import disk
from app.hardware.detection.dxgi import dxgi_devices
from app.hardware.detection.files import fields, text
from app.hardware.detection.firmware import memory_speed
from app.hardware.detection.intel import intel_devices
from app.hardware.detection.merging import merged
from app.hardware.detection.nvidia import nvidia_devices
from app.hardware.detection.pci import PciCard, pci_cards
from app.hardware.detection.ram import memory
from app.protocol import Device, Machine

_ROOT = Path("/")


def detect(
    model_folder: Path,
    devices: Iterable[Device] = (),
    drivers: DriverAnswers | None = None,
    cache: Path | None = None,
) -> Machine:
    """Look at this machine. `devices` are those the engine can use, `drivers` what a probe heard from the drivers.

    With a `cache` folder the memory's speed is measured once, where the firmware does not tell it, and kept there.
    """
    answers = ask(model_folder, devices, drivers or DriverAnswers())
    machine = machine_from(answers, _ROOT, model_folder)
    if cache is None or machine.ram_bandwidth is not None:
        return machine
    measured = ram_bandwidth(
        cache,
        processor=machine.cpu_name or "",
        ram_total=answers.memory_total or machine.ram_total or 0,
        ram_available=machine.ram_available or 0,
        cores=machine.performance_cores or 1,
        cache_l3=machine.cache_l3 or 0,
    )
    return machine_from(replace(answers, ram_bandwidth=measured), _ROOT, model_folder)


def machine_from(answers: Answers, root: Path, model_folder: PurePath) -> Machine:
    """The machine that gave these answers and has these files below `root`."""
    cpu = processor(answers, root)
    ram_total, ram_available = memory(answers, root)
    speed = memory_speed(answers.smbios)
    bandwidth = speed.bandwidth if speed else answers.ram_bandwidth
    place = disk(model_folder, answers.disk, root)
    return Machine(
        os=operating_system(answers, root),
        cpu_name=cpu.name,
        physical_cores=cpu.physical,
        performance_cores=cpu.performance,
        logical_cores=cpu.logical,
        cpu_features=cpu.features,
        cache_l3=cpu.cache_l3,
        ram_total=ram_total,
        ram_available=ram_available,
        ram_bandwidth=bandwidth,
        ram_channels=speed.channels if speed else None,
        container=container(root, answers.environ),
        disk_free=place.free,
        disks=(place,),
        devices=merged(
            answers.engine,
            driver_devices(answers, root, ram_available),
            (ram_total, ram_available),
            bandwidth,
        ),
    )


def operating_system(answers: Answers, root: Path) -> str:
    """The name people know it by, such as "Debian GNU/Linux 12 (bookworm)" or "Windows 11"."""
    if answers.platform != "linux":
        return answers.os_name
    told = fields(text(root / "etc/os-release") or text(root / "usr/lib/os-release"), "=")
    name = told.get("pretty_name", "").strip("\"'") or answers.os_name or platform.system()
    return f"{name} (WSL 2)" if is_wsl(root) else name


def driver_devices(answers: Answers, root: Path, ram_available: int | None) -> tuple[Device, ...]:
    """The cards the system and their drivers know, each maker's by its own ways."""
    cards = pci_cards(root) if answers.platform == "linux" else ()
    nvidia = nvidia_devices(answers.drivers.nvml, answers.own_pids)
    seen = {device.pci_id for device in nvidia}
    kernel = text(root / "proc/sys/kernel/osrelease")
    return (
        *nvidia,
        *(_silent(card) for card in cards if card.vendor == "nvidia" and card.pci_id not in seen),
        *amd_devices(cards, root, ram_available, kernel, answers.own_pids),
        *intel_devices(cards, kernel),
        *apple_devices(answers, ram_available),
        *dxgi_devices(answers.drivers.dxgi, ram_available),
    )


def _silent(card: PciCard) -> Device:
    """A card on the bus of which its driver says nothing."""
    return Device(name=card.name, vendor=card.vendor, pci_id=card.pci_id, sources=("sysfs",))
