"""Which GGUF files lie below a folder: bounded in depth and number, safe against loops of links."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

DEPTH = 5
"""Folders below the model folder that are looked into: publisher/model/quantization and some to spare."""
ENTRIES = 50_000
"""Directory entries looked at in all, for a folder that was chosen by mistake."""

_log = logging.getLogger(__name__)


def gguf_files(folder: Path) -> list[Path]:
    """The GGUF files in and below that folder, each once, in order of their paths; [] where there is no folder."""
    found: dict[str, Path] = {}
    for path in sorted(_walk(folder)):
        found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def _walk(folder: Path) -> Iterator[Path]:
    seen: set[str] = set()
    waiting = [(folder, 0)]
    left = ENTRIES
    while waiting:
        here, depth = waiting.pop()
        real = os.path.realpath(here)
        if real in seen:
            continue
        seen.add(real)
        for entry in _entries(here):
            left -= 1
            if left < 0:
                _log.warning("more than %s entries below the model folder; the rest is left out", ENTRIES)
                return
            if entry.name.startswith("."):
                continue
            if entry.name.lower().endswith(".gguf") and os.path.isfile(entry.path):
                yield Path(entry.path)
            elif depth < DEPTH and os.path.isdir(entry.path):
                waiting.append((Path(entry.path), depth + 1))


def _entries(folder: Path) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError as error:
        _log.warning("%s cannot be listed: %s", folder, error)
        return []
