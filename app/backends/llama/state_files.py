"""KV states on disk: written when an answer has ended, verified before llama.cpp sees them, within a limit of bytes.

A file is a magic word, the length of its header, the header (MessagePack), the cells, the state, the checkpoints, and
the SHA-256 of all that. It counts for the very model file and parameters it was made with, no others.
"""

import hashlib
import logging
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import msgspec
import numpy as np

from app.backends.llama.binding import version
from app.backends.llama.model import Model
from app.backends.llama.runs import PictureSpan, TokenRun
from app.backends.llama.states import Checkpoint, SavedState
from app.errors import AppError
from app.files import write_atomically
from app.protocol import LoadParams, StateFolder

MAGIC = b"ALCOVEKV"
FORMAT = 1
SUFFIX = ".kv"
_DIGEST = 32
_HEAD = 1 << 20
"""Bytes of a model file that stand for it, with its size and time."""
_MOST_HEADER = 1 << 20
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

_log = logging.getLogger(__name__)


class _Header(msgspec.Struct, frozen=True):
    format: int
    identity: str
    key: str
    cells: int
    pictures: tuple[tuple[str, int, int, int], ...]
    state: int
    """Bytes of the state."""
    checkpoints: tuple[tuple[int, int], ...]
    """(length, bytes) of each."""


@dataclass(frozen=True)
class _Known:
    """A file that could be read back: what it holds."""

    path: Path
    key: str
    run: TokenRun


class StateFiles:
    """The states in a folder that belong to this model as it is loaded. `close` waits for what is being written."""

    def __init__(self, folder: StateFolder, identity: str) -> None:
        self._folder = Path(folder.path)
        self._limit = folder.limit_bytes
        self._identity = identity
        self._known = {path.name: known for path in self._paths() if (known := self._look(path)) is not None}
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[tuple[str, SavedState] | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._write_all, name="states", daemon=True)
        self._writer.start()

    def best(self, run: TokenRun, key: str, most: int) -> tuple[int, str]:
        """(cells shared, name) of the state with the longest common beginning; (0, "") for none."""
        with self._lock:
            found = [
                (known.run.shared_with(run, most), name) for name, known in self._known.items() if known.key == key
            ]
        return max(found, default=(0, ""))

    def read(self, name: str) -> SavedState | None:
        """The state, verified; a file that is not sound is removed."""
        with self._lock:
            known = self._known.get(name)
        if known is None:
            return None
        try:
            content = known.path.read_bytes()
            saved = decode(content, self._identity)
            os.utime(known.path)
        except (OSError, ValueError) as error:
            _log.warning("the state %s cannot be used: %s", name, error)
            self._remove(known.path)
            return None
        return saved

    def write(self, name: str, saved: SavedState) -> None:
        """Write this soon, on another thread, in place of what had that name."""
        self._jobs.put((self._file_name(name), saved))

    def close(self, seconds: float) -> None:
        """Wait that long at most until all is written."""
        self._jobs.put(None)
        self._writer.join(seconds)

    # ------------------------------------------------------------ the writing thread

    def _write_all(self) -> None:
        while (job := self._jobs.get()) is not None:
            name, saved = job
            try:
                self._write(name, saved)
            except (AppError, OSError) as error:
                _log.warning("the state %s is not kept: %s", name, error)

    def _write(self, name: str, saved: SavedState) -> None:
        if saved.size > self._limit:
            return
        path = self._folder / name
        write_atomically(path, encode(saved, self._identity))
        with self._lock:
            self._known[name] = _Known(path, saved.key, saved.run)
        self._clean_up()

    def _clean_up(self) -> None:
        """Remove the files used longest ago until all fit into the limit."""
        files = sorted((_used(path), path) for path in self._paths())
        total = sum(size for (_, size), _ in files)
        for (_, size), path in files:
            if total <= self._limit:
                return
            self._remove(path)
            total -= size

    def _remove(self, path: Path) -> None:
        with self._lock:
            self._known.pop(path.name, None)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("%s stays: %s", path, error)

    # ------------------------------------------------------------ the folder

    def _file_name(self, name: str) -> str:
        """Begins with the name, as whoever removes the states of a conversation expects."""
        safe = name if _SAFE_NAME.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()[:24]
        return f"{safe}.{self._identity[:12]}{SUFFIX}"

    def _paths(self) -> Iterator[Path]:
        if self._folder.is_dir():
            yield from self._folder.glob(f"*{SUFFIX}")

    def _look(self, path: Path) -> _Known | None:
        """What a file says it holds; None where it is another model's or none of ours."""
        try:
            with path.open("rb") as file:
                head = file.read(len(MAGIC) + 4)
                header = _header_of(head + file.read(_header_length(head)))
                cells = np.frombuffer(file.read(4 * header.cells), dtype="<i4")
            if header.identity != self._identity or len(cells) != header.cells:
                return None
            return _Known(path, header.key, TokenRun(cells, _pictures(header)))
        except (OSError, ValueError) as error:
            _log.info("%s is no state of ours: %s", path.name, error)
            return None


def identity_of(model: Model, params: LoadParams) -> str:
    """Names a model file and all parameters its states depend on. Raises OSError."""
    digest = hashlib.sha256()
    for path in (model.path, *params.loras, *([params.projector] if params.projector else [])):
        status = os.stat(path)
        digest.update(f"{status.st_size} {status.st_mtime_ns}\n".encode())
        with open(path, "rb") as file:
            digest.update(file.read(_HEAD))
    said = (
        FORMAT,
        version(),
        params.kv_type_k,
        params.kv_type_v,
        params.flash_attention,
        params.swa_full,
        params.kv_offload,
        params.rope_scaling,
        params.rope_frequency_base,
        params.rope_frequency_scale,
        params.yarn_original_context,
    )
    digest.update(repr(said).encode())
    return digest.hexdigest()


def encode(saved: SavedState, identity: str) -> bytes:
    """The content of a file."""
    header = _Header(
        format=FORMAT,
        identity=identity,
        key=saved.key,
        cells=len(saved.run),
        pictures=tuple((span.key, span.start, span.cells, span.positions) for span in saved.run.pictures),
        state=saved.state.nbytes,
        checkpoints=tuple((point.length, point.state.nbytes) for point in saved.checkpoints),
    )
    body = msgspec.msgpack.encode(header)
    parts = [MAGIC, len(body).to_bytes(4, "big"), body, saved.run.tokens.astype("<i4").tobytes()]
    parts += [saved.state.tobytes(), *(point.state.tobytes() for point in saved.checkpoints)]
    content = b"".join(parts)
    return content + hashlib.sha256(content).digest()


def decode(content: bytes, identity: str) -> SavedState:
    """The state in a file. Raises ValueError for anything but what `encode` made for this identity."""
    if hashlib.sha256(content[:-_DIGEST]).digest() != content[-_DIGEST:]:
        raise ValueError("it is cut off or was altered")
    header = _header_of(content)
    if (header.format, header.identity) != (FORMAT, identity):
        raise ValueError("it belongs to another model")
    start = len(MAGIC) + 4 + _header_length(content)
    sizes = [4 * header.cells, header.state, *(size for _, size in header.checkpoints)]
    if start + sum(sizes) + _DIGEST != len(content):
        raise ValueError("its parts have other lengths")
    parts = []
    for size in sizes:
        parts.append(np.frombuffer(content, dtype=np.uint8, count=size, offset=start))
        start += size
    cells, state, *points = parts
    run = TokenRun(cells.view("<i4"), _pictures(header))
    checkpoints = tuple(Checkpoint(length, part) for (length, _), part in zip(header.checkpoints, points, strict=True))
    return SavedState(run, header.key, state, checkpoints)


def _header_length(content: bytes) -> int:
    if content[: len(MAGIC)] != MAGIC:
        raise ValueError("it does not begin as a state does")
    length = int.from_bytes(content[len(MAGIC) : len(MAGIC) + 4], "big")
    if length > _MOST_HEADER:
        raise ValueError("its header is too long")
    return length


def _header_of(content: bytes) -> _Header:
    start = len(MAGIC) + 4
    return msgspec.msgpack.decode(content[start : start + _header_length(content)], type=_Header)


def _pictures(header: _Header) -> tuple[PictureSpan, ...]:
    return tuple(PictureSpan(*fields) for fields in header.pictures)


def _used(path: Path) -> tuple[float, int]:
    """(time of last use, bytes) of a file; of one that has gone, nothing."""
    try:
        status = path.stat()
    except OSError:
        return 0.0, 0
    return status.st_mtime, status.st_size
