"""Where the rows of a column lie: heights, gaps and tops, without a widget at hand."""

from bisect import bisect_right
from dataclasses import dataclass
from operator import attrgetter

from app.ui.chat.row_widget import RowWidget
from app.ui.chat.rows import Row

_LEAST_HEIGHT = 32
_LINE_HEIGHT, _CHARACTER_WIDTH = 24, 8
"""What a row is taken for until it is measured, in pixels."""
_top = attrgetter("top")


@dataclass(eq=False, slots=True)
class Entry:
    """One row in the column: where it is, how high, and its widget while it has one. Lengths in pixels."""

    message_id: int
    row: Row
    gap: int = 0
    """Space above it."""
    height: int = 0
    top: int = 0
    measured_for: int = -1
    """The width its height was measured for; -1 while the height is an estimate."""
    widget: RowWidget | None = None


class Stack:
    """Entries one below the other, with a margin above and below them. Lengths in pixels."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._width = self._margin = 0
        self._height = 0
        self._stale = False

    @property
    def entries(self) -> list[Entry]:
        return self._entries

    def show(self, entries: list[Entry]) -> None:
        """These entries and no others."""
        self._entries = entries
        self._stale = True

    def place(self, width: int, margin: int) -> int:
        """Give every entry its top where anything has changed. Returns the height of all of them."""
        if self._stale or (width, margin) != (self._width, self._margin):
            self._width, self._margin, self._stale = width, margin, False
            y = margin
            for entry in self._entries:
                if not entry.height and entry.measured_for < 0:
                    entry.height = _estimate(entry.row, width)
                entry.top = y = y + entry.gap
                y += entry.height
            self._height = y + margin
        return self._height

    def measured(self, entry: Entry, width: int, height: int) -> None:
        """An entry has this height at that width."""
        self._stale = self._stale or height != entry.height
        entry.height, entry.measured_for = height, width

    def unsettle(self, entry: Entry) -> None:
        """An entry has to be measured again; until then it keeps its height."""
        entry.measured_for = -1
        self._stale = True

    def index_at(self, y: float) -> int:
        """The place of the entry that `y` lies in; gaps belong to the entry above them."""
        return max(bisect_right(self._entries, y, key=_top) - 1, 0)

    def between(self, start: float, end: float) -> list[Entry]:
        """The entries that reach into that stretch."""
        return self._entries[self.index_at(start) : bisect_right(self._entries, end, key=_top)]


def _estimate(row: Row, width: int) -> int:
    text: str = getattr(row, "text", "")
    if not text:
        return _LEAST_HEIGHT
    return _LINE_HEIGHT * (1 + len(text) * _CHARACTER_WIDTH // max(width, 1) + text.count("\n"))
