"""llama.cpp's C functions, and the few of ggml's, loaded without the rest of the llama-cpp-python package.

Importing this module loads the library; ImportError, OSError or RuntimeError say that it is missing or does not fit.
Only worker and probe processes do that.
"""

import ctypes
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

PACKAGE = "llama_cpp"


def _enter_package_unexecuted() -> None:
    """Make the package's submodules importable without running its start.

    That start imports the high-level half (numpy, jinja2, a disk cache): 130 ms and 30 MB that are never used here.
    """
    if PACKAGE in sys.modules:
        return
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None:
        raise ImportError("llama-cpp-python is not installed")
    sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)


_enter_package_unexecuted()

from llama_cpp import llama_cpp as llama  # noqa: E402

__all__ = [
    "GgmlDevice",
    "buffer_type",
    "capture_abort",
    "capture_log",
    "device_handle",
    "devices",
    "flag_callback",
    "llama",
    "set_fields",
    "version",
]

_held_by_c: list[object] = []
"""Callbacks that C code may call at any time: never freed."""

_ABORT_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_char_p)


@dataclass(frozen=True)
class GgmlDevice:
    """A device as ggml reports it: `kind` is ggml_backend_dev_type, memory in bytes."""

    name: str
    description: str
    kind: int
    memory_free: int
    memory_total: int


def set_fields(struct: ctypes.Structure, **values: Any) -> None:
    """Set fields of a C struct by name; ctypes itself takes a misspelt name silently. Raises AttributeError."""
    known = {field[0] for field in type(struct)._fields_}
    for name, value in values.items():
        if name not in known:
            raise AttributeError(f"{type(struct).__name__} has no field {name!r}")
        setattr(struct, name, value)


def capture_log(receive: Callable[[int, str], None]) -> None:
    """Give every piece of llama.cpp's log to `receive(level, text)` from now on."""

    def forward(level: int, text: bytes, _data: object) -> None:
        receive(level, text.decode("utf-8", "replace"))

    callback = llama.llama_log_callback(forward)
    llama.llama_log_set(callback, ctypes.c_void_p(0))
    _held_by_c.append(callback)


def capture_abort(receive: Callable[[str], None]) -> None:
    """Give the text of a failed assertion to `receive` before the process aborts."""

    def forward(message: bytes | None) -> None:
        receive((message or b"").decode("utf-8", "replace"))

    callback = _ABORT_CALLBACK(forward)
    _ggml("ggml_set_abort_callback", None, _ABORT_CALLBACK)(callback)
    _held_by_c.append(callback)


def devices() -> list[GgmlDevice]:
    """Every device ggml can use, the processor too. May hang or crash with a broken driver: call it in a probe."""
    count = _ggml("ggml_backend_dev_count", ctypes.c_size_t)
    if count() == 0:
        _ggml("ggml_backend_load_all", None)()
    get = _ggml("ggml_backend_dev_get", ctypes.c_void_p, ctypes.c_size_t)
    return [_device(get(index)) for index in range(count())]


def device_handle(name: str) -> int:
    """The device of that name ("CPU", "CUDA0" …); 0 where there is none."""
    if _ggml("ggml_backend_dev_count", ctypes.c_size_t)() == 0:
        _ggml("ggml_backend_load_all", None)()
    return _ggml("ggml_backend_dev_by_name", ctypes.c_void_p, ctypes.c_char_p)(name.encode()) or 0


def buffer_type(device: int) -> int:
    """The kind of memory tensors have on that device."""
    return int(_ggml("ggml_backend_dev_buffer_type", ctypes.c_void_p, ctypes.c_void_p)(device))


def flag_callback() -> Any:
    """An abort callback that says yes once the byte its data points to is not zero, and takes no lock to do so.

    It is the C library's `strlen`: the length of the text at that address, 0 or 1. A Python function here would be
    called between any two steps of the graph and wait for the interpreter each time.
    """
    library = ctypes.CDLL("msvcrt") if sys.platform == "win32" else ctypes.CDLL(None)
    return ctypes.cast(library.strlen, llama.ggml_abort_callback)


def version() -> str:
    """The version of llama.cpp."""
    return str(llama.llama_version().decode())


def _device(handle: int) -> GgmlDevice:
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    size_pointer = ctypes.POINTER(ctypes.c_size_t)
    _ggml("ggml_backend_dev_memory", None, ctypes.c_void_p, size_pointer, size_pointer)(handle, free, total)
    return GgmlDevice(
        name=_ggml("ggml_backend_dev_name", ctypes.c_char_p, ctypes.c_void_p)(handle).decode("utf-8", "replace"),
        description=_ggml("ggml_backend_dev_description", ctypes.c_char_p, ctypes.c_void_p)(handle).decode(
            "utf-8", "replace"
        ),
        kind=_ggml("ggml_backend_dev_type", ctypes.c_int, ctypes.c_void_p)(handle),
        memory_free=free.value,
        memory_total=total.value,
    )


@cache
def _ggml(name: str, result: Any, *arguments: Any) -> Any:
    """A function of ggml with its types set.

    Looked up through libllama's own handle, which also searches the libraries it was linked with: opening ggml's file
    by path can load a second copy of it. Windows searches one library only, and knows a loaded one by its bare name.
    """
    for library in _ggml_libraries():
        if (function := getattr(library, name, None)) is not None:
            function.argtypes, function.restype = list(arguments), result
            return function
    raise ImportError(f"this build of llama.cpp has no {name}")


@cache
def _ggml_libraries() -> tuple[ctypes.CDLL, ...]:
    if sys.platform != "win32":
        return (llama._lib,)
    return (llama._lib, ctypes.CDLL("ggml-base.dll"), ctypes.CDLL("ggml.dll"))
