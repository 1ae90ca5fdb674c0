"""KV states on the disk: the engine keeps each under its conversation's number, and they go when that goes."""

import contextlib
import logging
import re
from collections.abc import Callable
from pathlib import Path

_NAME = re.compile(r"(\d+)(?:\D.*)?")
"""A state's file begins with the name it was kept as."""

_log = logging.getLogger(__name__)


def remove_states(folder: Path, goes: Callable[[int], bool]) -> None:
    """Remove the files of those conversations. One that cannot be removed now is found again at the next start."""
    with contextlib.suppress(FileNotFoundError):
        for path in list(folder.iterdir()):
            if (match := _NAME.fullmatch(path.name)) and goes(int(match[1])):
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    _log.warning("%s stays: %s", path, error)
