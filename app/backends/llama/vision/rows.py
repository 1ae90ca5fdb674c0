"""Embeddings of a picture as batches for llama_decode, so that a picture can be read a few rows at a time."""

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

from app.backends.llama.binding import llama

Embeddings = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int32]
"""[dimensions, cells]: one dimension, or four where the model's positions are in rows and columns (M-RoPE)."""

DIMENSIONS = 4
"""Of an M-RoPE position: time, row, column, and one that is not used."""


def positions_in_order(first: int, cells: int) -> Positions:
    """Those of a picture whose cells follow each other as tokens do."""
    return np.arange(first, first + cells, dtype=np.int32)[None, :]


class RowBatch:
    """A llama_batch of embeddings [cells, width] at these positions of one sequence, without logits.

    It points into memory of its own: keep it until the decode has returned.
    """

    def __init__(self, embeddings: Embeddings, positions: Positions, sequence: int) -> None:
        cells = len(embeddings)
        self._embeddings = np.ascontiguousarray(embeddings)
        self._positions = np.ascontiguousarray(positions)
        self._sequence = np.array([sequence], dtype=np.int32)
        self._counts = np.ones(cells, dtype=np.int32)
        self._lists = np.full(cells, self._sequence.ctypes.data, dtype=np.uintp)
        self._outputs = np.zeros(cells, dtype=np.int8)
        self.c_batch = llama.llama_batch(
            n_tokens=cells,
            embd=_pointer(self._embeddings, ctypes.c_float),
            pos=_pointer(self._positions, llama.llama_pos),
            n_seq_id=_pointer(self._counts, ctypes.c_int32),
            seq_id=_pointer(self._lists, ctypes.POINTER(llama.llama_seq_id)),
            logits=_pointer(self._outputs, ctypes.c_int8),
        )


def _pointer(array: npt.NDArray[Any], kind: Any) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(kind))
