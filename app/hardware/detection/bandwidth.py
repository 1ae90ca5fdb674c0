"""How fast this machine's memory is read, measured in a tenth of a second and remembered."""

import ctypes
import mmap
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from app.errors import AppError
from app.files import make_folder, write_atomically
from app.protocol import Wire

_MIB = 1024**2
_LEAST, _MOST = 64 * _MIB, 512 * _MIB
_CACHES = 2
"""So many times what the caches hold is read, so that they hold little of it."""
_SHARE_OF_FREE = 4
_THREADS = 8
"""More do not read faster; a single one does not reach what the memory gives."""
_TIME_S = 0.06
_TIMES = 3
"""So often it is measured: a machine that was busy the first time is not called slow for ever."""


class _Remembered(Wire, frozen=True):
    """The measurement and the machine it is of."""

    processor: str
    ram_total: int
    bandwidth: float
    times: int = 1


def ram_bandwidth(
    cache: Path, processor: str, ram_total: int, ram_available: int, cores: int, cache_l3: int
) -> float | None:
    """Bytes a second: the best of a few measurements, of which one is made now unless all have been.

    None where the caches are too large for the memory that may be taken to measure with.
    """
    file = cache / "memory_speed.json"
    try:
        known = msgspec.json.decode(file.read_bytes(), type=_Remembered)
    except (OSError, msgspec.MsgspecError):
        known = None
    if known is None or (known.processor, known.ram_total) != (processor, ram_total):
        known = _Remembered(processor, ram_total, 0.0, 0)
    size = max(_LEAST, _CACHES * cache_l3)
    if known.times >= _TIMES or size > min(_MOST, ram_available // _SHARE_OF_FREE):
        return known.bandwidth or None
    found = measured(size, min(max(cores, 1), _THREADS)) or 0.0
    best = max(found, known.bandwidth)
    _remember(file, replace(known, bandwidth=best, times=known.times + 1))
    return best or None


def measured(size: int, threads: int, limit_s: float = _TIME_S) -> float | None:
    """Bytes a second that so many threads read together from `size` bytes; the best of several passes.

    The C library's `memchr` looks for a byte that is not there: it reads everything, and lets other threads run.
    """
    library = ctypes.CDLL("msvcrt") if sys.platform == "win32" else ctypes.CDLL(None)
    search = library.memchr
    search.argtypes, search.restype = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t], ctypes.c_void_p
    part = size // threads
    try:
        buffers = [(ctypes.c_char * part).from_buffer(mmap.mmap(-1, part)) for _ in range(threads)]
    except (MemoryError, OSError):
        return None
    _together([(ctypes.memset, (buffer, 1, part)) for buffer in buffers])  # else all pages are one page of zeros
    best, end = 0.0, time.perf_counter() + limit_s
    while True:
        start = time.perf_counter()
        _together([(search, (buffer, 0, part)) for buffer in buffers])
        now = time.perf_counter()
        best = max(best, part * threads / max(now - start, 1e-9))
        if now >= end:
            return best


def _together(calls: Iterable[tuple[Callable[..., object], tuple[object, ...]]]) -> None:
    threads = [threading.Thread(target=call, args=arguments) for call, arguments in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _remember(file: Path, found: _Remembered) -> None:
    """Not being able to is no harm: it is measured again next time."""
    try:
        make_folder(file.parent)
        write_atomically(file, msgspec.json.encode(found))
    except (AppError, OSError):
        return
