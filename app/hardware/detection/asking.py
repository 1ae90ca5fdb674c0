"""Asking this machine: the thin half of detection, which gathers the answers the other half makes facts of."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil
from msgspec.structs import replace

from app.hardware.detection import windows
from app.hardware.detection.answers import Answers, DiskAnswer, DriverAnswers
from app.hardware.detection.apple import available_memory
from app.hardware.detection.disks import ask_space, mac_kind
from app.protocol import Device

_PATIENCE_S = 2
_ENVIRONMENT = ("KUBERNETES_SERVICE_HOST", "FLATPAK_ID", "SNAP", "SNAP_NAME", "container")
_SYSCTL = (
    *("machdep.cpu.brand_string", "hw.memsize", "hw.physicalcpu", "hw.logicalcpu", "hw.perflevel0.physicalcpu"),
    *("hw.perflevel0.l2cachesize", "hw.l3cachesize", "iogpu.wired_limit_mb", "hw.optional.AdvSIMD"),
    *("hw.optional.arm.FEAT_DotProd", "hw.optional.arm.FEAT_I8MM", "hw.optional.arm.FEAT_SME"),
    *("hw.optional.avx2_0", "hw.optional.f16c", "hw.optional.fma", "hw.optional.avx512f"),
)
_SMBIOS = Path("/sys/firmware/dmi/tables/DMI")


def ask(folder: Path, engine: Iterable[Device], drivers: DriverAnswers) -> Answers:
    """What this machine answers; `folder` is the model folder, `engine` and `drivers` what probes have brought."""
    common = Answers(
        platform="linux",
        architecture=platform.machine(),
        physical_cores=psutil.cpu_count(logical=False),
        logical_cores=psutil.cpu_count(logical=True),
        environ={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        disk=ask_space(folder),
        engine=tuple(engine),
        drivers=drivers,
        own_pids=own_pids(),
    )
    if sys.platform == "win32":
        return windows.completed(common, folder)
    if sys.platform == "darwin":
        return _mac(common, folder)
    figures = psutil.virtual_memory()
    return replace(
        common,
        os_name=f"{platform.system()} {platform.release()}",
        memory_total=int(figures.total),
        memory_available=int(figures.available),
        smbios=_bytes(_SMBIOS),
    )


def own_pids() -> tuple[int, ...]:
    """This process and all it has started."""
    here = psutil.Process()
    try:
        return (here.pid, *(child.pid for child in here.children(recursive=True)))
    except psutil.Error:
        return (here.pid,)


def vm_stat() -> int | None:
    """Bytes a Mac can give at once."""
    return available_memory(_said(["vm_stat"]))


def _mac(common: Answers, folder: Path) -> Answers:
    told = [line.partition(": ") for line in _said(["/usr/sbin/sysctl", *_SYSCTL]).splitlines()]
    sysctl = {name: value.strip() for name, mark, value in told if mark}
    size = sysctl.get("hw.memsize", "")
    space = common.disk
    cores = re.search(r'"gpu-core-count" = (\d+)', _said(["/usr/sbin/ioreg", "-rc", "AGXAccelerator", "-d1"]))
    return replace(
        common,
        platform="darwin",
        os_name=f"macOS {platform.mac_ver()[0]}",
        processor=platform.processor(),
        sysctl=sysctl,
        gpu_cores=int(cores[1]) if cores else None,
        memory_total=int(size) if size.isdigit() else int(psutil.virtual_memory().total),
        memory_available=vm_stat() or int(psutil.virtual_memory().available),
        disk=DiskAnswer(
            total=space.total, free=space.free, kind=mac_kind(folder, _said(["/sbin/mount"]), common.architecture)
        ),
    )


def _said(command: list[str]) -> str:
    """What a tool of the system prints; "" where it is not there or takes too long. One unknown name is no failure."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
