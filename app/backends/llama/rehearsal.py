"""Loads the header of a model without its weights, so that llama.cpp itself says what the model would take.

Runs in a probe process. With `no_alloc` llama.cpp plans caches and graphs as for a real load, but takes no memory for
weights and caches (recurrent states it really takes). What it found out it only writes into its log.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.backends.llama.binding import capture_log, llama, set_fields
from app.backends.llama.causes import load_cause
from app.backends.llama.context_fields import context_fields
from app.backends.llama.model import ALL_LAYERS, Held, model_fields
from app.backends.rehearsal import RehearsalRequest, Rehearsed
from app.errors import AppError
from app.hardware.defaults import context_of, default_slots, outputs_of
from app.hardware.gguf_hollow import write_hollow
from app.protocol import CPU, LoadParams, MemoryUse

_MIB = 1024**2
_ERROR = 4
_LAYER = re.compile(r"load_tensors: layer +(\d+) assigned to device (\S+), ")
_CACHE_LAYER = re.compile(r"llama_kv_cache: layer +\d+: dev = (\S+)")
_CACHE = re.compile(r"llama_kv_cache: size = +([\d.]+) MiB")
_STATE = re.compile(r"llama_memory_recurrent: +(\S+) RS buffer size = +([\d.]+) MiB")
_COMPUTE = re.compile(r"sched_reserve: +(\S+) compute buffer size = +([\d.]+) MiB")
_OUTPUT = re.compile(r"(\S+) +output buffer size = +([\d.]+) MiB")
_HOST_MEMORY = ("CPU", "CPU_Mapped", "CPU_REPACK")


class _Log:
    """What llama.cpp wrote since `clear`, line by line with its level."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []
        self._rest, self._level = "", 0
        capture_log(self._receive)

    def clear(self) -> None:
        self.lines.clear()

    def error(self, name: str) -> AppError:
        """Why nothing came of it."""
        said = [line for level, line in self.lines if level >= _ERROR]
        telling = next((line for line in said if "error" in line), said[0] if said else "")
        cause = load_cause(telling.rpartition("error loading model: ")[2], [line for _, line in self.lines])
        return AppError("model_load_failed", model=name, reason=cause.reason, detail=cause.detail)

    def _receive(self, level: int, text: str) -> None:
        if level in (1, 2, 3, 4):
            self._level = level
        *lines, self._rest = (self._rest + text).split("\n")
        self.lines += [(self._level, line) for line in lines if line]


def rehearse(request: RehearsalRequest) -> tuple[Rehearsed, ...]:
    """What each of those ways to load would take. Raises AppError: "model_load_failed" or "bad_request"."""
    llama.llama_backend_init()
    log = _Log()
    path = Path(request.folder) / "hollow.gguf"
    write_hollow(request.header, request.data_size, path)
    return tuple(_rehearsals(path, request, log))


def _rehearsals(path: Path, request: RehearsalRequest, log: _Log) -> Iterator[Rehearsed]:
    """One after the other; the model is loaded anew where it would lie elsewhere."""
    model: llama.llama_model_p | None = None
    layers: tuple[str, ...] = ()
    loaded: LoadParams | None = None
    for params in request.params:
        if model is None or loaded is None or _placing(params) != _placing(loaded):
            if model is not None:
                llama.llama_model_free(model)
            model, layers = _load(path, params, request.name, log)
            loaded = params
        memory = _uses(_open(model, params, request.name, log))
        yield Rehearsed(model_size=int(llama.llama_model_size(model)), layers=layers, memory=memory)
    if model is not None:
        llama.llama_model_free(model)


def _placing(params: LoadParams) -> tuple[object, ...]:
    """What decides where a model lies."""
    split = (params.tensor_split, params.split_mode, params.main_gpu, params.devices)
    return (params.gpu_layers, params.cpu_experts, params.tensor_overrides, *split)


def _load(path: Path, params: LoadParams, name: str, log: _Log) -> tuple[llama.llama_model_p, tuple[str, ...]]:
    """The model without weights, and the device of each layer, the output last."""
    log.clear()
    held = Held()
    c_params = llama.llama_model_default_params()
    layers = ALL_LAYERS if params.gpu_layers is None else params.gpu_layers
    set_fields(
        c_params,
        no_alloc=True,
        load_mode=int(llama.LLAMA_LOAD_MODE_NONE),  # a file of holes is not mapped, and must not be
        **model_fields(params, layers, held),
    )
    model = llama.llama_model_load_from_file(os.fsencode(path), c_params)
    held.clear()
    if model is None:
        raise log.error(name)
    places = {int(match[1]): match[2] for _, line in log.lines if (match := _LAYER.search(line))}
    return model, tuple(places[index] for index in sorted(places))


def _open(model: llama.llama_model_p, params: LoadParams, name: str, log: _Log) -> list[str]:
    """What llama.cpp said while it made a context as the engine would."""
    slots = params.slots or default_slots(int(llama.llama_model_size(model)))
    c_params = llama.llama_context_default_params()
    length = context_of(params, int(llama.llama_model_n_ctx_train(model)) or None)
    set_fields(c_params, n_ctx=length, **context_fields(params, slots, outputs_of(slots)))
    log.clear()
    context = llama.llama_init_from_model(model, c_params)
    if context is None:
        raise log.error(name)
    lines = [line for _, line in log.lines]
    llama.llama_free(context)
    return lines


def _uses(lines: Iterable[str]) -> tuple[MemoryUse, ...]:
    """The parts of each device's memory that those lines tell of."""
    parts: dict[str, dict[str, float]] = {CPU: {}}
    keepers: list[str] = []

    def add(buffer: str, part: str, mib: str | float) -> None:
        own = parts.setdefault(_device_of(buffer), {})
        own[part] = own.get(part, 0.0) + float(mib)

    for line in lines:
        if match := _CACHE_LAYER.search(line):
            keepers.append(match[1])
        elif match := _CACHE.search(line):
            for device in set(keepers) or {
                CPU
            }:  # llama.cpp tells the sum; layers of one cache are alike, nearly always
                add(device, "cache", float(match[1]) * (keepers.count(device) / len(keepers) if keepers else 1.0))
            keepers = []
        elif match := _STATE.search(line):
            add(match[1], "state", match[2])
        elif match := _COMPUTE.search(line):
            add(match[1], "compute", match[2])
        elif match := _OUTPUT.search(line):
            add(match[1], "output", match[2])
    return tuple(_use(device, own) for device, own in sorted(parts.items(), key=lambda item: item[0] == CPU))


def _use(device: str, parts: dict[str, float]) -> MemoryUse:
    sizes = {part: round(mib * _MIB) for part, mib in parts.items()}
    return MemoryUse(device=device, **sizes)


def _device_of(buffer: str) -> str:
    """The device a buffer lies on: "CUDA_Host" is memory of the machine."""
    return CPU if buffer in _HOST_MEMORY or buffer.endswith("_Host") else buffer
