"""SQLite's faults, told as ours: a full disk, a folder that may not be written, a file that is damaged or held."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import AppError
from app.files import storage_error

_PASSING = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL}
)
"""Another program holds the file, or its disk does not answer: it may work again in a moment."""
_BLOCK = 64 * 1024
"""Bytes: a disk with less than this free counts as full where SQLite only says that input or output failed."""


def sqlite_error(error: sqlite3.Error, path: Path) -> AppError | sqlite3.Error:
    """The kind AppError for what can befall a database file at `path`; bugs and all else unchanged.

    The codes are SQLite's primary result codes (https://www.sqlite.org/rescode.html), the low byte of each.
    """
    folder = path.parent
    primary = getattr(error, "sqlite_errorcode", -1) & 0xFF
    if primary == sqlite3.SQLITE_FULL or (primary == sqlite3.SQLITE_IOERR and _disk_is_full(folder)):
        return AppError("disk_full", folder=str(folder))
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return AppError("folder_read_only", folder=str(folder))
    if primary == sqlite3.SQLITE_CANTOPEN and not os.access(folder, os.W_OK):
        return AppError("folder_read_only", folder=str(folder))
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return AppError("database_damaged", path=str(path), reason=str(error))
    if primary in _PASSING:
        return AppError("database_unavailable", path=str(path), reason=str(error))
    return error


@contextmanager
def faults_of(path: Path) -> Iterator[None]:
    """Whatever SQLite or the system says about this database inside the block is raised as the AppError that fits."""
    try:
        yield
    except sqlite3.Error as error:
        raise sqlite_error(error, path) from error
    except OSError as error:
        raise storage_error(error, path.parent) from error


def _disk_is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _BLOCK
    except OSError as error:
        return error.errno == errno.ENOSPC
