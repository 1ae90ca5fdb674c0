"""Why a graphics card is not used, and what to do about it: from what engine, driver and system have said."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.hardware.detection.access import Access
from app.hardware.detection.answers import EngineBuild, NvmlAnswers
from app.protocol import Check, CheckState, Device, Machine, Value

_CONTAINERS = ("docker", "podman", "kubernetes", "lxc", "flatpak", "snap")
_BACKENDS = {
    "nvidia": ("CUDA", "Vulkan"),
    "amd": ("Vulkan", "ROCm"),
    "intel": ("Vulkan", "SYCL"),
    "qualcomm": ("OpenCL", "Vulkan"),
    "apple": ("Metal",),
}
"""Those that can use a maker's cards, the usual one first."""
_BUILDS = {
    "CUDA": ("CUDA Toolkit (nvcc)", "-DGGML_CUDA=on"),
    "Vulkan": ("Vulkan SDK (libvulkan-dev, glslc)", "-DGGML_VULKAN=on"),
    "OpenCL": ("OpenCL SDK", "-DGGML_OPENCL=on"),
    "Metal": ("Xcode command line tools", "-DGGML_METAL=on"),
}
"""What building the engine for a backend takes, and how it is asked for."""
_DRIVERS = {"amd": "amdgpu", "intel": "i915, xe"}
"""Of the kernel."""
_SLOW_GRAPHICS = ("", "Gen9", "Gen11")
"""Intel's graphics that are hardly faster than the processor beside them."""
_LIBRARY = re.compile(r"(lib[\w+-]+\.so[.\d]*): cannot open shared object|Could not find module '([^']+)'")
_PACKAGES = {
    "libcuda": "NVIDIA driver",
    "libnvidia": "NVIDIA driver",
    "libcudart": "CUDA runtime (cuda-cudart, nvidia-cuda-runtime)",
    "libcublas": "CUDA libraries (libcublas)",
    "libvulkan": "libvulkan1 (Debian, Ubuntu), vulkan-loader (Fedora), vulkan-icd-loader (Arch)",
    "libgomp": "libgomp1 (Debian, Ubuntu), libgomp (Fedora), gcc-libs (Arch)",
    "libamdhip": "ROCm (hip-runtime-amd)",
    "libhip": "ROCm (hipblas)",
    "librocblas": "ROCm (rocblas)",
    "libsycl": "Intel oneAPI runtime",
    "libOpenCL": "ocl-icd-libopencl1 (Debian, Ubuntu), ocl-icd (Fedora, Arch)",
}


@dataclass(frozen=True)
class Surroundings:
    """What is known of engine, driver and device files besides the machine itself."""

    build: EngineBuild = field(default_factory=EngineBuild)
    nvml: NvmlAnswers | None = None
    access: Access = field(default_factory=Access)


def missing_library(reason: str) -> Check | None:
    """The library without which the engine does not start, by what the loader said; None for any other reason."""
    found = _LIBRARY.search(reason)
    if found is None:
        return None
    name = found[1] or found[2]
    package = next((package for start, package in _PACKAGES.items() if name.startswith(start)), name)
    return _check("engine_library", CheckState.BAD, library=name, package=package)


def graphics_checks(machine: Machine, around: Surroundings) -> Iterator[Check]:
    """What there is to say of each card: why it is not used, or what to beware of where it is."""
    for device in machine.devices:
        if device.usable:
            yield from _too_old(device, around.build)
            if device.vendor == "nvidia" and device.kind == "discrete" and machine.os.startswith("Windows"):
                yield _check("gpu_spills", CheckState.GOOD, device=device.name)
        elif (found := _why_unused(device, machine, around)) is not None:
            yield found


def _why_unused(device: Device, machine: Machine, around: Surroundings) -> Check | None:
    """The first hindrance on the way from the card to the engine; None for graphics nobody misses."""
    if device.kind == "integrated" and machine.usable_devices:
        return None
    if device.kind == "integrated" and device.vendor == "intel" and device.architecture in _SLOW_GRAPHICS:
        return _check("gpu_slow", CheckState.GOOD, device=device.name)
    for look in (_outside, _driver, _build):
        if (found := look(device, machine, around)) is not None:
            return found
    return _check("gpu_unused", CheckState.WARN, device=device.name)


def _outside(device: Device, machine: Machine, around: Surroundings) -> Check | None:
    """The card is not given to this container, or its files not to this user."""
    given = around.access.nvidia if device.vendor == "nvidia" else around.access.render
    if machine.container in _CONTAINERS and not given:
        return _check(
            "gpu_not_in_container",
            CheckState.WARN,
            device=device.name,
            container=machine.container,
            option="--gpus all" if device.vendor == "nvidia" else "--device /dev/kfd --device /dev/dri",
        )
    if device.vendor in ("amd", "intel") and around.access.forbidden:
        return _check("gpu_no_permission", CheckState.WARN, device=device.name, path=", ".join(around.access.forbidden))
    return None


def _driver(device: Device, machine: Machine, around: Surroundings) -> Check | None:
    """The driver is missing, broken, silent, or too old for the engine."""
    if device.vendor != "nvidia":
        if "sysfs" not in device.sources or device.driver:
            return None
        driver = _DRIVERS.get(device.vendor, device.vendor)
        return _check("gpu_driver_missing", CheckState.WARN, device=device.name, driver=driver)
    nvml = around.nvml
    if nvml is not None and nvml.fault:
        return _check("gpu_driver_broken", CheckState.WARN, device=device.name, reason=nvml.fault)
    if nvml is None or not nvml.cards:
        return _check("gpu_driver_missing", CheckState.WARN, device=device.name, driver="NVIDIA")
    needed = around.build.cuda
    if needed is not None and nvml.cuda is not None and needed // 1000 > nvml.cuda // 1000:
        return _check(
            "gpu_driver_old",
            CheckState.WARN,
            device=device.name,
            driver=nvml.driver,
            has=_cuda(nvml.cuda),
            needs=_cuda(needed),
        )
    return None


def _build(device: Device, machine: Machine, around: Surroundings) -> Check | None:
    """The engine lacks the backend, or the backend fails."""
    fitting = _BACKENDS.get(device.vendor, ("Vulkan",))
    built = [backend for backend in fitting if backend in around.build.backends]
    if not built:
        needs, flags = _BUILDS[fitting[0]]
        return _check(
            "gpu_not_built",
            CheckState.WARN,
            device=device.name,
            backends=", ".join(fitting),
            needs=needs,
            flags=flags,
        )
    for fault in around.build.faults:
        if fault.backend in built and fault.silent:
            return _check("gpu_backend_silent", CheckState.WARN, device=device.name, backend=fault.backend)
        if fault.backend in built and fault.reason:
            return _check(
                "gpu_backend_failed", CheckState.WARN, device=device.name, backend=fault.backend, reason=fault.reason
            )
    return None


def _too_old(device: Device, build: EngineBuild) -> Iterator[Check]:
    """CUDA lists a card its code was not compiled for, and fails when it computes."""
    capability = _version(device.architecture)
    compiled = [_version(arch) for arch in build.cuda_archs]
    if device.backend == "CUDA" and capability and compiled and capability < min(compiled):
        yield _check(
            "gpu_too_old",
            CheckState.WARN,
            device=device.name,
            has=device.architecture,
            needs=".".join(map(str, min(compiled))),
        )


def _version(words: str) -> tuple[int, ...]:
    parts = words.split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else ()


def _cuda(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


def _check(code: str, state: CheckState, **values: Value) -> Check:
    return Check(code=code, state=state, values=values)
