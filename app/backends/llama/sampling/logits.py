"""Logits as NumPy sees them: one row of a context's output, its greatest values, and cuts by probability.

A row is a float32 array as long as the vocabulary. All of it works on indices into the row, and costs 10 to 100 µs for
152,000 tokens, where llama.cpp's samplers, which build an array of the whole vocabulary first, cost 300 to 10,000.
"""

import ctypes
import math
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from app.backends.llama.binding import llama

Logits: TypeAlias = npt.NDArray[np.float32]
Indices: TypeAlias = npt.NDArray[np.intp]

_ROWS = 64
"""Blocks are columns of an array of this many rows: their maxima are found with the processor's widest instructions."""
_FIRST_LEADERS = 256
_MORE_LEADERS = 16


def context_row(context: "llama.llama_context_p", row: int, size: int) -> Logits:
    """The logits of a batch token with output, -1 the last; valid until the next decode. Raises RuntimeError.

    The array is llama.cpp's own memory. The first call after a decode may reorder the outputs: one thread at a time.
    """
    pointer: Any = llama.llama_get_logits_ith(context, row)
    if not pointer:
        raise RuntimeError(f"batch token {row} has no logits")
    memory: Any = (ctypes.c_float * size).from_address(ctypes.addressof(pointer.contents))
    logits: Logits = np.frombuffer(memory, dtype=np.float32)
    return logits


def leaders(values: Logits, count: int) -> Indices:
    """Indices of at least the `count` greatest values and of few others, in no order; of none where values are NaN."""
    columns = values.size // _ROWS
    if columns < 2 * count:
        return _partitioned(values, count)
    blocks = values[: columns * _ROWS].reshape(_ROWS, columns)
    maxima = blocks.max(axis=0)
    threshold = np.partition(maxima, columns - count)[columns - count]
    chosen = np.flatnonzero(maxima >= threshold)
    found_rows, found_columns = np.nonzero(blocks[:, chosen] >= threshold)
    rest = np.flatnonzero(values[columns * _ROWS :] >= threshold) + columns * _ROWS
    found: Indices = np.concatenate((found_rows * columns + chosen[found_columns], rest))
    return found


def _partitioned(values: Logits, count: int) -> Indices:
    if count >= values.size:
        return np.arange(values.size)
    threshold = np.partition(values, values.size - count)[values.size - count]
    return np.flatnonzero(values >= threshold)


def descending(values: Logits, indices: Indices) -> Indices:
    """The indices, the greatest value first."""
    return indices[np.argsort(-values[indices])]


def sigma_threshold(values: Logits, sigmas: float) -> float:
    """The logit that many standard deviations below the greatest; what is -inf does not count."""
    finite = values if np.isfinite(values.min()) else values[np.isfinite(values)]
    if not finite.size:
        return -math.inf
    return float(finite.max()) - sigmas * float(finite.std(dtype=np.float64))


def log_total(values: Logits, scale: float = 1.0) -> float:
    """log Σ exp(value / scale): what turns logits into logarithms of probabilities. -inf where all values are."""
    greatest = float(values.max())
    if not math.isfinite(greatest):
        return greatest
    shifted = values - np.float32(greatest)
    if scale != 1.0:
        shifted /= np.float32(scale)
    np.exp(shifted, out=shifted)
    return greatest / scale + math.log(float(shifted.sum(dtype=np.float64)))


def nucleus(values: Logits, among: Indices | None, share: float, total: float) -> Indices:
    """The fewest greatest values whose probabilities add up to `share`, the greatest first; at least one.

    `total` is the `log_total` of what shares are of. `among` are the only ones that come into question; None: all.
    """
    if among is not None:
        return _until(values, descending(values, among), share, total)[0]
    count = _FIRST_LEADERS
    while True:
        found, reached = _until(values, descending(values, leaders(values, count)), share, total)
        if reached or count >= values.size:
            return found
        count = min(values.size, count * _MORE_LEADERS)


def _until(values: Logits, ordered: Indices, share: float, total: float) -> tuple[Indices, bool]:
    """Those up to the share, and whether they reach it."""
    sums = np.cumsum(np.exp(values[ordered].astype(np.float64) - total))
    needed = int(np.searchsorted(sums, share)) + 1
    return ordered[:needed], needed <= ordered.size
