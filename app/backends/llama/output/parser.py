"""Reads an answer as it is written: tells thinking, text and calls of tools apart, wherever the pieces end."""

from collections.abc import Callable, Mapping, Sequence

from app.backends.llama.output.arriving import ArrivingText
from app.backends.llama.output.channels import ChannelReader
from app.backends.llama.output.families import Family
from app.backends.llama.output.parts import OutputPart, Parts
from app.backends.llama.output.plain import PlainReader
from app.backends.llama.output.reading import Reader
from app.backends.llama.output.recipients import RecipientReader
from app.backends.llama.output.syntax import Layout
from app.protocol import ToolSpec

_READERS: Mapping[Layout, Callable[[ArrivingText, Parts, Family, bool, Sequence[ToolSpec]], Reader]] = {
    Layout.PLAIN: PlainReader,
    Layout.CHANNELS: ChannelReader,
    Layout.RECIPIENTS: RecipientReader,
}


class OutputParser:
    """Give it text with `feed`, then `finish` once; both return the parts that are certain.

    Thinking is recognised before the first word of the answer: later its tag is something the answer talks about, as is
    a call inside a code fence. Calls are recognised where tools are given. White space at both ends of thinking and
    around calls is dropped; all other text comes out once, as it is.
    """

    def __init__(
        self, family: Family, opens_thinking: bool = False, tools: Sequence[ToolSpec] = (), *, parallel: bool = True
    ) -> None:
        self._text = ArrivingText()
        self._parts = Parts()
        self._parallel = parallel
        self._reader = _READERS[family.syntax.layout](self._text, self._parts, family, opens_thinking, tools)
        self._steps = self._reader.read()
        next(self._steps)

    @property
    def thinking(self) -> bool:
        """Whether the answer is inside its thinking now."""
        return self._reader.thinking

    @property
    def calls(self) -> int:
        """Calls begun so far."""
        return self._parts.calls

    @property
    def ends_turn(self) -> bool:
        """Whether nothing more is wanted of the model: it has made all its calls."""
        return self._reader.turn_ended or (self._reader.call_ended and not self._parallel)

    def feed(self, text: str) -> list[OutputPart]:
        """What this text makes certain."""
        self._text.add(text)
        next(self._steps, None)
        return self._parts.take()

    def finish(self) -> list[OutputPart]:
        """What was held back, now that nothing follows."""
        self._text.end()
        for _ in self._steps:
            raise AssertionError("a reader waits for more than there is")
        return self._parts.take()
