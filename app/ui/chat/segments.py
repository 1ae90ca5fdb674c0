"""Cuts Markdown, finished or still arriving, into segments that stay as they are once more text follows them.

Every segment is bounded, so that showing one costs a bounded time: prose is cut between blocks once it is long, and in
the middle of a paragraph only when that is enormous. A table that is cut begins again with its header.
"""

import re
from copy import copy
from dataclasses import dataclass
from typing import TypeAlias

SOFT_LIMIT = 1_000
"""Characters after which prose ends at the next block."""
TABLE_LIMIT = 800
"""Characters after which a table is cut: cells cost more than words."""
HARD_LIMIT = 2_000
"""Characters after which prose ends at the next line, or within a longer line."""


@dataclass(frozen=True)
class Prose:
    """Markdown without code fences. `indent` is the depth in columns of the list item it belongs to."""

    text: str
    indent: int = 0
    continues: bool = False
    """Whether it goes on where the segment before it was cut: no gap belongs between them."""


@dataclass(frozen=True)
class Code:
    """The content of one fence; `closed` says whether its end has come."""

    text: str
    language: str = ""
    indent: int = 0
    closed: bool = False


Segment: TypeAlias = Prose | Code

_FENCE = re.compile(r"(?P<indent> *)(?P<marker>(?:[-*+]|\d{1,9}[.)]) +)?(?P<fence>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)$")
_LIST_ITEM = re.compile(r" *(?:[-*+]|\d{1,9}[.)])(?: |$)")
_TABLE_RULE = re.compile(r"\|?(?: *:?-+:? *\|)+(?: *:?-+:? *)?$")
_UNDECIDED = re.compile(r"\s*(?:\d{1,9}[.)]?)?[\s\-=*_`~#>|+:]*$")
"""A last line that may still become a fence, a rule, a list item or an underline: shown once that is decided."""
_SENTENCE_END = re.compile(r"(?<=[.!?;:,]) |(?<=[。！？；：，])")


def split(text: str, *, streaming: bool = False) -> list[Segment]:
    """The segments of a text. While it is `streaming`, all but the last segment are final."""
    return Splitter().split(text, streaming=streaming)


class Splitter:
    """Splits a text that grows, reading only what is new; the result is that of `split`."""

    def __init__(self) -> None:
        self._scanner = _Scanner()
        self._read = ""

    def split(self, text: str, *, streaming: bool = False) -> list[Segment]:
        """The segments of this text, whether or not it continues the one before."""
        if not text.startswith(self._read):
            self._scanner, self._read = _Scanner(), ""
        end = text.rfind("\n") + 1
        for line in text[len(self._read) : end].split("\n")[:-1]:
            self._scanner.feed(line.removesuffix("\r"))
        self._read = text[:end]
        last = self._scanner.copy()
        last.feed_last(text[end:], streaming)
        return last.finish()


@dataclass(frozen=True)
class _Fence:
    mark: str
    indent: int
    language: str

    def closed_by(self, line: str) -> bool:
        content = line.strip()
        return len(content) >= len(self.mark) and set(content) == {self.mark[0]}


class _Scanner:
    """Reads lines and collects segments; its decisions depend on nothing that comes later."""

    def __init__(self) -> None:
        self._segments: list[Segment] = []
        self._lines: list[str] = []
        self._size = 0
        self._fence: _Fence | None = None
        self._indent = 0
        self._continues = False
        self._in_list = False
        self._after_blank = True
        self._table: list[str] = []

    def copy(self) -> "_Scanner":
        """Another scanner that has read the same."""
        other = copy(self)
        other._segments, other._lines, other._table = [*self._segments], [*self._lines], [*self._table]
        return other

    def feed(self, line: str) -> None:
        """Take in a line that is complete."""
        if self._fence is not None:
            self._feed_code(self._fence, line)
        else:
            self._feed_prose(line)

    def feed_last(self, line: str, streaming: bool) -> None:
        """Take in the last line, of which more may come while the text is streaming."""
        if not streaming:
            if line or self._fence is None:
                self.feed(line)
        elif self._fence is not None:
            if line.strip(f" {self._fence.mark[0]}"):
                self._lines.append(_dedent(line, self._fence.indent))
        elif not (_UNDECIDED.match(line) or _FENCE.match(line)):
            self._feed_prose(line)

    def finish(self) -> list[Segment]:
        if self._fence is not None:
            self._end_code(self._fence, closed=False)
        else:
            self._end_prose()
        return self._segments

    def _feed_code(self, fence: _Fence, line: str) -> None:
        if fence.closed_by(line):
            self._end_code(fence, closed=True)
        else:
            self._lines.append(_dedent(line, fence.indent))

    def _end_code(self, fence: _Fence, closed: bool) -> None:
        self._segments.append(Code("\n".join(self._lines), fence.language, fence.indent, closed))
        self._lines = []
        self._fence = None
        self._indent = fence.indent

    def _feed_prose(self, line: str) -> None:
        if line.strip():
            line = self._within_indent(line)
            if self._opens_fence(line):
                return
            self._note_list(line)
            self._cut_if_long(line)
            line = self._cut_within(line)
        self._append(line)
        self._note_table(line)
        self._after_blank = not line.strip()

    def _within_indent(self, line: str) -> str:
        """The line relative to the list item it stands in; ends that item's prose where the line stands outside."""
        if self._indent and _leading(line) < self._indent:
            self._end_prose()
            self._indent = 0
        return line[self._indent :]

    def _opens_fence(self, line: str) -> bool:
        found = _FENCE.match(line)
        if found is None or (len(found["indent"]) > 3 and not self._in_list):
            return False
        marker = found["marker"] or ""
        if marker:
            self._append(found["indent"] + marker.rstrip())
        indent = self._indent + len(found["indent"]) + len(marker)
        self._end_prose()
        language = found["info"].strip().split(" ")[0].strip("{}.").lower()
        self._fence = _Fence(found["fence"], indent, language)
        self._after_blank = True
        return True

    def _note_list(self, line: str) -> None:
        if _LIST_ITEM.match(line):
            self._in_list = True
        elif self._after_blank and not line.startswith(" "):
            self._in_list = False

    def _cut_if_long(self, line: str) -> None:
        starts_block = not line.startswith(" ") and (self._after_blank or bool(_LIST_ITEM.match(line)))
        if self._table and "|" in line:
            if self._size >= TABLE_LIMIT:
                self._cut_table()
        elif self._size >= SOFT_LIMIT and starts_block:
            self._end_prose(cut=not self._after_blank)
        elif self._size >= HARD_LIMIT:
            self._end_prose(cut=True)

    def _cut_table(self) -> None:
        header = self._table
        self._end_prose(cut=True)
        for line in header:
            self._append(line)
        self._table = header

    def _cut_within(self, line: str) -> str:
        """What is left of the line after whole pieces of it have become segments of their own."""
        while self._size + len(line) > HARD_LIMIT and len(line) > SOFT_LIMIT:
            place = _sentence_end(line[: max(HARD_LIMIT - self._size, SOFT_LIMIT)])
            self._append(line[:place].rstrip())
            self._end_prose(cut=True)
            line = line[place:].lstrip()
        return line

    def _note_table(self, line: str) -> None:
        if "|" not in line:
            self._table = []
        elif not self._table and len(self._lines) > 1 and _TABLE_RULE.match(line.strip()):
            self._table = self._lines[-2:] if "|" in self._lines[-2] else []

    def _append(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line) + 1

    def _end_prose(self, cut: bool = False) -> None:
        text = "\n".join(self._lines).strip("\n")
        if text.strip():
            self._segments.append(Prose(text, self._indent, self._continues))
        self._lines = []
        self._size = 0
        self._table = []
        self._continues = cut


def _leading(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _dedent(line: str, indent: int) -> str:
    return line[min(indent, _leading(line)) :]


def _sentence_end(piece: str) -> int:
    """Where to cut: after a sentence that leaves no emphasis or code open, else at a space, else at the end."""
    for found in reversed(list(_SENTENCE_END.finditer(piece, len(piece) // 2))):
        head = piece[: found.end()]
        if head.count("`") % 2 == 0 and head.count("**") % 2 == 0:
            return found.end()
    space = piece.rfind(" ", len(piece) // 2)
    return space + 1 if space > 0 else len(piece)
