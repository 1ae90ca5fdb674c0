"""The way from the tokens of an answer to what its reader is told: text, thinking and tool calls."""

import time
from typing import TypeAlias

from app.backends.llama.output.detokenizer import Detokenizer
from app.backends.llama.output.parser import OutputParser
from app.backends.llama.output.parts import CallPart, OutputPart, TextPart
from app.backends.llama.output.stops import StopFinder
from app.protocol import Delta, DeltaKind, TokenLogprob, ToolCallDelta

Shown: TypeAlias = Delta | ToolCallDelta


class Writing:
    """One answer's text: whole characters, thinking and calls told apart, nothing of a stop string shown."""

    def __init__(self, request_id: int, parser: OutputParser, stop: tuple[str, ...]) -> None:
        self._request_id = request_id
        self._detokenizer = Detokenizer()
        self.parser = parser
        self._stops = StopFinder(stop)
        self._unshown = 0
        """Tokens that no event has counted yet."""
        self._logprobs: list[TokenLogprob] = []
        self._shown_at: dict[DeltaKind, float] = {}
        """When the first text of each kind was there, by `time.perf_counter`."""
        self._last_at = 0.0

    @property
    def stopped(self) -> bool:
        """Whether a stop string has been written."""
        return self._stops.found

    @property
    def thinking_s(self) -> float | None:
        """Seconds from the first word of thinking to the first of the answer, or to the end without one."""
        began = self._shown_at.get(DeltaKind.THINKING)
        return None if began is None else self._shown_at.get(DeltaKind.TEXT, self._last_at) - began

    def feed(self, piece: bytes, logprob: TokenLogprob | None = None) -> list[Shown]:
        """What one more token makes certain."""
        self._unshown += 1
        if logprob is not None:
            self._logprobs.append(logprob)
        text = self._detokenizer.feed(piece)
        return self._events(self.parser.feed(text)) if text else []

    def finish(self, closing: bytes = b"") -> list[Shown]:
        """What was held back, and a text that completes the format; to be called once, at the end."""
        events = self._events(self.parser.feed(self._detokenizer.feed(closing))) if closing else []
        events += self._events(self.parser.finish())
        return events + self._show(DeltaKind.TEXT, self._stops.finish())

    def _events(self, parts: list[OutputPart]) -> list[Shown]:
        events: list[Shown] = []
        for part in parts:
            if isinstance(part, CallPart):
                events.append(self._call(part))
            elif isinstance(part, TextPart):
                events += self._show(DeltaKind.TEXT, self._stops.feed(part.text))
            else:
                events += self._show(DeltaKind.THINKING, part.text)
        return events

    def _show(self, kind: DeltaKind, text: str) -> list[Shown]:
        if not text:
            return []
        self._last_at = time.perf_counter()
        self._shown_at.setdefault(kind, self._last_at)
        logprobs, self._logprobs = tuple(self._logprobs), []
        return [Delta(request_id=self._request_id, text=text, kind=kind, tokens=self._counted(), logprobs=logprobs)]

    def _call(self, part: CallPart) -> ToolCallDelta:
        return ToolCallDelta(
            request_id=self._request_id,
            index=part.index,
            call_id=part.id,
            name=part.name,
            arguments=part.arguments,
            tokens=self._counted(),
        )

    def _counted(self) -> int:
        counted, self._unshown = self._unshown, 0
        return counted
