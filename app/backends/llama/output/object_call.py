"""Reads a call written as one JSON object, `{"name": …, "arguments": {…}}`, whatever the order of its keys."""

import json
from collections.abc import Callable, Container

from app.backends.llama.output.arriving import WORD_LIMIT, ArrivingText, Step
from app.backends.llama.output.parts import Parts
from app.backends.llama.output.scanners import JsonScanner, ScanState
from app.format import well_formed

_NAMES = ("name", "tool_name", "function")
_ARGUMENTS = ("arguments", "parameters", "args")
_OTHERS = ("type", "id", "tool_call_id", "call_id")
"""Read and left out: an id often follows the arguments, which are given by then, and repeats from turn to turn."""


class ObjectCall:
    """One such object. Given `known`, only a call of one of these tools is one, and no other key may be in it."""

    def __init__(
        self, text: ArrivingText, parts: Parts, known: Container[str] | None, show: Callable[[str], None]
    ) -> None:
        self._text = text
        self._parts = parts
        self._known = known
        self._show = show
        self._name = ""
        self._held: list[str] | None = None
        """Arguments that came before the name."""
        self._begun = False
        self._broken = False

    def read(self, read_rest: Callable[[], Step[None]]) -> Step[bool]:
        """Read from after the opening brace; `read_rest` takes what follows once the arguments have broken."""
        text = self._text
        while True:
            yield from text.space()
            if (yield from text.literal("}")):
                return self._end()
            entry = yield from self._read_entry()
            if self._broken:
                yield from read_rest()
            if entry is not ScanState.DONE:
                return self._give_up()
            yield from text.space()
            if not (yield from text.literal(",")) and (yield from text.next()) != "}":
                return self._end()

    def _give_up(self) -> bool:
        """What follows complete arguments and belongs to no call is text."""
        if self._begun and not self._broken:
            self._show(self._text.recorded())
        return self._begun

    def _end(self) -> bool:
        """The object is complete, or as good as: models forget the last brace."""
        if self._name and not self._begun and (self._known is None or self._held is not None):
            self._begin()
            self._parts.arguments("{}")
        return self._begun

    def _read_entry(self) -> Step[ScanState]:
        """A key and its value. FAILED: no such entry can be in a call; READING: the text ended within the value."""
        key = yield from self._read_string()
        yield from self._text.space()
        if key is None or not (yield from self._text.literal(":")):
            return ScanState.FAILED
        yield from self._text.space()
        if key in _ARGUMENTS and not self._begun and self._held is None:
            return (yield from self._read_arguments())
        if key in _NAMES and not self._name and (yield from self._text.next()) == '"':
            return self._take_name((yield from self._read_string()))
        if self._known is not None and key not in _OTHERS:
            return ScanState.FAILED
        return (yield from self._skip_value())

    def _take_name(self, name: str | None) -> ScanState:
        if not name or len(name) > WORD_LIMIT or (self._known is not None and name not in self._known):
            return ScanState.FAILED
        self._name = name
        if self._held is not None:
            self._begin()
            self._parts.arguments("".join(self._held))
        return ScanState.DONE

    def _read_arguments(self) -> Step[ScanState]:
        mark = yield from self._text.next()
        if mark == "{":
            if self._name:
                return (yield from self._stream_arguments())
            self._held = []
            return (yield from self._text.scan(JsonScanner(), self._held.append))
        written = yield from self._read_string()
        if written is None:
            return ScanState.DONE if (yield from self._text.literal("null")) else ScanState.FAILED
        scanner = JsonScanner()
        if scanner.feed(written, 0) != len(written) or scanner.state is not ScanState.DONE:
            return ScanState.FAILED
        self._held = [written]
        if self._name:
            self._begin()
            self._parts.arguments(written)
        return ScanState.DONE

    def _stream_arguments(self) -> Step[ScanState]:
        self._begin()
        state = yield from self._text.scan(JsonScanner(), self._parts.arguments)
        self._broken = state is ScanState.FAILED
        self._text.record()
        return state

    def _begin(self) -> None:
        self._begun = True
        self._parts.begin_call(self._name)
        self._text.record()

    def _read_string(self) -> Step[str | None]:
        """A JSON string; None where there is none, or it breaks."""
        if (yield from self._text.next()) != '"':
            return None
        pieces: list[str] = []
        if (yield from self._text.scan(JsonScanner(), pieces.append)) is not ScanState.DONE:
            return None
        return well_formed(json.loads("".join(pieces)))

    def _skip_value(self) -> Step[ScanState]:
        if (yield from self._text.next()) in ("{", "[", '"'):
            return (yield from self._text.scan(JsonScanner(), lambda _text: None))
        return ScanState.DONE if (yield from self._text.word()) else ScanState.FAILED
