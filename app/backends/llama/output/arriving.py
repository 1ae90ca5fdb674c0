"""Text that is still arriving, read by generators as if it were all there: a bare `yield` waits for more of it.

What is read depends on the text alone and never on where it was cut: that holds for every method here, and so for
whatever is made of them.
"""

import re
from collections.abc import Callable, Generator, Iterable
from typing import Protocol, TypeAlias, TypeVar

from app.backends.llama.output.scanners import ScanState

T = TypeVar("T")
Step: TypeAlias = Generator[None, None, T]
"""Reads something; yields where more text is needed."""

WORD_LIMIT = 128
"""Characters of a name; longer ones are no names."""
_WORD = re.compile(r"[\w.:/\-]*")


class Scanner(Protocol):
    state: ScanState

    def feed(self, text: str, at: int) -> int: ...


class Markers:
    """A set of texts to look for, with what is needed to know that one may be beginning."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = sorted({text for text in texts if text}, key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, self.texts))) if self.texts else None
        self._beginnings = {text[:length] for text in self.texts for length in range(1, len(text))}
        self._longest = max(map(len, self.texts), default=0)

    def begins_at(self, text: str, start: int) -> int:
        """Where the end of `text` may be the true beginning of a marker, at `start` or later; else its length."""
        for at in range(max(start, len(text) - self._longest + 1), len(text)):
            if text[at:] in self._beginnings:
                return at
        return len(text)


class ArrivingText:
    """Text with a place up to which it has been read. `taken` texts can be recorded, to be shown as they were."""

    def __init__(self) -> None:
        self._text = ""
        self._at = 0
        self._ended = False
        self._recorded: list[str] | None = None

    def add(self, text: str) -> None:
        self._text = self._text[self._at :] + text
        self._at = 0

    def end(self) -> None:
        """Nothing follows."""
        self._ended = True

    def record(self, first: str = "") -> None:
        """Keep what is taken from now on, after `first`."""
        self._recorded = [first]

    def recorded(self) -> str:
        """What was taken since `record`."""
        return "".join(self._recorded or [])

    def stop_recording(self) -> str:
        """What was taken since `record`; no more is kept."""
        recorded, self._recorded = self.recorded(), None
        return recorded

    def take(self, count: int) -> str:
        taken = self._text[self._at : self._at + count]
        self._at += len(taken)
        if self._recorded is not None:
            self._recorded.append(taken)
        return taken

    def more(self) -> Step[bool]:
        """Wait for more; False where none will come."""
        if self._ended:
            return False
        yield
        return True

    def literal(self, text: str) -> Step[bool]:
        """Take that text if it comes now; otherwise nothing is taken."""
        while len(self._text) - self._at < len(text):
            if not text.startswith(self._text[self._at :]) or not (yield from self.more()):
                return False
        if not self._text.startswith(text, self._at):
            return False
        self.take(len(text))
        return True

    def space(self) -> Step[str]:
        """Take the white space that comes now, and return it."""
        taken = []
        while True:
            rest = self._at
            while rest < len(self._text) and self._text[rest].isspace():
                rest += 1
            taken.append(self.take(rest - self._at))
            if self._at < len(self._text) or not (yield from self.more()):
                return "".join(taken)

    def word(self) -> Step[str]:
        """Take the name that comes now: letters, digits and `_ - . : /`, at most WORD_LIMIT; may be empty."""
        while True:
            match = _WORD.match(self._text, self._at, self._at + WORD_LIMIT)
            end = match.end() if match else self._at
            if end < len(self._text) or not (yield from self.more()):
                return self.take(end - self._at)

    def near(self, marker: str, limit: int) -> Step[str | None]:
        """Take the text before a marker that begins within `limit` characters, and it; else None and nothing taken."""
        while (found := self._text.find(marker, self._at, self._at + limit + len(marker))) < 0:
            if len(self._text) - self._at >= limit + len(marker) or not (yield from self.more()):
                return None
        before = self.take(found - self._at)
        self.take(len(marker))
        return before

    def until(self, marker: str) -> Step[str | None]:
        """Take the text before the marker, and it; where it never comes everything is taken, and None returned."""
        pieces: list[str] = []
        found = yield from self.stream(Markers([marker]), pieces.append)
        return "".join(pieces) if found else None

    def stream(self, markers: Markers, emit: Callable[[str], None]) -> Step[str | None]:
        """Give all text before the first marker to `emit` as soon as it is certain; take the marker and return it.

        Of markers that begin at one place the longest counts. None where none comes.
        """
        while True:
            match = markers.pattern.search(self._text, self._at) if markers.pattern else None
            waits = len(self._text) if self._ended else markers.begins_at(self._text, self._at)
            if match is not None and match.start() < waits:
                self._give(match.start(), emit)
                return self.take(len(match.group()))
            self._give(waits, emit)
            if not (yield from self.more()):
                return None

    def scan(self, scanner: Scanner, emit: Callable[[str], None]) -> Step[ScanState]:
        """Give what the scanner reads to `emit` as it comes. READING is returned where the text ends before that."""
        while True:
            self._give(scanner.feed(self._text, self._at), emit)
            if scanner.state is not ScanState.READING or not (yield from self.more()):
                return scanner.state

    def next(self) -> Step[str]:
        """The next character, not taken; empty at the end."""
        while self._at == len(self._text):
            if not (yield from self.more()):
                return ""
        return self._text[self._at]

    def _give(self, end: int, emit: Callable[[str], None]) -> None:
        if end > self._at:
            emit(self.take(end - self._at))
