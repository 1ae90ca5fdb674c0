"""Writes one answer: prompt, prefill, sampling, and the text between the tokens and the reader."""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

from app.backends.base import AnswerPart
from app.backends.llama.detokenizer import Detokenizer
from app.backends.llama.engine import Engine
from app.backends.llama.prompt import Prompt
from app.backends.llama.sampling import Sampler, decide
from app.backends.llama.stops import StopFinder
from app.backends.llama.thinking import ThinkingSplitter
from app.errors import AppError
from app.protocol import Delta, DeltaKind, Finished, FinishReason, Generate, GenerationStats, Prefill


class AnswerText:
    """Turns the bytes of tokens into deltas: whole characters, thinking told apart, nothing of a stop string shown."""

    def __init__(self, request: Generate, opens_thinking: bool) -> None:
        self._request_id = request.request_id
        self._detokenizer = Detokenizer()
        self._splitter = ThinkingSplitter(opens_thinking)
        self._stops = StopFinder(request.sampling.stop)
        self._unshown = 0
        """Tokens whose text has not been sent yet."""

    @property
    def stopped(self) -> bool:
        """Whether a stop string has been written."""
        return self._stops.found

    def feed(self, piece: bytes) -> list[Delta]:
        """What one more token makes certain."""
        self._unshown += 1
        parts = self._splitter.feed(self._detokenizer.feed(piece))
        return self._deltas([(kind, self._checked(kind, text)) for kind, text in parts])

    def finish(self) -> list[Delta]:
        """What was held back; to be called once, at the end."""
        parts = [(kind, self._checked(kind, text)) for kind, text in self._splitter.finish()]
        return self._deltas([*parts, (DeltaKind.TEXT, self._stops.finish())])

    def _checked(self, kind: DeltaKind, text: str) -> str:
        return self._stops.feed(text) if kind is DeltaKind.TEXT else text

    def _deltas(self, parts: list[tuple[DeltaKind, str]]) -> list[Delta]:
        deltas = []
        for kind, text in parts:
            if text:
                deltas.append(Delta(request_id=self._request_id, text=text, kind=kind, tokens=self._unshown))
                self._unshown = 0
        return deltas


@dataclass
class Answer:
    """One answer in the making. `arrived` is the request's arrival by `time.perf_counter`."""

    engine: Engine
    request: Generate
    prompt: Prompt
    arrived: float
    cancelled: Callable[[], bool]
    written: int = 0
    first_at: float | None = None
    last_at: float = 0.0
    _shown_at: dict[DeltaKind, float] = field(default_factory=dict)
    """When the first text of each kind was there."""

    def parts(self) -> Iterator[AnswerPart]:
        """Prefill, Delta and at last Finished. Raises AppError: "prompt_too_long" or "generation_failed"."""
        tokens, room = self.prompt.tokens, self.engine.context_length
        if len(tokens) >= room:
            raise AppError("prompt_too_long", prompt_tokens=len(tokens), context_length=room)
        for done in self.engine.prefill(tokens, self.cancelled):
            yield Prefill(request_id=self.request.request_id, done=done, total=len(tokens))
        text = AnswerText(self.request, self.prompt.opens_thinking)
        reason = yield from self._write(text)
        yield from text.finish()
        yield Finished(request_id=self.request.request_id, stats=self._stats(reason))

    def _write(self, text: AnswerText) -> Generator[Delta, None, FinishReason]:
        """Sample until something ends the answer; returns what did."""
        if self.cancelled():
            return FinishReason.CANCELLED
        vocabulary = self.engine.vocabulary
        choice = decide(self.request.sampling, self.engine.recommended_sampling)
        sampler = Sampler(choice, vocabulary.size, self.prompt.tokens)
        try:
            while True:
                token = sampler.sample(self.engine.context)
                ended = vocabulary.ends_answer(token)
                self._count_token(ended)
                if ended:
                    return FinishReason.STOP
                for delta in text.feed(vocabulary.piece(token)):
                    self._shown_at.setdefault(delta.kind, self.last_at)
                    yield delta
                if (reason := self._end_reason(text)) is not None:
                    return reason
                self.engine.append(token)
        finally:
            sampler.close()

    def _count_token(self, ended: bool) -> None:
        now = time.perf_counter()
        self.first_at = self.first_at or now
        if not ended:
            self.last_at = now
            self.written += 1

    def _end_reason(self, text: AnswerText) -> FinishReason | None:
        limit = self.request.sampling.max_tokens
        if text.stopped:
            return FinishReason.STOP
        if self.cancelled():
            return FinishReason.CANCELLED
        if limit is not None and self.written >= limit:
            return FinishReason.LENGTH
        if len(self.prompt.tokens) + self.written >= self.engine.context_length:
            return FinishReason.CONTEXT_FULL
        return None

    def _stats(self, reason: FinishReason) -> GenerationStats:
        first = self.first_at or time.perf_counter()
        return GenerationStats(
            prompt_tokens=len(self.prompt.tokens),
            answer_tokens=self.written,
            ttft_s=first - self.arrived,
            decode_s=max(0.0, self.last_at - first),
            context_length=self.engine.context_length,
            finish_reason=reason,
            thinking_s=self._thinking_time(),
        )

    def _thinking_time(self) -> float | None:
        """Seconds from the first word of thinking to the first of the answer, or to the end without one."""
        began = self._shown_at.get(DeltaKind.THINKING)
        return None if began is None else self._shown_at.get(DeltaKind.TEXT, self.last_at) - began
