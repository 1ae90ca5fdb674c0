"""A KV state as a file: a magic word, the length of the header, the header, the cells, the state, the checkpoints, and
the SHA-256 of all that.

Made and taken apart in pieces that are views of the state: it may be as large as what is left of the memory.
"""

import hashlib
from collections.abc import Iterator
from typing import TypeAlias

import msgspec
import numpy as np

from app.backends.llama.runs import PictureSpan, TokenRun
from app.backends.llama.states import Checkpoint, SavedState

MAGIC = b"ALCOVEKV"
FORMAT = 1
_DIGEST = 32
_MOST_HEADER = 1 << 20

Piece: TypeAlias = bytes | memoryview


class Header(msgspec.Struct, frozen=True):
    """What a file says about its content."""

    format: int
    identity: str
    key: str
    cells: int
    pictures: tuple[tuple[str, int, int, int], ...]
    state: int
    """Bytes of the state."""
    checkpoints: tuple[tuple[int, int], ...]
    """(length, bytes) of each."""

    @property
    def spans(self) -> tuple[PictureSpan, ...]:
        return tuple(PictureSpan(*fields) for fields in self.pictures)


def encode(saved: SavedState, identity: str) -> Iterator[Piece]:
    """The content of a file, piece by piece."""
    digest = hashlib.sha256()
    for piece in _pieces(saved, identity):
        digest.update(piece)
        yield piece
    yield digest.digest()


def _pieces(saved: SavedState, identity: str) -> Iterator[Piece]:
    header = Header(
        format=FORMAT,
        identity=identity,
        key=saved.key,
        cells=len(saved.run),
        pictures=tuple((span.key, span.start, span.cells, span.positions) for span in saved.run.pictures),
        state=saved.state.nbytes,
        checkpoints=tuple((point.length, point.state.nbytes) for point in saved.checkpoints),
    )
    body = msgspec.msgpack.encode(header)
    yield MAGIC + len(body).to_bytes(4, "big") + body
    yield saved.run.tokens.astype("<i4").tobytes()
    for state in (saved.state, *(point.state for point in saved.checkpoints)):
        yield np.ascontiguousarray(state).data


def decode(content: bytes, identity: str) -> SavedState:
    """The state in a file, as views of it. Raises ValueError for anything but what `encode` made for this identity."""
    view = memoryview(content)
    if hashlib.sha256(view[:-_DIGEST]).digest() != content[-_DIGEST:]:
        raise ValueError("it is cut off or was altered")
    header = header_of(content)
    if (header.format, header.identity) != (FORMAT, identity):
        raise ValueError("it belongs to another model")
    start = len(MAGIC) + 4 + header_length(content)
    sizes = [4 * header.cells, header.state, *(size for _, size in header.checkpoints)]
    if start + sum(sizes) + _DIGEST != len(content):
        raise ValueError("its parts have other lengths")
    parts = []
    for size in sizes:
        parts.append(np.frombuffer(content, dtype=np.uint8, count=size, offset=start))
        start += size
    cells, state, *points = parts
    run = TokenRun(cells.view("<i4"), header.spans)
    checkpoints = tuple(Checkpoint(length, part) for (length, _), part in zip(header.checkpoints, points, strict=True))
    return SavedState(run, header.key, state, checkpoints)


def header_length(content: bytes) -> int:
    """Bytes of the header of a file that begins so. Raises ValueError."""
    if content[: len(MAGIC)] != MAGIC:
        raise ValueError("it does not begin as a state does")
    length = int.from_bytes(content[len(MAGIC) : len(MAGIC) + 4], "big")
    if length > _MOST_HEADER:
        raise ValueError("its header is too long")
    return length


def header_of(content: bytes) -> Header:
    """The header of a file that begins so. Raises ValueError."""
    start = len(MAGIC) + 4
    return msgspec.msgpack.decode(content[start : start + header_length(content)], type=Header)
