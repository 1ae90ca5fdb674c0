"""What the engine has to fit: processor, NVIDIA, AMD and Vulkan, asked of children and files that cannot hang us."""

import hashlib
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alcove_setup.process import answer

CUDA_MAJORS = (11, 12, 13, 14)
GPU_VENDORS = {"0x10de", "0x1002", "0x8086"}
"""PCI vendors whose Vulkan driver runs on a real GPU: NVIDIA, AMD, Intel (not the virtual adapters of VMs)."""


@dataclass(frozen=True)
class Machine:
    """The parts of a machine that decide which engine suits it."""

    system: str
    """`sys.platform`: linux, darwin, win32."""
    architecture: str
    processor: str
    """Model and a digest of its instruction sets: a native build runs only where this is the same."""
    libc: str = ""
    cuda_driver: tuple[int, int] | None = None
    """The newest CUDA the NVIDIA driver speaks; None without a working NVIDIA GPU."""
    cuda_runtimes: frozenset[int] = field(default_factory=frozenset)
    """Major versions of the CUDA runtime library that the loader finds: prebuilt wheels do not bring it."""
    nvcc: str | None = None
    rocm: tuple[int, int] | None = None
    amd_targets: frozenset[str] = field(default_factory=frozenset)
    """The AMD GPUs' instruction sets, such as gfx1100."""
    vulkan: bool = False


def inspect_machine(environ: Mapping[str, str] = os.environ) -> Machine:
    """This machine."""
    driver = _cuda_driver()
    return Machine(
        system=sys.platform,
        architecture=platform.machine().lower(),
        processor=_processor(),
        libc=" ".join(platform.libc_ver()) if sys.platform == "linux" else "",
        cuda_driver=driver,
        cuda_runtimes=_cuda_runtimes(environ) if driver else frozenset(),
        nvcc=_nvcc(environ) if driver else None,
        rocm=_rocm(Path("/opt/rocm/.info/version")),
        amd_targets=amd_targets(Path("/sys/class/kfd/kfd/topology/nodes").glob("*/properties")),
        vulkan=_vulkan(),
    )


def parse_cuda_version(report: str) -> tuple[int, int] | None:
    """The CUDA version in the head of `nvidia-smi`."""
    found = re.search(r"CUDA (?:\w+ )?Version:\s*(\d+)\.(\d+)", report)
    return (int(found[1]), int(found[2])) if found else None


def parse_cpuinfo(text: str) -> str:
    """Model and instruction sets of the first processor in Linux' /proc/cpuinfo."""
    pairs = [line.partition(":") for line in text.partition("\n\n")[0].splitlines()]
    first = {name.strip(): value.strip() for name, _, value in pairs}
    model = first.get("model name") or f"{first.get('CPU implementer', '?')}/{first.get('CPU part', '?')}"
    sets = sorted((first.get("flags") or first.get("Features") or "").split())
    return f"{model} {hashlib.sha256(' '.join(sets).encode()).hexdigest()[:12]}"


def amd_targets(properties: Iterable[Path]) -> frozenset[str]:
    """The GPUs among the kernel's compute nodes; `gfx_target_version 110000` is gfx1100 (major, minor, stepping)."""
    found = set()
    for file in properties:
        match = re.search(r"^gfx_target_version (\d+)$", _read(file), re.MULTILINE)
        number = int(match[1]) if match else 0
        if number:
            found.add(f"gfx{number // 10000}{number // 100 % 100:x}{number % 100:x}")
    return frozenset(found)


def _processor() -> str:
    if sys.platform == "linux":
        return parse_cpuinfo(_read(Path("/proc/cpuinfo")))
    if sys.platform == "darwin":
        return (answer(["sysctl", "-n", "machdep.cpu.brand_string"]) or platform.processor()).strip()
    return platform.processor()


def _cuda_driver() -> tuple[int, int] | None:
    """None unless the driver lists a GPU: the tool may be there without one."""
    if "GPU " not in (answer(["nvidia-smi", "-L"]) or ""):
        return None
    return parse_cuda_version(answer(["nvidia-smi"]) or "")


def _cuda_runtimes(environ: Mapping[str, str]) -> frozenset[int]:
    if sys.platform == "win32":
        folders = [Path(folder) for folder in environ.get("PATH", "").split(os.pathsep) if folder]
        home = environ.get("CUDA_PATH")
        folders += [Path(home) / "bin", Path(home) / "bin" / "x64"] if home else []
        return frozenset(v for v in CUDA_MAJORS if any(any(f.glob(f"cudart64_{v}*.dll")) for f in folders))
    code = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"
    names = {major: "libcudart.so.11.0" if major == 11 else f"libcudart.so.{major}" for major in CUDA_MAJORS}
    return frozenset(v for v, name in names.items() if answer([sys.executable, "-c", code, name]) is not None)


def _nvcc(environ: Mapping[str, str]) -> str | None:
    home = environ.get("CUDA_PATH") or environ.get("CUDA_HOME") or "/usr/local/cuda"
    return shutil.which("nvcc") or shutil.which("nvcc", path=str(Path(home) / "bin"))


def _rocm(version_file: Path) -> tuple[int, int] | None:
    found = re.match(r"(\d+)\.(\d+)", _read(version_file))
    return (int(found[1]), int(found[2])) if found else None


def _vulkan() -> bool:
    """Whether there is a Vulkan loader and a real GPU behind it (not the software rasteriser)."""
    if sys.platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", "C:/Windows")) / "System32" / "vulkan-1.dll").exists()
    if sys.platform != "linux":
        return False
    loads = answer([sys.executable, "-c", "import ctypes; ctypes.CDLL('libvulkan.so.1')"]) is not None
    vendors = {_read(file).strip() for file in Path("/sys/class/drm").glob("renderD*/device/vendor")}
    return loads and bool(vendors & GPU_VENDORS)


def _read(file: Path) -> str:
    """The text of a small file; empty when it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
