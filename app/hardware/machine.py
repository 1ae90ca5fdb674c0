"""The machine as Alcove sees it: processor, memory, disk and graphics cards; what cannot be found out is None."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil
from msgspec.structs import replace

from app.hardware.limits import memory_limits
from app.hardware.nvidia import nvidia_devices
from app.protocol import Device, Machine

_SYSCTL_S = 5


def detect(model_folder: Path, devices: Iterable[Device] = ()) -> Machine:
    """Look at this machine. `devices` are those the engine can use; the driver fills in what it does not know."""
    total, available = memory()
    return Machine(
        os=operating_system(),
        cpu_name=cpu_name(),
        physical_cores=psutil.cpu_count(logical=False),
        logical_cores=psutil.cpu_count(logical=True),
        ram_total=total,
        ram_available=available,
        disk_free=disk_free(model_folder),
        devices=enriched(devices, nvidia_devices()),
    )


def memory(root: Path = Path("/")) -> tuple[int, int]:
    """Total and available bytes for a process here: the kernel's figures, lowered by the limits of its containers."""
    figures = psutil.virtual_memory()
    total, available = int(figures.total), int(figures.available)
    for limit in memory_limits(root):
        total = min(total, limit.total)
        available = min(available, limit.available)
    return total, max(available, 0)


def disk_free(folder: Path) -> int | None:
    """Bytes free on the disk of that folder, or of the nearest folder above it that exists."""
    for candidate in (folder, *folder.parents):
        try:
            return shutil.disk_usage(candidate).free
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None


def operating_system() -> str:
    """The name people know it by, such as "Debian GNU/Linux 12 (bookworm)" or "Windows 11"."""
    if sys.platform == "linux":
        try:
            return platform.freedesktop_os_release()["PRETTY_NAME"]
        except (OSError, KeyError):
            return f"Linux {platform.release()}"
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}"
    return f"{platform.system()} {platform.release()}"


def cpu_name() -> str | None:
    """The processor's name as its maker wrote it."""
    if sys.platform == "linux":
        return cpu_name_in(_text(Path("/proc/cpuinfo")))
    if sys.platform == "darwin":
        return _sysctl("machdep.cpu.brand_string")
    return platform.processor() or os.environ.get("PROCESSOR_IDENTIFIER")


def cpu_name_in(cpuinfo: str) -> str | None:
    """The name in the text of /proc/cpuinfo; Arm kernels give none, some boards a `Model` or `Hardware` line."""
    fields: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        name, colon, value = line.partition(":")
        if colon and value.strip():
            fields.setdefault(name.strip().lower(), " ".join(value.split()))
    return fields.get("model name") or fields.get("hardware") or fields.get("model")


def enriched(devices: Iterable[Device], driver: Iterable[Device]) -> tuple[Device, ...]:
    """The engine's devices, with what only the driver knows of the card of the same name."""
    known = {device.name.casefold(): device for device in driver}
    return tuple(_merged(device, known.get(device.name.casefold())) for device in devices)


def _merged(device: Device, driver: Device | None) -> Device:
    if driver is None:
        return device
    return replace(
        device,
        kind=driver.kind if device.kind == "unknown" else device.kind,
        memory_total=driver.memory_total if device.memory_total is None else device.memory_total,
        memory_free=driver.memory_free if device.memory_free is None else device.memory_free,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _sysctl(name: str) -> str | None:
    try:
        done = subprocess.run(["sysctl", "-n", name], capture_output=True, timeout=_SYSCTL_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip() or None
