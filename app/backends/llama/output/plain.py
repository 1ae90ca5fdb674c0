"""Reads answers that think between tags and then write, with calls between texts of their own."""

from collections.abc import Sequence

from app.backends.llama.output.arriving import ArrivingText, Markers, Step
from app.backends.llama.output.calls import CallReader
from app.backends.llama.output.families import Family
from app.backends.llama.output.parts import Parts, Trimmer
from app.backends.llama.output.reading import Reader
from app.protocol import ToolSpec

_FENCE = "```"


class PlainReader(Reader):
    """Thinking, then text with calls in it. Calls inside code fences are what the text is about."""

    def __init__(
        self, text: ArrivingText, parts: Parts, family: Family, opens_thinking: bool, tools: Sequence[ToolSpec]
    ) -> None:
        super().__init__(text, parts, thinking=opens_thinking)
        self._syntax = family.syntax
        self._opens, self._closes = (tag.strip() for tag in family.thinking)
        self._answer = Trimmer(parts.text, left=False)
        self._calls = CallReader(text, parts, family.calls, tools, self._show) if tools else None
        openers = (*family.calls.openers, _FENCE) if tools else ()
        self._markers = Markers([*family.syntax.wrappers, *openers])
        self._line_is_blank = True
        self._in_fence = False

    def read(self) -> Step[None]:
        """The whole answer."""
        blank = yield from self._read_thinking()
        if self._calls is None:
            self._parts.text(blank)
            yield from self._read_text_alone()
            return
        bare = self._syntax.calls.bare and (yield from self._text.next()) in ("{", "[")
        if bare and (yield from self._calls.read("", before=blank)):
            self.call_ended = self.turn_ended = True
            self._answer.trim_next()
        elif not bare:
            self._show(blank)
        yield from self._read_text(self._calls)
        self._answer.flush()

    def _read_thinking(self) -> Step[str]:
        """All thinking there is; returns the white space before the answer where there was none."""
        thought = self.thinking
        if self.thinking:
            yield from self._think()
        while True:
            blank = yield from self._text.space()
            if (yield from self._text.literal(self._opens)):
                yield from self._think()
            elif not (yield from self._text.literal(self._closes)):
                return "" if thought else blank
            thought = True

    def _think(self) -> Step[None]:
        self.thinking = True
        trimmer = Trimmer(self._parts.thinking)
        yield from self._text.stream(Markers([self._closes]), trimmer.feed)
        self.thinking = False

    def _read_text_alone(self) -> Step[None]:
        while (yield from self._text.stream(self._markers, self._parts.text)) is not None:
            continue

    def _read_text(self, calls: CallReader) -> Step[None]:
        while (marker := (yield from self._text.stream(self._markers, self._show))) is not None:
            if marker == _FENCE:
                self._in_fence ^= self._line_is_blank
                self._show(marker)
            elif marker in self._syntax.wrappers:
                continue
            elif self._in_fence:
                self._show(marker)
            elif (yield from calls.read(marker, before=self._answer.take_held())):
                self.call_ended, self.turn_ended = True, calls.section_ended
                self._answer.trim_next()

    def _show(self, text: str) -> None:
        line = text[text.rfind("\n") + 1 :]
        self._line_is_blank = not line.strip() and (self._line_is_blank or len(line) < len(text))
        self._answer.feed(text)
