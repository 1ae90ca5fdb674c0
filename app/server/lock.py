"""The lock that makes the backend the only one of its home; the system releases it when the process dies."""

import os
from pathlib import Path
from types import TracebackType

from app.files import make_folder, storage_error

if os.name == "nt":
    import msvcrt
else:
    import fcntl


class HeldElsewhere(Exception):
    """Another process holds the lock."""


class Lock:
    """A lock file, held from construction until `release`. Raises HeldElsewhere, or AppError where it cannot write."""

    def __init__(self, path: Path) -> None:
        try:
            make_folder(path.parent)
            self._file = path.open("a+b")
        except OSError as error:
            raise storage_error(error, path.parent) from error
        try:
            _lock(self._file.fileno())
        except OSError as error:
            self._file.close()
            raise HeldElsewhere from error

    def release(self) -> None:
        """Let go. The file stays: removing it would let two processes hold two locks of one name."""
        self._file.close()

    def __enter__(self) -> "Lock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _lock(descriptor: int) -> None:
    if os.name == "nt":
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
