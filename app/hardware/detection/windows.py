"""Windows' answers: memory and its commit limit, firmware tables, disks, processor and graphics adapters.

Every call is one of the Win32 API's, made through ctypes; what it returns is taken apart by functions of their own.
"""

import ctypes
import platform
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from app.hardware.detection.answers import Answers, DiskAnswer, DxgiAdapter

_FEATURES = {13: "sse3", 36: "ssse3", 39: "avx", 40: "avx2", 41: "avx512f", 19: "neon", 43: "dotprod"}
"""PF_… of IsProcessorFeaturePresent (winnt.h)."""
_REMOTE, _RAM_DISK = 4, 6
_SOFTWARE_ADAPTER = 2
_DESCRIPTION = struct.Struct("<256sIIIIQQQIiI")
"""DXGI_ADAPTER_DESC1 (dxgi.h) in a program of 64 bits."""
_CORES, _CACHES = 0, 2
"""RelationProcessorCore, RelationCache."""


def completed(answers: Answers, folder: Path) -> Answers:
    """The answers with all that only Windows tells."""
    total, available = memory_status(_memory_status())
    cores, performance = core_counts(_processor_information(_CORES))
    return replace(
        answers,
        platform="win32",
        os_name=f"Windows {platform.release()}",
        processor=_processor_name(),
        physical_cores=cores or answers.physical_cores,
        performance_cores=performance or answers.physical_cores,
        features=tuple(name for number, name in _FEATURES.items() if _kernel().IsProcessorFeaturePresent(number)),
        cache_l3=largest_cache(_processor_information(_CACHES)),
        memory_total=total,
        memory_available=available,
        smbios=smbios_tables(_firmware()),
        disk=DiskAnswer(total=answers.disk.total, free=answers.disk.free, kind=_disk_kind(folder)),
    )


def memory_status(status: bytes) -> tuple[int, int]:
    """Total and available bytes of a MEMORYSTATUSEX; without a page file the commit limit is the nearer one."""
    _, _, total, free, _, committable, *_ = struct.unpack("<IIQQQQQQQ", status)
    return total, min(free, committable)


def core_counts(information: bytes) -> tuple[int, int]:
    """Physical cores, and those of the fastest kind, by an array of SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX."""
    classes = [body[1] for relation, body in _relations(information) if relation == _CORES and len(body) > 1]
    return len(classes), classes.count(max(classes, default=0))


def largest_cache(information: bytes) -> int | None:
    """Bytes of the largest cache of the last level, by the same array about caches."""
    caches = [
        (body[0], struct.unpack_from("<I", body, 4)[0])
        for relation, body in _relations(information)
        if relation == _CACHES and len(body) >= 8  # level, ways, line, size
    ]
    return max(caches, default=(0, 0))[1] or None


def _relations(information: bytes) -> Iterator[tuple[int, bytes]]:
    """Each entry's kind and body; an entry states its own length."""
    offset = 0
    while offset + 8 <= len(information):
        relation, size = struct.unpack_from("<II", information, offset)
        if size < 8:  # its own head
            return
        yield relation, information[offset + 8 : offset + size]
        offset += size


def smbios_tables(raw: bytes) -> bytes:
    """The structures in a RawSMBIOSData, without its head of eight bytes."""
    return raw[8 : 8 + struct.unpack_from("<I", raw, 4)[0]] if len(raw) >= 8 else b""


def adapter(description: bytes) -> DxgiAdapter:
    """An adapter from its DXGI_ADAPTER_DESC1."""
    name, vendor, _, _, _, dedicated, _, shared, _, _, flags = _DESCRIPTION.unpack(description[: _DESCRIPTION.size])
    return DxgiAdapter(
        name=name.decode("utf-16-le", "replace").partition("\0")[0],
        vendor_id=vendor,
        dedicated=dedicated,
        shared=shared,
        software=bool(flags & _SOFTWARE_ADAPTER),
    )


def with_budgets(found: DxgiAdapter, local: bytes, shared: bytes) -> DxgiAdapter:
    """With what two DXGI_QUERY_VIDEO_MEMORY_INFO say: of its own memory and of the machine's."""
    budget, usage = struct.unpack("<QQQQ", local)[:2]
    shared_budget, shared_usage = struct.unpack("<QQQQ", shared)[:2]
    return replace(found, budget=budget, usage=usage, shared_budget=shared_budget, shared_usage=shared_usage)


def seek_penalty_kind(descriptor: bytes) -> Literal["ssd", "hdd", "unknown"]:
    """Whether the disk of a DEVICE_SEEK_PENALTY_DESCRIPTOR turns."""
    if len(descriptor) < 9:  # version, size, one truth value
        return "unknown"
    return "hdd" if descriptor[8] else "ssd"


def _kernel() -> Any:
    return getattr(ctypes, "WinDLL")("kernel32")  # noqa: B009 (other systems' ctypes does not have it)


def _memory_status() -> bytes:
    status = ctypes.create_string_buffer(struct.pack("<I", 64) + bytes(60), 64)
    _kernel().GlobalMemoryStatusEx(status)
    return status.raw


def _processor_information(relation: int) -> bytes:
    ask, size = _kernel().GetLogicalProcessorInformationEx, ctypes.c_uint32()
    ask(relation, None, ctypes.byref(size))
    answer = ctypes.create_string_buffer(size.value)
    return answer.raw if ask(relation, answer, ctypes.byref(size)) else b""


def _firmware() -> bytes:
    provider = int.from_bytes(b"RSMB", "big")
    size = _kernel().GetSystemFirmwareTable(provider, 0, None, 0)
    answer = ctypes.create_string_buffer(max(size, 1))
    return answer.raw[:size] if size and _kernel().GetSystemFirmwareTable(provider, 0, answer, size) else b""


def _processor_name() -> str:
    if sys.platform != "win32":
        return ""
    import winreg  # noqa: PLC0415 (Windows only)

    place = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
            return " ".join(str(winreg.QueryValueEx(key, "ProcessorNameString")[0]).split())
    except OSError:
        return platform.processor()


def _disk_kind(folder: Path) -> Literal["ssd", "hdd", "network", "memory", "unknown"]:
    drive = folder.absolute().drive
    if drive.startswith("\\\\"):
        return "network"
    kind = _kernel().GetDriveTypeW(drive + "\\")
    if kind in (_REMOTE, _RAM_DISK):
        return "network" if kind == _REMOTE else "memory"
    return seek_penalty_kind(_seek_penalty(drive))


def _seek_penalty(drive: str) -> bytes:
    """Asks the disk itself; this needs no rights, and no access to its contents."""
    kernel = _kernel()
    kernel.CreateFileW.restype = ctypes.c_void_p
    handle = kernel.CreateFileW(rf"\\.\{drive}", 0, 3, None, 3, 0, None)
    if handle in (None, ctypes.c_void_p(-1).value):
        return b""
    query = ctypes.create_string_buffer(struct.pack("<III", 7, 0, 0), 12)  # StorageDeviceSeekPenaltyProperty
    answer, size = ctypes.create_string_buffer(12), ctypes.c_uint32()
    done = kernel.DeviceIoControl(
        ctypes.c_void_p(handle), 0x2D1400, query, 12, answer, 12, ctypes.byref(size), None
    )  # IOCTL_STORAGE_QUERY_PROPERTY
    kernel.CloseHandle(ctypes.c_void_p(handle))
    return answer.raw[: size.value] if done else b""
