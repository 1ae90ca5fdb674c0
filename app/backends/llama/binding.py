"""llama.cpp's C functions, and the few of ggml's, loaded without the rest of the llama-cpp-python package.

Importing this module loads the library; ImportError, OSError or RuntimeError say that it is missing or does not fit.
Only worker and probe processes do that.
"""

import contextlib
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
    "backend_devices",
    "backend_features",
    "buffer_type",
    "built_backends",
    "capture_abort",
    "capture_log",
    "cpu_devices",
    "cuda_runtime",
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
    device_id: str = ""
    """Its place on the PCI bus, where ggml knows it."""


class _DeviceProps(ctypes.Structure):
    """ggml_backend_dev_props (ggml-backend.h); its capabilities are four or five truth values at the end."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("description", ctypes.c_char_p),
        ("memory_free", ctypes.c_size_t),
        ("memory_total", ctypes.c_size_t),
        ("type", ctypes.c_int),
        ("device_id", ctypes.c_char_p),
        ("caps", ctypes.c_bool * 16),
    )


class _Feature(ctypes.Structure):
    """ggml_backend_feature; an array of them ends with one without a name."""

    _fields_ = (("name", ctypes.c_char_p), ("value", ctypes.c_char_p))


_REGISTRATIONS = {
    "CUDA": "ggml_backend_cuda_reg",
    "ROCm": "ggml_backend_cuda_reg",
    "Vulkan": "ggml_backend_vk_reg",
    "Metal": "ggml_backend_metal_reg",
    "SYCL": "ggml_backend_sycl_reg",
    "OpenCL": "ggml_backend_opencl_reg",
    "CANN": "ggml_backend_cann_reg",
}
"""The function that stands for each backend for GPUs; ROCm's is built from CUDA's sources and has its name."""


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


def built_backends() -> list[str]:
    """The backends for GPUs in this build; asking for them starts no driver."""
    other = "CUDA" if _is_rocm() else "ROCm"
    return [name for name, function in _REGISTRATIONS.items() if name != other and _exists(function)]


def backend_devices(backend: str) -> list[GgmlDevice]:
    """The devices of one of the `built_backends`, no other driver touched. May hang or crash like `devices`."""
    register = _ggml(_REGISTRATIONS[backend], ctypes.c_void_p)()
    count = _ggml("ggml_backend_reg_dev_count", ctypes.c_size_t, ctypes.c_void_p)(register)
    get = _ggml("ggml_backend_reg_dev_get", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    return [_device(get(register, index)) for index in range(count)]


def cpu_devices() -> list[GgmlDevice]:
    """The processor as ggml sees it."""
    register = _ggml("ggml_backend_cpu_reg", ctypes.c_void_p)()
    get = _ggml("ggml_backend_reg_dev_get", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    return [_device(get(register, 0))]


def cuda_runtime() -> int | None:
    """The version of CUDA this build was made for (12040 for 12.4); None without it, or where it is linked in."""
    if not _exists("cudaRuntimeGetVersion"):
        return None
    version = ctypes.c_int()
    failed = _ggml("cudaRuntimeGetVersion", ctypes.c_int, ctypes.POINTER(ctypes.c_int))(version)
    return None if failed else version.value


def backend_features(backend: str) -> dict[str, str]:
    """What one of the `built_backends` was compiled for, such as "ARCHS": "610,700,860" of CUDA."""
    register = _ggml(_REGISTRATIONS[backend], ctypes.c_void_p)()
    find = _ggml("ggml_backend_reg_get_proc_address", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)
    if not (address := find(register, b"ggml_backend_get_features")):
        return {}
    features = ctypes.CFUNCTYPE(ctypes.POINTER(_Feature), ctypes.c_void_p)(address)(register)
    found: dict[str, str] = {}
    while features and (entry := features[len(found)]).name:
        found[_text(entry.name)] = _text(entry.value)
    return found


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
    props = _DeviceProps()
    _ggml("ggml_backend_dev_get_props", None, ctypes.c_void_p, ctypes.POINTER(_DeviceProps))(handle, props)
    return GgmlDevice(
        name=_text(props.name),
        description=_text(props.description),
        kind=props.type,
        memory_free=props.memory_free,
        memory_total=props.memory_total,
        device_id=_text(props.device_id),
    )


def _text(words: bytes | None) -> str:
    return (words or b"").decode("utf-8", "replace")


def _is_rocm() -> bool:
    """Whether the build is for AMD's libraries where it has CUDA's functions."""
    if sys.platform == "win32":
        return any(library._name == "ggml-hip.dll" for library in _ggml_libraries())
    return _exists("hipGetDeviceCount")


def _exists(function: str) -> bool:
    return any(hasattr(library, function) for library in _ggml_libraries())


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
    found = [llama._lib, ctypes.CDLL("ggml-base.dll"), ctypes.CDLL("ggml.dll")]
    for part in ("cpu", "cuda", "hip", "vulkan", "sycl", "opencl"):
        with contextlib.suppress(OSError):
            found.append(ctypes.CDLL(f"ggml-{part}.dll"))
    return tuple(found)
