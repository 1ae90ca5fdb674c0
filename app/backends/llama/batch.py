"""The tokens of one step, written into llama.cpp's batch through NumPy views of its C arrays."""

import ctypes
from collections.abc import Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from app.backends.llama.binding import llama

Tokens: TypeAlias = npt.NDArray[np.int32]
ScalarT = TypeVar("ScalarT", bound=np.generic)


class Batch:
    """A llama_batch with room for `capacity` tokens, each in one sequence. `close` frees it."""

    def __init__(self, capacity: int, sequences: int) -> None:
        self.capacity = capacity
        self._batch = llama.llama_batch_init(capacity, 0, 1)
        self._token = _view(self._batch.token, capacity, np.int32)
        self._position = _view(self._batch.pos, capacity, np.int32)
        self._output = _view(self._batch.logits, capacity, np.int8)
        _view(self._batch.n_seq_id, capacity, np.int32)[:] = 1
        # Each token's list of sequences is a pointer; instead of writing lists, point at constants.
        self._sequence_ids = np.arange(sequences, dtype=np.int32)
        self._lists = _view(self._batch.seq_id, capacity, np.uintp)
        self._own_lists = self._lists.copy()
        self.length = 0

    @property
    def room(self) -> int:
        return self.capacity - self.length

    @property
    def c_batch(self) -> Any:
        """The llama_batch as it is to be decoded now."""
        self._batch.n_tokens = self.length
        return self._batch

    def clear(self) -> None:
        self.length = 0

    def add(self, tokens: Tokens | Sequence[int], position: int, sequence: int, outputs: int) -> int:
        """Append tokens at consecutive positions of a sequence; the last `outputs` of them get logits.

        Returns the row of the first token; there must be room.
        """
        start, end = self.length, self.length + len(tokens)
        self._token[start:end] = tokens
        self._position[start:end] = np.arange(position, position + len(tokens), dtype=np.int32)
        self._output[start:end] = 0
        self._output[end - outputs : end] = 1
        self._lists[start:end] = self._sequence_ids.ctypes.data + 4 * sequence
        self.length = end
        return start

    def close(self) -> None:
        self._lists[:] = self._own_lists
        llama.llama_batch_free(self._batch)


def _view(pointer: Any, length: int, kind: type[ScalarT]) -> npt.NDArray[ScalarT]:
    """The C array at that pointer as a NumPy one."""
    size = np.dtype(kind).itemsize * length
    memory = (ctypes.c_char * size).from_address(ctypes.addressof(pointer.contents))
    return np.frombuffer(memoryview(memory).cast("B"), dtype=kind)
