"""What llama.cpp says of the memory it takes: lines about buffers, added up by device and purpose."""

import re
from collections.abc import Iterable

from app.protocol import CPU, MemoryUse

_MIB = 1024**2
_LINE = re.compile(r"(?P<buffer>\S+)\s+(?P<purpose>model|KV|RS|compute|output) buffer size\s*=\s*(?P<size>[\d.]+) MiB")
_PARTS = {"model": "weights", "KV": "cache", "RS": "state", "compute": "compute", "output": "output"}
_REPACKED = "CPU_REPACK"
_BESIDE_PROCESSOR = ("CPU", "BLAS")


def buffers_of(lines: Iterable[str]) -> tuple[MemoryUse, ...]:
    """What each device holds, the machine's memory last. A model loaded after another one's caches drafts for it."""
    parts: dict[str, dict[str, int]] = {CPU: {}}
    caches_seen = drafts = False
    for line in lines:
        if (match := _LINE.search(line)) is None:
            continue
        purpose, size = match["purpose"], round(float(match["size"]) * _MIB)
        drafts = drafts or (purpose == "model" and caches_seen)
        caches_seen = caches_seen or purpose == "compute"
        device = parts.setdefault(device_of(match["buffer"]), {})
        part = "draft" if drafts else _PARTS[purpose]
        device[part] = device.get(part, 0) + size
        if match["buffer"] == _REPACKED and not drafts:
            device["repacked"] = device.get("repacked", 0) + size
    beside = parts.pop(CPU)
    return tuple(MemoryUse(device=name, **found) for name, found in [*parts.items(), (CPU, beside)])


def device_of(buffer: str) -> str:
    """The device whose memory a kind of buffer lies in: CUDA0_Split is CUDA0's, CUDA_Host the machine's."""
    name, _, kind = buffer.partition("_")
    return CPU if kind == "Host" or name in _BESIDE_PROCESSOR else name
