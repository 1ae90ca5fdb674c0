"""What a loaded model takes besides llama.cpp's own buffers: the driver's context, scratch pools, the worker itself.

These are priors by backend (docs/fit.md); what was measured after the first load replaces them.
"""

from app.hardware.compute import CUDA_LIKE, unpacked_cache
from app.hardware.geometry import Geometry
from app.hardware.placement import Placement
from app.protocol import Device, Machine

MIB = 1024**2
WORKER = 72 * MIB
"""Python, NumPy and llama.cpp themselves in a worker without a model (measured 56 MiB resident), and the process of
its chat template (13 MiB of its own)."""

_CONTEXT = {"CUDA": 400, "ROCm": 350, "HIP": 350, "MUSA": 400, "Vulkan": 160, "Metal": 64, "MTL": 64, "SYCL": 300}
"""MiB of a driver's context with its kernels and libraries, for a process and device."""
_UNKNOWN_CONTEXT = 256
_RPC = 0
_DESKTOP = 400
"""MiB a desktop may claim of the device it is drawn with, while a model is loaded."""
_HEADLESS = 64
_RAM_RESERVE = 512 * MIB
_RAM_SHARE = 32


def prior_residual(device: Device, geometry: Geometry, placement: Placement) -> int:
    """Bytes likely taken on that device besides the buffers."""
    if device.backend == "RPC":
        return _RPC
    base = _CONTEXT.get(device.backend, _UNKNOWN_CONTEXT) * MIB
    if device.backend in CUDA_LIKE:
        return base + _mmq_pool(geometry, placement)
    if device.backend == "Vulkan" and placement.flash_attention:
        return base + unpacked_cache(geometry, placement)
    if device.backend == "SYCL":
        return base + max((layer.dense.largest for layer in geometry.layers), default=0)
    return base


def device_reserve(device: Device, machine: Machine) -> int:
    """Bytes kept for the desktop and other programs on that device."""
    draws = not machine.os.lower().startswith("linux") and "server" not in machine.os.lower()
    return (_DESKTOP if draws or device.kind != "discrete" else _HEADLESS) * MIB


def ram_reserve(machine: Machine) -> int:
    """Bytes of RAM kept for everything else."""
    return min((machine.ram_total or 0) // _RAM_SHARE, _RAM_RESERVE)


def _mmq_pool(geometry: Geometry, placement: Placement) -> int:
    """Activations CUDA quantizes before it multiplies (ggml-cuda/mmq.cu): a pool that grows once and stays."""
    rows = placement.micro_batch * max(geometry.experts_used, 1)
    padded = -(-max(geometry.width, geometry.feed_forward) // 512) * 512
    return rows * padded * 144 // 128
