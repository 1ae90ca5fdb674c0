"""What llama.cpp says while it works: its last lines, kept to tell why something failed."""

import logging
import re
from collections import deque

from app.backends.llama.binding import capture_log

_WARNING = 3
_LINES = 400
_BUFFER = " buffer size "
_OFFLOADED = re.compile(r"offloaded (\d+)/(\d+) layers")

_log = logging.getLogger(__name__)


class EngineLog:
    """The last lines llama.cpp wrote; warnings and errors also go to the log file."""

    def __init__(self) -> None:
        self.lines: deque[tuple[int, str]] = deque(maxlen=_LINES)
        self.buffers: deque[str] = deque(maxlen=_LINES)
        """What it said of its buffers; a large model says so much else that these would be lost."""
        self._rest = ""
        self._level = 0
        capture_log(self._receive)

    def last_error(self) -> str:
        """The most telling line about what went wrong; "" if nothing was said."""
        errors = [line for level, line in self.lines if level > _WARNING]
        telling = [line for line in errors if "error" in line] or errors
        return telling[0].rpartition("error loading model: ")[2] if telling else ""

    def offloaded(self) -> tuple[int, int]:
        """(layers on graphics cards, layers in all) of the model loaded last."""
        for _, line in reversed(self.lines):
            if match := _OFFLOADED.search(line):
                return int(match[1]), int(match[2])
        return 0, 0

    def write_down(self) -> None:
        """Put all lines into the log file."""
        for _, line in self.lines:
            _log.info("llama.cpp: %s", line)

    def _receive(self, level: int, text: str) -> None:
        if level in (1, 2, 3, 4):
            self._level = level
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if line.strip():
                self.lines.append((self._level, line))
                if _BUFFER in line:
                    self.buffers.append(line)
                if self._level >= _WARNING:
                    _log.warning("llama.cpp: %s", line)
