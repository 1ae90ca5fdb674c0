"""Reads answers in Functionary's format: `all` and text, or a tool's name and arguments, each begun by `>>>`."""

from collections.abc import Sequence

from app.backends.llama.output.arriving import WORD_LIMIT, ArrivingText, Markers, Step
from app.backends.llama.output.calls import CallReader
from app.backends.llama.output.families import Family
from app.backends.llama.output.parts import Parts, Trimmer
from app.backends.llama.output.reading import Reader
from app.protocol import ToolSpec

_BEGINS = ">>>"
_EVERYBODY = "all"


class RecipientReader(Reader):
    """Text for the person and calls in turn. The prompt has written the first `>>>` already."""

    def __init__(
        self, text: ArrivingText, parts: Parts, family: Family, opens_thinking: bool, tools: Sequence[ToolSpec]
    ) -> None:
        super().__init__(text, parts, thinking=False)
        self._names = {tool.name for tool in tools}
        self._calls = CallReader(text, parts, family.calls, tools)
        self._answer = Trimmer(parts.text, left=False)

    def read(self) -> Step[None]:
        """The whole answer."""
        marker: str | None = ""
        if (yield from self._text.literal(_BEGINS)):
            marker = _BEGINS
        while marker is not None:
            yield from self._read_part(marker)
            marker = yield from self._text.stream(Markers([_BEGINS]), self._answer.feed)
        self._answer.flush()

    def _read_part(self, marker: str) -> Step[None]:
        """Whom the part is for, and its call; text is left to be read. An unknown recipient is text as well."""
        self._text.record(self._answer.take_held() + marker)
        recipient = yield from self._text.near("\n", WORD_LIMIT)
        if recipient in self._names and recipient is not None:
            self._answer.trim_next()
            began = self._parts.calls
            if (yield from self._calls.read_arguments(recipient)):
                self.call_ended = self._parts.calls > began
                self._text.record()
                yield from self._text.space()
                self._text.stop_recording()
                return
        shown = self._text.stop_recording()
        self._answer.feed("" if recipient == _EVERYBODY else shown)
