"""A llama_context: decodes batches, and cuts, copies, saves and restores the sequences of its KV cache."""

import ctypes
import logging
from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from app.backends.llama.binding import flag_callback, llama, set_fields
from app.backends.llama.context_fields import context_fields
from app.backends.llama.model import Model
from app.hardware.defaults import context_of
from app.protocol import LoadParams

SMALLEST_CONTEXT = 512

State: TypeAlias = npt.NDArray[np.uint8]

_log = logging.getLogger(__name__)


class Outcome(IntEnum):
    """What llama_decode says; anything below is a fault."""

    DONE = 0
    NO_ROOM = 1
    """Nothing has changed."""
    ABORTED = 2
    """Parts may have been read."""


class Context:
    """The KV cache and compute buffers of a model; `close` frees them. Used by one thread, but for `abort`.

    Raises AppError: "model_load_failed" or "bad_request".
    """

    def __init__(self, model: Model, params: LoadParams, sequences: int, outputs: int) -> None:
        self.model = model
        self.sequences = sequences
        self._fields = context_fields(params, sequences, outputs)
        self.handle = self._open(params)
        self._memory = llama.llama_get_memory(self.handle)
        self.batch_size = int(llama.llama_n_batch(self.handle))
        self.micro_batch = int(llama.llama_n_ubatch(self.handle))
        self._abort_flag = ctypes.create_string_buffer(2)
        self._callback = flag_callback()
        llama.llama_set_abort_callback(self.handle, self._callback, ctypes.addressof(self._abort_flag))
        self.cuttable = not model.recurrent
        """Whether the end of a sequence can be forgotten at all."""
        self._window = 0 if params.swa_full else model.window

    def close(self) -> None:
        llama.llama_free(self.handle)

    def set_threads(self, threads: int) -> None:
        llama.llama_set_n_threads(self.handle, threads, threads)

    # ------------------------------------------------------------ decoding

    def decode(self, batch: llama.llama_batch) -> int:
        """An Outcome, or a number below it that llama.cpp calls an error."""
        return int(llama.llama_decode(self.handle, batch))

    def abort(self) -> None:
        """Let the step being computed end soon (processors only). May be called by any thread."""
        if self.cuttable:
            self._abort_flag[0] = b"\x01"

    def clear_abort(self) -> None:
        self._abort_flag[0] = b"\0"

    @property
    def stretched(self) -> bool:
        """Whether it is longer than what the model was made for first: some models compute otherwise there."""
        model = self.model
        field = f"{model.meta('general.architecture')}.rope.scaling.original_context_length"
        original = model.meta(field)
        return self.length > (int(original) if original.isdecimal() else model.trained_context or self.length)

    # ------------------------------------------------------------ sequences

    def cut(self, sequence: int, position: int) -> bool:
        """Forget a sequence from that position on. False where this memory cannot: nothing has changed then."""
        return bool(llama.llama_memory_seq_rm(self._memory, sequence, position, -1))

    def clear(self, sequence: int) -> None:
        llama.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def copy(self, source: int, target: int, end: int) -> None:
        """Let `target` begin with the positions of `source` before `end`; they share the cells."""
        self.clear(target)
        stop = -1 if self.model.recurrent else end  # a recurrent state is copied whole or not at all
        llama.llama_memory_seq_cp(self._memory, source, target, -1, stop)

    def can_resume(self, sequence: int, position: int) -> bool:
        """Whether decoding can go on at that position: a recurrent state stands at its end, a window has moved on."""
        if self.model.recurrent:
            return bool(llama.llama_memory_seq_pos_max(self._memory, sequence) + 1 == position)
        if not self._window:
            return True
        return bool(llama.llama_memory_seq_pos_min(self._memory, sequence) <= max(0, position - self._window))

    @property
    def needs_checkpoints(self) -> bool:
        """Whether a sequence cannot be resumed just anywhere."""
        return self.model.recurrent or bool(self._window)

    # ------------------------------------------------------------ states

    def save(self, sequence: int, *, partial: bool = False) -> State:
        """The state of a sequence; `partial`: only what cannot be cut. Raises MemoryError."""
        flags = llama.LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY if partial else llama.LLAMA_STATE_SEQ_FLAGS_NONE
        size = int(llama.llama_state_seq_get_size_ext(self.handle, sequence, flags))
        state = np.empty(size, dtype=np.uint8)
        written = int(llama.llama_state_seq_get_data_ext(self.handle, _pointer(state), size, sequence, flags))
        return state[:written]

    def state_size(self, sequence: int) -> int:
        """Bytes `save` would return."""
        return int(llama.llama_state_seq_get_size_ext(self.handle, sequence, llama.LLAMA_STATE_SEQ_FLAGS_NONE))

    def restore(self, sequence: int, state: State, *, partial: bool = False) -> bool:
        """Put a saved state into a sequence; False where there is no room. What is no state may abort the process."""
        flags = llama.LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY if partial else llama.LLAMA_STATE_SEQ_FLAGS_NONE
        if not partial:
            self.clear(sequence)
        read = llama.llama_state_seq_set_data_ext(self.handle, _pointer(state), len(state), sequence, flags)
        return bool(read == len(state))

    # ------------------------------------------------------------ opening

    def _open(self, params: LoadParams) -> llama.llama_context_p:
        """A context of the length asked for; where none was asked for, the longest of halves that can be had."""
        length = context_of(params, self.model.trained_context)
        while True:
            handle = self._try(length)
            if handle is not None:
                self.length = min(length, int(llama.llama_n_ctx(handle)))
                return handle
            if params.context_length is not None or length // 2 < SMALLEST_CONTEXT:
                raise self.model.load_error()
            length //= 2
            _log.warning("no memory for that context; trying %d tokens", length)

    def _try(self, length: int) -> llama.llama_context_p | None:
        params = llama.llama_context_default_params()
        set_fields(params, n_ctx=length, **self._fields)
        handle: llama.llama_context_p | None = llama.llama_init_from_model(self.model.handle, params)
        return handle


def _pointer(state: State) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
