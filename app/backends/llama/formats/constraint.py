"""What may follow in one constrained answer, by a matcher of llguidance."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher

from app.backends.llama.formats.closing import shortest_closing
from app.backends.llama.formats.grammar import refusal

Words = npt.NDArray[np.uint32]
"""One bit a token, the lowest first."""
Logits = npt.NDArray[np.float32]

_SPARSE = 16_384
"""Up to so many allowed tokens are picked out one by one (5 to 60 µs); more are masked in a copy of the row (45 µs)."""
_SLOW_S = 0.0005
"""Masks that take longer are computed in another thread while the model computes the next step."""

_BOUNDS = np.where(
    np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little") == 1,
    np.float32(np.inf),
    np.float32(-np.inf),
)
"""For each byte of a mask the greatest value its eight tokens may have."""


@dataclass(frozen=True)
class TokenTable:
    """What constraints need to know of a vocabulary: its size, tokens of one byte each, control tokens, ends."""

    size: int
    bytes_of: tuple[bytes, ...]
    """Of every token; control tokens written out."""
    single: npt.NDArray[np.intp]
    """For each of 256 bytes the token that is this byte alone, -1 for none."""
    special: frozenset[int]
    ends: frozenset[int]


class Constraint:
    """Follows one answer token by token. Used by one thread at a time."""

    def __init__(self, matcher: LLMatcher, table: TokenTable) -> None:
        self._matcher = matcher
        self._table = table
        self._words: Words | None = None
        self._ahead: Future[Words] | None = None
        self._slow = False
        self._over = False

    @property
    def ended(self) -> bool:
        """Nothing but an end may follow."""
        return self._over or self._settled().is_stopped()

    @property
    def complete(self) -> bool:
        """What there is may be all."""
        return self._over or self._settled().is_accepting()

    @property
    def forced(self) -> int | None:
        """The only token that may follow, if there is only one. Raises AppError("bad_format") as `allowed` does."""
        words = self._mask()
        filled = np.flatnonzero(words)
        if filled.size != 1:
            return None
        word = int(words[filled[0]])
        return None if word & (word - 1) else int(filled[0]) * 32 + word.bit_length() - 1

    def allows(self, token: int) -> bool:
        """Whether this token may follow; of text without choice only the tokens the vocabulary would take may.

        Raises AppError("bad_format") as `allowed` does.
        """
        return bool(self._mask()[token >> 5] >> np.uint32(token & 31) & 1)

    def allowed(self, row: Logits) -> tuple[Logits, npt.NDArray[np.intp] | None]:
        """The logits of the tokens that may follow, and these tokens.

        Where most may, all logits with -inf for the others, and None. What is returned is a copy.
        Raises AppError("bad_format") where the grammar has become too complex to follow.
        """
        words = self._mask()
        if int(np.bitwise_count(words).sum()) <= _SPARSE:
            tokens = _picked(words)
            return row[tokens], tokens
        bounds = np.take(_BOUNDS, words.view(np.uint8), axis=0, mode="clip").reshape(-1)
        return np.minimum(row, bounds[: row.size]), None

    def accept(self, token: int) -> None:
        """This token follows. Raises AppError("bad_format") where it may not."""
        matcher = self._settled()
        self._words = None
        if token in self._table.ends and not self._over:
            self._over = True
        elif not matcher.consume_token(token):
            raise refusal(matcher.get_error())
        if self._slow and not self.ended:
            self._ahead = _masks_threads().submit(self._compute)

    def closing(self) -> bytes | None:
        """A short text, as bytes, that completes what there is; b"" where it is complete, None where none is found.

        It may begin within a character: what is there may end within one.
        """
        if self.complete:
            return b""
        table = self._table
        return shortest_closing(self._settled(), table.single, table.ends, table.bytes_of)

    def _settled(self) -> LLMatcher:
        """The matcher, no other thread at work in it."""
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            self._words = ahead.result()
        return self._matcher

    def _mask(self) -> Words:
        matcher = self._settled()
        if self._words is None:
            self._words = self._compute()
        if matcher.is_error():
            raise refusal(matcher.get_error())
        return self._words

    def _compute(self) -> Words:
        words = np.zeros((self._table.size + 31) // 32, dtype=np.uint32)
        began = time.perf_counter()
        self._matcher.unsafe_compute_mask_ptr(words.ctypes.data, words.nbytes)
        self._slow = time.perf_counter() - began > _SLOW_S
        return words


def _picked(words: Words) -> npt.NDArray[np.intp]:
    """The tokens whose bits are set."""
    filled = np.flatnonzero(words)
    bits = np.unpackbits(words[filled].view(np.uint8).reshape(-1, 4), axis=1, bitorder="little")
    rows, columns = np.nonzero(bits)
    tokens: npt.NDArray[np.intp] = filled[rows] * 32 + columns
    return tokens


@cache
def _masks_threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="masks")
