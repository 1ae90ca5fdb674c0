"""Reads answers in the harmony format of gpt-oss: messages on channels, each with a header.

`<|channel|>analysis<|message|>…<|end|>` is thinking, `final` is the answer, and a header with `to=functions.NAME` makes
the message a call.
"""

import re
from collections.abc import Callable, Sequence

from app.backends.llama.output.arriving import ArrivingText, Markers, Step
from app.backends.llama.output.calls import CallReader
from app.backends.llama.output.families import Family
from app.backends.llama.output.parts import Parts, Trimmer
from app.backends.llama.output.reading import Reader
from app.protocol import ToolSpec

_HEADER_LIMIT = 400
_BEGINNINGS = ("<|start|>", "<|channel|>", " to=", "to=")
_ENDS = Markers(["<|end|>", "<|return|>", "<|call|>", "<|start|>", "<|channel|>"])
_RECIPIENT = re.compile(r"to=functions\.([\w.\-]{1,128})")
_CHANNEL = re.compile(r"\s*(\w*)")


class ChannelReader(Reader):
    """One message after the other; text outside of messages is the answer's."""

    def __init__(
        self, text: ArrivingText, parts: Parts, family: Family, opens_thinking: bool, tools: Sequence[ToolSpec]
    ) -> None:
        super().__init__(text, parts, thinking=opens_thinking)
        self._names = {tool.name for tool in tools}
        self._calls = CallReader(text, parts, family.calls, tools)
        self._next = ""
        """The text that began the next message, already taken."""

    def read(self) -> Step[None]:
        """The whole answer."""
        if self.thinking:
            yield from self._think()
        while self._next or (yield from self._text.next()):
            header = yield from self._read_header()
            if header is None:
                yield from self._read_body(self._parts.text)
            else:
                yield from self._read_message(header)

    def _read_header(self) -> Step[str | None]:
        """The header, or None where text comes; what only looked like a header is shown."""
        self._text.record(self._next)
        began, self._next = self._next, ""
        for beginning in _BEGINNINGS:
            began = began or (beginning if (yield from self._text.literal(beginning)) else "")
        header = (yield from self._text.near("<|message|>", _HEADER_LIMIT)) if began else None
        shown = self._text.stop_recording()
        if header is None:
            self._parts.text(shown)
            return None
        return began + header

    def _read_message(self, header: str) -> Step[None]:
        recipient = _RECIPIENT.search(header)
        channel = _CHANNEL.match(header.rpartition("<|channel|>")[2])
        if recipient and recipient[1] in self._names:
            yield from self._read_call(recipient[1])
        elif channel and channel[1] == "analysis":
            yield from self._think()
        else:
            yield from self._read_body(self._parts.text)

    def _read_call(self, name: str) -> Step[None]:
        self._text.record()
        began = self._parts.calls
        yield from self._calls.read_arguments(name)
        self._parts.text(self._text.stop_recording())
        self.call_ended = self._parts.calls > began
        left = Trimmer(self._parts.text)
        yield from self._read_body(left.feed)
        self.turn_ended = self.call_ended and not self._next

    def _think(self) -> Step[None]:
        self.thinking = True
        yield from self._read_body(Trimmer(self._parts.thinking).feed)
        self.thinking = False

    def _read_body(self, emit: Callable[[str], None]) -> Step[None]:
        end = yield from self._text.stream(_ENDS, emit)
        self._next = end if end in ("<|start|>", "<|channel|>") else ""
