"""KV states on disk: written when an answer has ended, verified before llama.cpp sees them, within a limit of bytes.

A file counts for the very model file and parameters it was made with, no others.
"""

import hashlib
import logging
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.backends.llama.binding import version
from app.backends.llama.context import Context
from app.backends.llama.runs import TokenRun
from app.backends.llama.state_format import FORMAT, MAGIC, decode, encode, header_length, header_of
from app.backends.llama.states import WORTH_SAVING, SavedState, default_limit
from app.files import write_atomically
from app.protocol import LoadParams, StateFolder

SUFFIX = ".kv"
_HEAD = 1 << 20
"""Bytes of a model file that stand for it, with its size and time."""
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Known:
    """A file that could be read back: what it holds."""

    path: Path
    key: str
    run: TokenRun


class StateFiles:
    """The states in a folder that belong to this model as it is loaded. Any thread may use it.

    `most_waiting`: bytes that may wait to be written. `close` waits for what is being written.
    """

    def __init__(self, folder: StateFolder, identity: str, most_waiting: int | None = None) -> None:
        self._folder = Path(folder.path)
        self._limit = folder.limit_bytes
        self._identity = identity
        self._most_waiting = default_limit() if most_waiting is None else most_waiting
        self._remove_halves()
        self._known = {path.name: known for path in self._paths() if (known := self._look(path)) is not None}
        self._changed = threading.Condition()
        self._waiting: dict[str, SavedState] = {}
        """What is to be written, by the names of the files."""
        self._forgotten: set[str] = set()
        self._closing = False
        self._writer = threading.Thread(target=self._write_all, name="states", daemon=True)
        self._writer.start()

    def fetch(self, run: TokenRun, key: str, at_hand: int) -> SavedState | None:
        """The state with the longest common beginning, read and verified, where it brings clearly more than what is
        at hand, in cells. Takes long: the file is as large as the state."""
        length, name = self.best(run, key, len(run) - 1)
        return self.read(name) if length >= at_hand + WORTH_SAVING else None

    def best(self, run: TokenRun, key: str, most: int) -> tuple[int, str]:
        """(cells shared, name) of the state with the longest common beginning; (0, "") for none."""
        with self._changed:
            known = [(name, one) for name, one in self._known.items() if one.key == key]
        return max(((one.run.shared_with(run, most), name) for name, one in known), default=(0, ""))

    def read(self, name: str) -> SavedState | None:
        """The state, verified; a file that is not sound is removed."""
        with self._changed:
            known = self._known.get(name)
        if known is None:
            return None
        try:
            saved = decode(known.path.read_bytes(), self._identity)
            os.utime(known.path)
        except MemoryError:
            _log.warning("no memory for the state %s; it will be computed again", name)
            return None
        except (OSError, ValueError) as error:
            _log.warning("the state %s cannot be used: %s", name, error)
            self._remove(known.path)
            return None
        return saved

    def write(self, name: str, saved: SavedState) -> bool:
        """Write this soon, on another thread, in place of what had that name. False where too much waits already."""
        file_name = self._file_name(name)
        with self._changed:
            others = [waiting.size for other, waiting in self._waiting.items() if other != file_name]
            if others and sum(others) + saved.size > self._most_waiting:
                return False
            if file_name not in self._forgotten:
                self._waiting[file_name] = saved
                self._changed.notify()
        return True

    def forget(self, name: str) -> None:
        """Remove what has that name, and write it no more."""
        file_name = self._file_name(name)
        with self._changed:
            self._forgotten.add(file_name)
            self._waiting.pop(file_name, None)
        self._remove(self._folder / file_name)

    def remember(self, name: str) -> None:
        """What has that name is written again."""
        with self._changed:
            self._forgotten.discard(self._file_name(name))

    def close(self, seconds: float) -> None:
        """Wait that long at most until all is written."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._writer.join(seconds)

    # ------------------------------------------------------------ the writing thread

    def _write_all(self) -> None:
        while (job := self._next()) is not None:
            name, saved = job
            try:
                self._write(name, saved)
            except Exception as error:  # noqa: BLE001 (the edge of a job: those behind it are written all the same)
                _log.warning("the state %s is not kept: %r", name, error)
            del job, saved  # as large as what is left of the memory: not to be held until the next one comes

    def _next(self) -> tuple[str, SavedState] | None:
        """What has waited longest; None once all is written that is to be written."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            name = next(iter(self._waiting), None)
            return None if name is None else (name, self._waiting.pop(name))

    def _write(self, name: str, saved: SavedState) -> None:
        if saved.size > self._limit:
            return
        path = self._folder / name
        write_atomically(path, encode(saved, self._identity))
        with self._changed:
            wanted = name not in self._forgotten
            if wanted:
                self._known[name] = _Known(path, saved.key, saved.run)
        if not wanted:
            self._remove(path)
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
        with self._changed:
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

    def _remove_halves(self) -> None:
        """Remove what a worker was writing when it was killed."""
        for path in self._folder.glob(f".*{SUFFIX}.*"):
            path.unlink(missing_ok=True)

    def _look(self, path: Path) -> _Known | None:
        """What a file says it holds; None where it is another model's or none of ours."""
        try:
            with path.open("rb") as file:
                head = file.read(len(MAGIC) + 4)
                header = header_of(head + file.read(header_length(head)))
                cells = np.frombuffer(file.read(4 * header.cells), dtype="<i4")
            if header.identity != self._identity or len(cells) != header.cells:
                return None
            return _Known(path, header.key, TokenRun(cells, header.spans))
        except (OSError, ValueError) as error:
            _log.info("%s is no state of ours: %s", path.name, error)
            return None


def identity_of(context: Context, params: LoadParams) -> str:
    """Names a model file and all its states depend on. Raises OSError."""
    model = context.model
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
        context.stretched,
    )
    digest.update(repr(said).encode())
    return digest.hexdigest()


def _used(path: Path) -> tuple[float, int]:
    """(time of last use, bytes) of a file; of one that has gone, nothing."""
    try:
        status = path.stat()
    except OSError:
        return 0.0, 0
    return status.st_mtime, status.st_size
