"""Logging for every process: one rotated file per kind of process, and a file for crashes below Python.

What people write and what models answer is never logged: log codes, counts, names and times.
"""

import faulthandler
import logging
import sys
import threading
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import TextIO

from app.files import make_folder

MAX_BYTES = 1_000_000
KEPT_FILES = 3
FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


class _SharedRotatingFile(RotatingFileHandler):
    """A rotated file that several processes of one kind may write: whoever cannot rename it goes on writing."""

    def doRollover(self) -> None:  # noqa: N802 (the name is logging's)
        try:
            super().doRollover()
        except OSError:
            self.stream = self._open()


def set_up_logging(kind: str, folder: Path, level: int = logging.INFO) -> None:
    """Send this process's log to `<folder>/<kind>.log`, uncaught exceptions too, and crashes to `<kind>-crash.log`.

    Where the folder cannot be written the log goes to standard error: a missing log stops nobody.
    """
    root = logging.getLogger()
    root.setLevel(level)
    handler = _file_handler(kind, folder) or logging.StreamHandler()
    handler.setFormatter(logging.Formatter(FORMAT))
    root.addHandler(handler)
    logging.captureWarnings(True)
    faulthandler.enable(_crash_file(kind, folder) or sys.stderr)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _file_handler(kind: str, folder: Path) -> logging.Handler | None:
    try:
        make_folder(folder)
        return _SharedRotatingFile(
            folder / f"{kind}.log", maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8", errors="replace"
        )
    except OSError:
        return None


def _crash_file(kind: str, folder: Path) -> TextIO | None:
    """The open file for faulthandler, which writes to its descriptor when Python no longer can."""
    path = folder / f"{kind}-crash.log"
    try:
        if path.exists() and path.stat().st_size > MAX_BYTES:
            path.unlink()
        return path.open("a", encoding="utf-8")
    except OSError:
        return None


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        logging.getLogger("uncaught").critical("uncaught exception", exc_info=(kind, error, trace))
    sys.__excepthook__(kind, error, trace)


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
