"""LoRA adapters of a model: loaded with it, and mixed for each request by scale."""

import ctypes
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.backends.llama.binding import llama
from app.backends.llama.context import Context
from app.backends.llama.model import Model
from app.errors import AppError
from app.hardware.gguf import read_header
from app.protocol.worker import LoraScale

_ERROR = 4


class Adapters:
    """The adapters at these paths, for that model. Load them before any context is made: it plans for them.

    They are freed with the model. Raises AppError("adapter_unfit") or, for a damaged file, "model_broken".
    """

    def __init__(self, model: Model, paths: Sequence[str]) -> None:
        self._handles = [_load(model, Path(path)) for path in paths]

    def __len__(self) -> int:
        return len(self._handles)

    def key(self, scales: Sequence[LoraScale]) -> str:
        """Names a mixture: only requests with the same one may share a batch or a KV state; "" for none.

        Raises AppError("bad_request") for an adapter that is not there or a scale that is no number.
        """
        return ",".join(f"{index}:{scale:g}" for index, scale in self._mixture(scales))

    def apply(self, context: Context, scales: Sequence[LoraScale]) -> None:
        """Compute with this mixture from the next step on. Costs next to nothing where it is in use already.

        Raises AppError("generation_failed") where llama.cpp refuses it.
        """
        mixture = self._mixture(scales)
        handles = (llama.llama_adapter_lora_p_ctypes * len(mixture))()
        handles[:] = [self._handles[index] for index, _ in mixture]
        numbers = (ctypes.c_float * len(mixture))(*(scale for _, scale in mixture))
        if llama.llama_set_adapters_lora(context.handle, handles, len(mixture), numbers) != 0:
            raise AppError("generation_failed", reason="adapters_refused")

    def _mixture(self, scales: Sequence[LoraScale]) -> list[tuple[int, float]]:
        """(index, scale) of all that have an effect, in order; the last word on an adapter counts."""
        chosen: dict[int, float] = {}
        for one in scales:
            if not 0 <= one.index < len(self._handles):
                raise AppError("bad_request", reason=f"loras: there is no adapter {one.index}")
            if not math.isfinite(one.scale):
                raise AppError("bad_request", reason=f"loras: {one.scale} is no scale")
            chosen[one.index] = one.scale
        return sorted((index, scale) for index, scale in chosen.items() if scale)


def _load(model: Model, path: Path) -> Any:
    _check_header(path)
    handle = llama.llama_adapter_lora_init(model.handle, os.fsencode(path))
    if not handle:
        raise _unfit(path, _complaint(model))
    if llama.llama_adapter_get_alora_n_invocation_tokens(handle):
        raise AppError("adapter_unfit", adapter=path.name, reason="adapter_needs_invocation")
    return handle


def _check_header(path: Path) -> None:
    """llama.cpp takes fields of a wrong type for a fault of its own and aborts: look first."""
    header = read_header(path)
    if header.kind != "adapter" or header.text("adapter.type") != "lora":
        raise AppError("adapter_unfit", adapter=path.name, reason="adapter_of_other_kind")
    alpha = header.metadata.get("adapter.lora.alpha", 0.0)
    if not isinstance(alpha, float):
        raise _unfit(path, "adapter.lora.alpha")


def _complaint(model: Model) -> str:
    """What llama.cpp said about it."""
    lines = [line for level, line in model.log.lines if level >= _ERROR and "lora" in line]
    return lines[-1].rpartition("lora adapter: ")[2] if lines else ""


def _unfit(path: Path, detail: str) -> AppError:
    return AppError("adapter_unfit", adapter=path.name, reason="adapter_for_other_model", detail=detail)
