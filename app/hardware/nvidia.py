"""NVIDIA cards as their driver reports them; no driver, no card and a broken library all mean an empty list."""

import contextlib
from collections.abc import Iterator

import pynvml  # type: ignore[import-untyped]

from app.protocol import Device


def nvidia_devices() -> tuple[Device, ...]:
    """The cards the driver knows, whether or not the engine was built for them."""
    try:
        with _library():
            return tuple(_device(index) for index in range(pynvml.nvmlDeviceGetCount()))
    except (pynvml.NVMLError, OSError):
        return ()


@contextlib.contextmanager
def _library() -> Iterator[None]:
    pynvml.nvmlInit()
    try:
        yield
    finally:
        pynvml.nvmlShutdown()


def _device(index: int) -> Device:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    name = pynvml.nvmlDeviceGetName(handle)
    try:
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    except pynvml.NVMLError:
        # Grace and GB10 share the machine's memory, which the driver then does not count.
        return Device(name=_text(name), kind="unified", backend="CUDA")
    return Device(
        name=_text(name),
        kind="discrete",
        backend="CUDA",
        memory_total=int(memory.total),
        memory_free=int(memory.free),
    )


def _text(name: str | bytes) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name
