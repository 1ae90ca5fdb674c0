"""Asks NVIDIA's driver through NVML; it can hang where the driver is broken, so detection does it in a probe."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pynvml  # type: ignore[import-untyped]
from msgspec.structs import replace

from app.hardware.detection.answers import NvmlAnswers, NvmlCard, NvmlProcess, NvmlSlice

_T = TypeVar("_T")
_TRACES = (
    *("dev/nvidiactl", "proc/driver/nvidia", "usr/lib/wsl/lib/libnvidia-ml.so.1"),
    *("Windows/System32/nvml.dll", "Windows/System32/nvidia-smi.exe"),
)
_ABSENT = (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_DRIVER_NOT_LOADED)


def driver_is_here(root: Path = Path("/")) -> bool:
    """Whether there are traces of the driver: without any there is nobody to ask."""
    return any((root / trace).exists() for trace in _TRACES)


def ask_nvml() -> NvmlAnswers:
    """Everything the driver knows of its cards; a driver that is not there or fails is said in `fault`."""
    try:
        with library():
            return NvmlAnswers(
                driver=_text(pynvml.nvmlSystemGetDriverVersion()),
                cuda=_told(pynvml.nvmlSystemGetCudaDriverVersion_v2),
                cards=tuple(_card(index) for index in range(pynvml.nvmlDeviceGetCount())),
            )
    except pynvml.NVMLError as error:
        return NvmlAnswers(fault="" if error.value in _ABSENT else str(error))
    except OSError as error:
        return NvmlAnswers(fault=str(error))


@contextlib.contextmanager
def library() -> Iterator[None]:
    """NVML, opened. Raises NVMLError."""
    pynvml.nvmlInit()
    try:
        yield
    finally:
        pynvml.nvmlShutdown()


def memory_of(pci_id: str) -> NvmlCard:
    """Memory and processes of the card at that place; `library` is open. Raises NVMLError."""
    return _memory(pynvml.nvmlDeviceGetHandleByPciBusId(pci_id.encode()), NvmlCard(name="", pci_id=pci_id))


def _card(index: int) -> NvmlCard:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    capability = _told(pynvml.nvmlDeviceGetCudaComputeCapability, handle)
    attributes = _told(pynvml.nvmlDeviceGetAttributes_v2, handle)
    return _memory(
        handle,
        NvmlCard(
            name=_text(pynvml.nvmlDeviceGetName(handle)),
            pci_id=pci_place(_text(pynvml.nvmlDeviceGetPciInfo(handle).busId)),
            bus_width=_told(pynvml.nvmlDeviceGetMemoryBusWidth, handle),
            memory_clock=_told(pynvml.nvmlDeviceGetMaxClockInfo, handle, pynvml.NVML_CLOCK_MEM),
            cores=_told(pynvml.nvmlDeviceGetNumGpuCores, handle),
            clock=_told(pynvml.nvmlDeviceGetMaxClockInfo, handle, pynvml.NVML_CLOCK_SM),
            capability="{}.{}".format(*capability) if capability else "",
            multiprocessors=attributes.multiprocessorCount if attributes else None,
            slices=tuple(_slices(handle)),
        ),
    )


def _memory(handle: Any, card: NvmlCard) -> NvmlCard:
    """The card with its memory: the second version of the question knows what the driver keeps for itself."""
    memory = _told(pynvml.nvmlDeviceGetMemoryInfo, handle, pynvml.nvmlMemory_v2) or _told(
        pynvml.nvmlDeviceGetMemoryInfo, handle
    )
    return replace(
        card,
        memory_total=int(memory.total) if memory else None,
        memory_free=int(memory.free) if memory else None,
        memory_used=int(memory.used) if memory else None,
        processes=_processes(handle),
    )


def _slices(handle: Any) -> Iterator[NvmlSlice]:
    """The MIG instances of a card that is cut into some."""
    mode = _told(pynvml.nvmlDeviceGetMigMode, handle)
    if not mode or mode[0] != pynvml.NVML_DEVICE_MIG_ENABLE:
        return
    for index in range(_told(pynvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0):
        part = _told(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, index)
        memory = _told(pynvml.nvmlDeviceGetMemoryInfo, part) if part is not None else None
        if part is None or memory is None:
            continue
        attributes = _told(pynvml.nvmlDeviceGetAttributes_v2, part)
        yield NvmlSlice(
            name=_text(pynvml.nvmlDeviceGetName(part)),
            memory_total=int(memory.total),
            memory_free=int(memory.free),
            multiprocessors=attributes.multiprocessorCount if attributes else None,
        )


def _processes(handle: Any) -> tuple[NvmlProcess, ...] | None:
    """Who has memory of the card, for CUDA or for Vulkan; who uses both is in both lists with the same figure."""
    computing = _told(pynvml.nvmlDeviceGetComputeRunningProcesses, handle)
    drawing = _told(pynvml.nvmlDeviceGetGraphicsRunningProcesses, handle)
    if computing is None and drawing is None:
        return None
    found = {process.pid: process.usedGpuMemory for process in (*(drawing or ()), *(computing or ()))}
    return tuple(NvmlProcess(pid=pid, used=used) for pid, used in found.items())


def pci_place(bus_id: str) -> str:
    """ "00000000:01:00.0" as Linux and ggml write it: four digits of domain, lower case."""
    domain, colon, rest = bus_id.casefold().partition(":")
    return f"{domain[-4:]}{colon}{rest}"


def _told(question: Callable[..., _T], *arguments: Any) -> _T | None:
    """The driver's answer; None where this card or driver does not know."""
    try:
        return question(*arguments)
    except (pynvml.NVMLError, AttributeError):
        return None


def _text(name: str | bytes) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name
