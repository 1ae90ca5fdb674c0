"""A GGUF file in memory: loads it as the load parameters say, and tells what it says about itself."""

import contextlib
import ctypes
import logging
import os
import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from app.backends.llama.binding import buffer_type, device_handle, llama, set_fields
from app.backends.llama.causes import load_cause
from app.backends.llama.engine_log import EngineLog
from app.backends.llama.vocabulary import Vocabulary
from app.errors import AppError
from app.protocol import LoadParams, SplitMode, TensorOverride

ALL_LAYERS = -1
_SPLIT_MODES = {
    SplitMode.NONE: llama.LLAMA_SPLIT_MODE_NONE,
    SplitMode.LAYER: llama.LLAMA_SPLIT_MODE_LAYER,
    SplitMode.ROW: llama.LLAMA_SPLIT_MODE_ROW,
}
_SAMPLING_KEYS = {
    "temperature": b"general.sampling.temp",
    "top_k": b"general.sampling.top_k",
    "top_p": b"general.sampling.top_p",
    "min_p": b"general.sampling.min_p",
    "repeat_penalty": b"general.sampling.penalty_repeat",
}
EXPERTS = r"\.ffn_(up|down|gate|gate_up)_(ch|)exps"
"""The tensors of a layer's experts, as llama.cpp names them (common/arg.cpp)."""

ProgressCheck = Callable[[float], bool]
"""Told the share loaded; returns whether to go on."""

_log = logging.getLogger(__name__)


class _BufferOverride(ctypes.Structure):
    """llama_model_tensor_buft_override, which the binding leaves out."""

    _fields_ = (("pattern", ctypes.c_char_p), ("buffer_type", ctypes.c_void_p))


class Model:
    """A loaded model; `close` frees it. Raises AppError: "model_load_failed", "load_cancelled" or "bad_request"."""

    def __init__(self, path: str, params: LoadParams, on_progress: ProgressCheck, log: EngineLog) -> None:
        self.path = path
        self.name = Path(path).name
        self.log = log
        self._on_progress = on_progress
        self._cancelled = False
        llama.llama_backend_init()
        self.handle = self._load(params)
        self.vocabulary = Vocabulary(self.handle)
        self.trained_context = int(llama.llama_model_n_ctx_train(self.handle))
        self.size = int(llama.llama_model_size(self.handle))
        """Bytes of all weights."""
        self.width = int(llama.llama_model_n_embd(self.handle))
        self.window = int(llama.llama_model_n_swa(self.handle))
        """Tokens a sliding-window layer looks back on; 0 where every layer sees all."""
        self.recurrent = bool(llama.llama_model_is_recurrent(self.handle) or llama.llama_model_is_hybrid(self.handle))
        self.writes = bool(llama.llama_model_has_decoder(self.handle))

    @property
    def device(self) -> str:
        """Where it runs: "CPU", "GPU" or "GPU+CPU"."""
        offloaded, layers = self.log.offloaded()
        return "CPU" if offloaded == 0 else "GPU" if offloaded == layers else "GPU+CPU"

    @property
    def template(self) -> str:
        """The chat template of the file; "" where it has none."""
        return (llama.llama_model_chat_template(self.handle, None) or b"").decode("utf-8", "replace")

    def meta(self, key: str, room: int = 256) -> str:
        """A field of the file's header as text; "" where it is missing."""
        buffer = ctypes.create_string_buffer(room)
        if llama.llama_model_meta_val_str(self.handle, key.encode(), buffer, room) < 0:
            return ""
        return buffer.value.decode("utf-8", "replace")

    @cached_property
    def recommended_sampling(self) -> dict[str, float]:
        """What the file itself recommends (`general.sampling.*`), by our names; empty where it says nothing."""
        found = {}
        for name, key in _SAMPLING_KEYS.items():
            with contextlib.suppress(ValueError):  # a recommendation that is no number is none
                found[name] = float(self.meta(key.decode()))
        return found

    def close(self) -> None:
        llama.llama_model_free(self.handle)

    def load_error(self) -> AppError:
        """Why loading failed, by what llama.cpp said."""
        if self._cancelled:
            return AppError("load_cancelled", model=self.name)
        self.log.write_down()
        cause = load_cause(self.log.last_error(), [line for _, line in self.log.lines])
        return AppError("model_load_failed", model=self.name, reason=cause.reason, detail=cause.detail)

    def _load(self, params: LoadParams) -> llama.llama_model_p:
        layers = ALL_LAYERS if params.gpu_layers is None else params.gpu_layers
        model = self._try(params, layers)
        if model is None and params.gpu_layers is None and llama.llama_supports_gpu_offload() and not self._cancelled:
            _log.warning("loading with a graphics card failed; trying the processor alone")
            model = self._try(params, 0)
        if model is None:
            raise self.load_error()
        return model

    def _try(self, params: LoadParams, gpu_layers: int) -> llama.llama_model_p | None:
        def report(share: float, _data: object) -> bool:
            self._cancelled = not self._on_progress(share)
            return not self._cancelled

        held = Held()
        c_params = llama.llama_model_default_params()
        set_fields(
            c_params,
            load_mode=load_mode(params),
            progress_callback=llama.llama_progress_callback(report),
            **model_fields(params, gpu_layers, held),
        )
        model: llama.llama_model_p | None = llama.llama_model_load_from_file(os.fsencode(self.path), c_params)
        held.clear()
        return model


class Held(list[object]):
    """What C structs point to: it must live until the call has returned."""

    def keep(self, thing: Any) -> Any:
        self.append(thing)
        return thing


def model_fields(params: LoadParams, gpu_layers: int, held: Held) -> dict[str, Any]:
    """The fields of llama_model_params that say where everything goes. Raises AppError("bad_request")."""
    return {
        "n_gpu_layers": gpu_layers,
        "main_gpu": params.main_gpu or 0,
        **_split_fields(params, held),
        **_device_fields(params, gpu_layers, held),
        **_override_fields(params, held),
    }


def load_mode(params: LoadParams) -> int:
    """llama.cpp's way of reading the file for what was asked of mmap and mlock."""
    if params.mmap is None and not params.mlock:
        return int(llama.LLAMA_LOAD_MODE_AUTO)
    if params.mmap is False:
        return int(llama.LLAMA_LOAD_MODE_MLOCK if params.mlock else llama.LLAMA_LOAD_MODE_NONE)
    return int(llama.LLAMA_LOAD_MODE_MMAP_MLOCK if params.mlock else llama.LLAMA_LOAD_MODE_MMAP)


def overrides_of(params: LoadParams) -> tuple[TensorOverride, ...]:
    """The tensors that go elsewhere, those of the experts kept beside the processor included."""
    if not params.cpu_experts:
        return params.tensor_overrides
    layers = "|".join(str(layer) for layer in range(params.cpu_experts))
    return (*params.tensor_overrides, TensorOverride(pattern=rf"blk\.({layers}){EXPERTS}"))


def _split_fields(params: LoadParams, held: Held) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if params.split_mode is not None:
        fields["split_mode"] = _SPLIT_MODES[params.split_mode]
    if params.tensor_split:
        room = int(llama.llama_max_devices())
        if len(params.tensor_split) > room:
            raise AppError("bad_request", reason=f"tensor_split may have {room} shares")
        shares = (ctypes.c_float * room)(*params.tensor_split)
        fields["tensor_split"] = ctypes.cast(held.keep(shares), ctypes.POINTER(ctypes.c_float))
    return fields


def _device_fields(params: LoadParams, gpu_layers: int, held: Held) -> dict[str, Any]:
    if not params.devices and (gpu_layers != 0 or params.tensor_overrides):
        return {}  # of all there are llama.cpp takes its choice
    # Without layers on any, no device is to be used at all: even an unused one takes memory.
    handles = [_device(name) for name in params.devices]
    array = held.keep((ctypes.c_void_p * (len(handles) + 1))(*handles, None))
    return {"devices": ctypes.cast(array, ctypes.c_void_p)}


def _override_fields(params: LoadParams, held: Held) -> dict[str, Any]:
    overrides = overrides_of(params)
    if not overrides:
        return {}
    for override in overrides:
        try:
            re.compile(override.pattern)
        except re.error as error:
            raise AppError("bad_request", reason=f"tensor_overrides: {override.pattern!r}: {error}") from error
    rows = [_BufferOverride(one.pattern.encode(), buffer_type(_device(one.device))) for one in overrides]
    array = held.keep((_BufferOverride * (len(rows) + 1))(*rows, _BufferOverride(None, None)))
    return {"tensor_buft_overrides": ctypes.cast(array, ctypes.c_void_p)}


def _device(name: str) -> int:
    if not (handle := device_handle(name)):
        raise AppError("bad_request", reason=f"there is no device {name!r}")
    return handle
