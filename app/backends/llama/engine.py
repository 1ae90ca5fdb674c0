"""One model in memory: loads a GGUF file, reads prompts into its KV cache and decodes a token at a time.

Positions are counted in tokens from the beginning of the one sequence the cache holds.
"""

import contextlib
import ctypes
import logging
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import takewhile
from pathlib import Path

import psutil

from app.backends.llama.binding import capture_log, llama, set_fields
from app.backends.llama.vocabulary import Vocabulary
from app.errors import AppError
from app.hardware.memory import DEFAULT_CONTEXT
from app.protocol import LoadParams

SMALLEST_CONTEXT = 512
BATCH = 512
"""Tokens read at once: llama.cpp's own size of a physical batch."""
CPU_CHUNK = 128
"""Tokens read between two reports on a processor, which needs seconds for this many with a large model."""

ONE_THREAD_BYTES = 32 * 1024 * 1024
"""Weights below this are decoded by one thread: meeting at every step costs several more than they save."""

_ALL_LAYERS = -1
_SEQUENCE = 0
_DECODE_NO_ROOM, _DECODE_ABORTED = 1, 2
_WARNING = 3
_LOG_LINES = 400
_OFFLOADED = re.compile(r"offloaded (\d+)/(\d+) layers")

_SAMPLING_KEYS = {
    "temperature": b"general.sampling.temp",
    "top_k": b"general.sampling.top_k",
    "top_p": b"general.sampling.top_p",
    "min_p": b"general.sampling.min_p",
    "repeat_penalty": b"general.sampling.penalty_repeat",
}

_log = logging.getLogger(__name__)


class EngineLog:
    """The last lines llama.cpp wrote; warnings and errors also go to the log file."""

    def __init__(self) -> None:
        self.lines: deque[tuple[int, str]] = deque(maxlen=_LOG_LINES)
        self._rest = ""
        self._level = 0
        capture_log(self._receive)

    def last_error(self) -> str:
        """The most telling line about what went wrong; "" if nothing was said."""
        errors = [line for level, line in self.lines if level > _WARNING]
        telling = [line for line in errors if "error" in line] or errors
        return telling[0].rpartition("error loading model: ")[2] if telling else ""

    def offloaded(self) -> tuple[int, int]:
        """(layers on graphics cards, layers in all) of the model loaded last."""
        for _, line in reversed(self.lines):
            if match := _OFFLOADED.search(line):
                return int(match[1]), int(match[2])
        return 0, 0

    def _receive(self, level: int, text: str) -> None:
        if level in (1, 2, 3, 4):
            self._level = level
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if line.strip():
                self.lines.append((self._level, line))
                if self._level >= _WARNING:
                    _log.warning("llama.cpp: %s", line)


class Engine:
    """A loaded model with its KV cache. Used by one thread; `close` frees everything.

    `on_progress` is told the share loaded and returns whether to go on.
    Raises AppError: "model_load_failed" or "load_cancelled".
    """

    def __init__(self, path: str, params: LoadParams, on_progress: Callable[[float], bool]) -> None:
        started = time.perf_counter()
        self._name = Path(path).name
        self._log = EngineLog()
        self._cancelled = False
        llama.llama_backend_init()
        self._model = self._load_model(path, params, on_progress)
        self.vocabulary = Vocabulary(self._model)
        self._context = self._make_context(params)
        self._memory = llama.llama_get_memory(self._context)
        self._held: list[int] = []
        """The tokens the KV cache holds, in order."""
        self._abort_check: Callable[[], bool] = lambda: False
        self._abort_callback = llama.ggml_abort_callback(lambda _data: self._abort_check())
        self.load_s = time.perf_counter() - started

    @property
    def device(self) -> str:
        """Where it runs: "CPU", "GPU" or "GPU+CPU"."""
        offloaded, layers = self._log.offloaded()
        return "CPU" if offloaded == 0 else "GPU" if offloaded == layers else "GPU+CPU"

    @property
    def template(self) -> str:
        """The chat template of the file; "" where it has none."""
        return (llama.llama_model_chat_template(self._model, None) or b"").decode("utf-8", "replace")

    @cached_property
    def recommended_sampling(self) -> dict[str, float]:
        """What the file itself recommends (`general.sampling.*`), by our names; empty where it says nothing."""
        found = {}
        for name, key in _SAMPLING_KEYS.items():
            buffer = ctypes.create_string_buffer(64)
            if llama.llama_model_meta_val_str(self._model, key, buffer, len(buffer)) >= 0:
                with contextlib.suppress(ValueError):  # a recommendation that is no number is none
                    found[name] = float(buffer.value)
        return found

    @property
    def context(self) -> llama.llama_context_p:
        return self._context

    def close(self) -> None:
        llama.llama_free(self._context)
        llama.llama_model_free(self._model)

    # ------------------------------------------------------------ reading and decoding

    def prefill(self, tokens: Sequence[int], stopped: Callable[[], bool]) -> Iterator[int]:
        """Read the prompt, reusing what the cache holds of it; yields how many tokens are read, first those reused.

        Ends early, between two tokens of output at most, once `stopped` says so. Raises AppError("generation_failed").
        """
        done = self._rewind(min(self._shared_length(tokens), len(tokens) - 1))
        yield done
        chunk = CPU_CHUNK if self.device == "CPU" else BATCH
        self._watch(stopped)
        try:
            while done < len(tokens) and not stopped():
                if not self._decode(tokens[done : done + chunk]):
                    return
                done = len(self._held)
                yield done
        finally:
            self._watch(None)

    def append(self, token: int) -> None:
        """Read one token of the answer, so that the next can be sampled. Raises AppError("generation_failed")."""
        self._decode([token])

    def _decode(self, tokens: Sequence[int]) -> bool:
        """Put the tokens at the end of the sequence; False if it was aborted, and then nothing has changed."""
        array = (llama.llama_token * len(tokens))(*tokens)
        code = llama.llama_decode(self._context, llama.llama_batch_get_one(array, len(tokens)))
        if code == 0:
            self._held.extend(tokens)
            return True
        self._rewind(len(self._held))
        if code == _DECODE_ABORTED:
            return False
        reason = "cache_full" if code == _DECODE_NO_ROOM else f"llama_decode returned {code}"
        raise AppError("generation_failed", reason=reason)

    def _shared_length(self, tokens: Sequence[int]) -> int:
        pairs = zip(self._held, tokens, strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    def _rewind(self, length: int) -> int:
        """Forget the tokens from that position on; returns the length kept, 0 where a model cannot go back in part."""
        if not llama.llama_memory_seq_rm(self._memory, _SEQUENCE, length, -1):
            llama.llama_memory_seq_rm(self._memory, _SEQUENCE, -1, -1)
            length = 0
        del self._held[length:]
        return length

    def _watch(self, stopped: Callable[[], bool] | None) -> None:
        """Let llama.cpp ask between two steps of its graph whether to go on (honoured on processors)."""
        self._abort_check = stopped or (lambda: False)
        callback = self._abort_callback if stopped else llama.ggml_abort_callback()
        llama.llama_set_abort_callback(self._context, callback, None)

    # ------------------------------------------------------------ loading

    def _load_model(self, path: str, params: LoadParams, on_progress: Callable[[float], bool]) -> llama.llama_model_p:
        layers = _ALL_LAYERS if params.gpu_layers is None else params.gpu_layers
        model = self._try_model(path, layers, on_progress)
        if model is None and params.gpu_layers is None and llama.llama_supports_gpu_offload() and not self._cancelled:
            _log.warning("loading with a graphics card failed; trying the processor alone")
            model = self._try_model(path, 0, on_progress)
        if model is None:
            raise self._load_error()
        if not llama.llama_model_has_decoder(model):
            llama.llama_model_free(model)
            raise AppError("model_load_failed", model=self._name, reason="model_writes_nothing")
        return model

    def _try_model(
        self, path: str, gpu_layers: int, on_progress: Callable[[float], bool]
    ) -> llama.llama_model_p | None:
        def report(share: float, _data: object) -> bool:
            self._cancelled = not on_progress(share)
            return not self._cancelled

        callback = llama.llama_progress_callback(report)
        params = llama.llama_model_default_params()
        set_fields(
            params,
            n_gpu_layers=gpu_layers,
            load_mode=llama.LLAMA_LOAD_MODE_AUTO,
            progress_callback=callback,
        )
        model: llama.llama_model_p | None = llama.llama_model_load_from_file(os.fsencode(path), params)
        return model

    def _make_context(self, params: LoadParams) -> llama.llama_context_p:
        """A context of the length asked for; where none was asked for, the longest of halves that can be had."""
        trained = llama.llama_model_n_ctx_train(self._model)
        length = min(params.context_length or DEFAULT_CONTEXT, trained or DEFAULT_CONTEXT)
        while True:
            context = self._try_context(length, params.threads)
            if context is not None:
                self.context_length = min(length, llama.llama_n_ctx(context))
                return context
            if params.context_length is not None or length // 2 < SMALLEST_CONTEXT:
                llama.llama_model_free(self._model)
                raise self._load_error()
            length //= 2
            _log.warning("no memory for that context; trying %d tokens", length)

    def _try_context(self, length: int, asked_threads: int | None) -> llama.llama_context_p | None:
        threads = asked_threads or default_threads()
        small = llama.llama_model_size(self._model) < ONE_THREAD_BYTES
        params = llama.llama_context_default_params()
        set_fields(
            params,
            n_ctx=length,
            n_batch=BATCH,
            n_ubatch=BATCH,
            n_seq_max=1,
            n_threads=1 if small and asked_threads is None else threads,
            n_threads_batch=threads,
            flash_attn_type=llama.LLAMA_FLASH_ATTN_TYPE_AUTO,
            no_perf=True,
        )
        context: llama.llama_context_p | None = llama.llama_init_from_model(self._model, params)
        return context

    def _load_error(self) -> AppError:
        if self._cancelled:
            return AppError("load_cancelled", model=self._name)
        for _, line in self._log.lines:
            _log.info("llama.cpp: %s", line)
        reason = self._log.last_error() or "engine_silent"
        return AppError("model_load_failed", model=self._name, reason=reason)


def default_threads() -> int:
    """One thread for each physical core this process may use: more only wait for each other."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(psutil.cpu_count(logical=False) or 1, allowed or 1))
