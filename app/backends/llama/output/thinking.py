"""Tells thinking from answer: splits `<think>…</think>` from text whose chunks may end anywhere."""

from app.backends.llama.output.stops import longest_overlap
from app.protocol import DeltaKind

OPEN, CLOSE = "<think>", "</think>"


class ThinkingSplitter:
    """An incremental splitter.

    Thinking is recognised before the first word of the answer only: later the tag is something the answer talks about.
    White space around both parts is dropped. `thinking` says that the prompt had opened the tag already.
    """

    def __init__(self, thinking: bool = False) -> None:
        self._kind = DeltaKind.THINKING if thinking else DeltaKind.TEXT
        self._rest = ""
        self._began = False
        """Whether the part being read has shown anything yet."""
        self._answering = False
        """Whether a word of the answer itself has been seen."""
        self._trim = thinking

    def feed(self, text: str) -> list[tuple[DeltaKind, str]]:
        """The parts that are certain by now."""
        self._rest += text
        parts: list[tuple[DeltaKind, str]] = []
        while not self._answering:
            tag = CLOSE if self._kind is DeltaKind.THINKING else OPEN
            at = self._rest.find(tag)
            if at < 0 or (tag is OPEN and self._rest[:at].strip()):
                break
            self._emit(parts, self._rest[:at].rstrip() if tag is CLOSE else "")
            self._switch(self._rest[at + len(tag) :])
        self._emit(parts, self._take_certain())
        return parts

    def finish(self) -> list[tuple[DeltaKind, str]]:
        """What was still held back, now that nothing follows."""
        parts: list[tuple[DeltaKind, str]] = []
        rest = self._rest.rstrip() if self._kind is DeltaKind.THINKING else self._rest
        self._rest = ""
        self._emit(parts, rest)
        return parts

    def _switch(self, rest: str) -> None:
        self._kind = DeltaKind.TEXT if self._kind is DeltaKind.THINKING else DeltaKind.THINKING
        self._rest, self._began, self._trim = rest, False, True

    def _take_certain(self) -> str:
        """Cut off and return what can no longer become part of a tag or of white space to drop."""
        held = 0 if self._answering else self._uncertain_length()
        certain = self._rest[: len(self._rest) - held]
        self._rest = self._rest[len(certain) :]
        return certain

    def _uncertain_length(self) -> int:
        if self._kind is DeltaKind.THINKING:
            tag_start = longest_overlap(self._rest, CLOSE)
            before_tag = self._rest[: len(self._rest) - tag_start]
            return tag_start + len(before_tag) - len(before_tag.rstrip())
        start = self._rest.lstrip()
        return len(self._rest) if OPEN.startswith(start) else 0

    def _emit(self, parts: list[tuple[DeltaKind, str]], text: str) -> None:
        if not self._began and self._trim:
            text = text.lstrip()
        if not text:
            return
        self._began = True
        self._answering = self._answering or self._kind is DeltaKind.TEXT
        parts.append((self._kind, text))
