"""Writing files so that a crash, a full disk or a second reader never meets half of one."""

import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from app.errors import AppError


def make_folder(folder: Path) -> None:
    """Make the folder and those missing above it, for this user alone, as the XDG base directories want it.

    Raises OSError.
    """
    if not folder.is_dir():
        if folder.parent != folder:
            make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def write_atomically(path: Path, content: bytes | Iterable[bytes | memoryview], mode: int = 0o600) -> None:
    """Replace the file in one step. Raises AppError("disk_full") or AppError("folder_read_only").

    Content that comes in pieces is never held as a whole.
    """
    try:
        make_folder(path.parent)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines((content,) if isinstance(content, bytes) else content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, mode)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise storage_error(error, path.parent) from error


def storage_error(error: OSError, folder: Path) -> AppError | OSError:
    """The kind AppError for a full or read-only disk; any other error unchanged."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return AppError("disk_full", folder=str(folder))
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return AppError("folder_read_only", folder=str(folder))
    return error
