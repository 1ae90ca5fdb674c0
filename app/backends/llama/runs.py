"""What a sequence of the KV cache holds: tokens, and pictures as stretches of cells that stand for them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from app.backends.llama.batch import Tokens

_FIRST_ROOM = 256


@dataclass(frozen=True)
class PictureSpan:
    """A picture in a run: the index of its first cell, how many cells it fills and how many positions it takes."""

    key: str
    """SHA-256 of the picture's bytes, in hex."""
    start: int
    cells: int
    positions: int

    @property
    def end(self) -> int:
        return self.start + self.cells


class TokenRun:
    """A growing run of cells. Those of pictures hold negative numbers made of their content."""

    def __init__(self, tokens: Sequence[int] | Tokens = (), pictures: Iterable[PictureSpan] = ()) -> None:
        self._buffer = np.zeros(max(_FIRST_ROOM, 2 * len(tokens)), dtype=np.int32)
        self._buffer[: len(tokens)] = tokens
        self._length = len(tokens)
        self.pictures = tuple(pictures)

    def __len__(self) -> int:
        return self._length

    @property
    def tokens(self) -> Tokens:
        """All cells, as a view that the next change may leave behind."""
        return self._buffer[: self._length]

    def append(self, token: int) -> None:
        if self._length == len(self._buffer):
            self._buffer = np.concatenate([self._buffer, np.zeros_like(self._buffer)])
        self._buffer[self._length] = token
        self._length += 1

    def extend(self, tokens: Sequence[int] | Tokens) -> None:
        end = self._length + len(tokens)
        if end > len(self._buffer):
            grown = np.zeros(max(2 * len(self._buffer), end), dtype=np.int32)
            grown[: self._length] = self.tokens
            self._buffer = grown
        self._buffer[self._length : end] = tokens
        self._length = end

    def follow(self, other: "TokenRun", end: int) -> None:
        """Append the cells of another run from where this one ends up to `end`, its pictures included."""
        start = self._length
        self.extend(other.tokens[start:end])
        self.pictures += tuple(span for span in other.pictures if start <= span.start and span.end <= end)

    def cut(self, length: int) -> None:
        """Forget all from that index on; it must not lie inside a picture."""
        self._length = min(length, self._length)
        self.pictures = tuple(span for span in self.pictures if span.end <= self._length)

    def head(self, length: int) -> "TokenRun":
        """A run of its own of the first cells; `length` must not lie inside a picture."""
        return TokenRun(self._buffer[:length].copy(), (span for span in self.pictures if span.end <= length))

    def shared_with(self, other: "TokenRun", most: int) -> int:
        """How many first cells, at most `most`, both have in common; pictures count whole or not at all."""
        length = common_length(self.tokens, other.tokens[:most])
        for span in other.pictures:
            if span.start < length < span.end:
                return span.start
        return length

    def position(self, index: int) -> int:
        """The position of the cell at that index: a picture may fill more cells than it takes positions."""
        return index - sum(span.cells - span.positions for span in self.pictures if span.end <= index)

    def picture_at(self, index: int) -> PictureSpan | None:
        """The picture whose first cell is at that index."""
        return next((span for span in self.pictures if span.start == index), None)

    def next_picture(self, index: int) -> int:
        """Where the next picture from that index on begins; the length of the run where none follows."""
        return next((span.start for span in self.pictures if span.start >= index), self._length)


def common_length(one: Tokens, other: Tokens) -> int:
    """How many first elements are the same."""
    length = min(len(one), len(other))
    if not length:
        return 0
    differs = one[:length] != other[:length]
    first = int(differs.argmax())
    return first if differs[first] else length


def picture_cells(key: str, cells: int) -> Tokens:
    """The numbers that stand for the cells of a picture: negative, and others for another picture."""
    seed = int(key[:15], 16)
    numbers = (np.arange(cells, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)) >> np.uint64(33)
    return (-1 - numbers.astype(np.int64)).astype(np.int32)
