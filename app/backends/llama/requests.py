"""One request between its arrival and its last event: what it asks, what is written, what it cost."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.backends.llama.formats.constraint import Constraint
from app.backends.llama.output.repetition import RepetitionFinder
from app.backends.llama.runs import TokenRun
from app.backends.llama.sampling.sampler import TokenSampler
from app.backends.llama.slots import Slot
from app.backends.llama.speculation.length import DraftLength
from app.backends.llama.speculation.lookup import LookupDrafter
from app.backends.llama.speculation.speculator import Speculator
from app.backends.llama.states import SavedState
from app.backends.llama.vision.projector import Encoded, PictureLike
from app.backends.llama.writing import Shown, Writing
from app.protocol import FinishReason, Generate, GenerationStats, TokenLogprob

_CUT_SHORT = frozenset({FinishReason.LENGTH, FinishReason.CONTEXT_FULL, FinishReason.REPETITION})


class Ending(Protocol):
    """What an answer must know of a vocabulary."""

    def ends_answer(self, token: int) -> bool: ...

    def piece(self, token: int) -> bytes: ...


@dataclass
class Times:
    """Points in time by `time.perf_counter`; 0 where it has not come to that."""

    arrived: float
    started: float = 0.0
    """The first step with a part of the prompt."""
    prompt_read: float = 0.0
    first: float = 0.0
    last: float = 0.0


@dataclass(frozen=True)
class Limits:
    """When an answer is ended whatever it says."""

    context: int
    """Cells one request may fill."""
    tokens: int | None = None
    thinking: int | None = None
    """Tokens of thinking after which it is closed."""


@dataclass(eq=False)
class Answer:
    """A request that is waiting, being read, or being written."""

    request: Generate
    run: TokenRun
    """The prompt, and behind it what was written."""
    key: str
    """Names the adapters it is computed with."""
    writing: Writing
    sampler: TokenSampler
    limits: Limits
    times: Times
    order: int
    """Its number by arrival."""
    constraint: Constraint | None = None
    thinking_end: Sequence[int] = ()
    """Tokens that close the thinking."""
    repetition: RepetitionFinder | None = None
    """None: the answer may repeat itself."""
    pictures: dict[str, Encoded] = field(default_factory=dict)
    """The pictures of the prompt, by their keys."""
    unseen: Sequence[PictureLike] = ()
    """Those of them that are still to be encoded."""
    lookup: tuple[LookupDrafter, DraftLength] | None = None
    """Drafts from the text itself; None: this answer is not speculated on."""
    stored: SavedState | None = None
    """What the disk has of the prompt, where that is more than was at hand when it came."""
    slot: Slot | None = None
    prompt_length: int = 0
    cached: int | None = None
    """Cells of the prompt that did not have to be computed; None before it got a slot."""
    written: int = 0
    speculator: Speculator | None = None
    _guesses: tuple[int, int] = (0, 0)
    """Tokens drafted, and those of them accepted, by a speculator that is closed."""
    _thought: int = 0
    _forced: deque[int] = field(default_factory=deque)
    _constrained: bool = False
    _repeats: bool = False

    def __post_init__(self) -> None:
        self.prompt_length = len(self.run)

    @property
    def id(self) -> int:
        return self.request.request_id

    @property
    def rank(self) -> tuple[int, int]:
        """Who goes first: the smaller."""
        return int(self.request.priority), self.order

    @property
    def pending(self) -> int:
        """Cells the KV cache does not have yet; at least one, since the last one's logits are wanted."""
        return len(self.run) - (len(self.slot.held) if self.slot is not None else 0)

    @property
    def is_writing(self) -> bool:
        """Whether its prompt is read and its next step is one token."""
        return self.written > 0 and self.pending == 1

    @property
    def room(self) -> int:
        """Tokens that may still be written."""
        room = self.limits.context - len(self.run)
        return room if self.limits.tokens is None else min(room, self.limits.tokens - self.written)

    def draft(self, room: int, beside: int) -> list[int]:
        """Tokens to verify in the next step, at most `room`; `beside`: tokens of other answers in it."""
        if self.speculator is None or self._forced:
            return []
        return self.speculator.draft(min(room, self.room - 1), beside)

    def stop_speculating(self) -> None:
        """Draft nothing more."""
        speculator, self.speculator = self.speculator, None
        if speculator is not None:
            self._guesses = speculator.drafted_tokens, speculator.accepted_tokens
            speculator.close()

    def close(self) -> None:
        """Free what C code holds for it."""
        self.sampler.close()
        self.stop_speculating()

    def forced(self) -> int | None:
        """A token that has to come next, whatever is likely."""
        return self._forced.popleft() if self._forced else None

    @property
    def is_forced(self) -> bool:
        return bool(self._forced)

    def force(self, tokens: Sequence[int]) -> None:
        """These tokens come next."""
        self._forced.extend(tokens)

    def constrain_in_time(self) -> None:
        """Hold the answer to its format from where it begins: after the thinking, and after what is forced."""
        if self.constraint is None or self._constrained or self._forced or self.writing.parser.thinking:
            return
        self._constrained = True
        self.sampler.constrain(self.constraint)

    def take(self, token: int, vocabulary: Ending, logprob: TokenLogprob | None) -> list[Shown]:
        """Write one token that does not end the answer."""
        self.times.last = self.mark_first()
        self.written += 1
        self.run.append(token)
        shown = self.writing.feed(vocabulary.piece(token), logprob)
        self._repeats = self.repetition is not None and self.repetition.feed(token)
        self._watch_thinking()
        self.constrain_in_time()
        return shown

    def mark_first(self) -> float:
        """The time now; that of the first token, if this is it."""
        now = time.perf_counter()
        self.times.first = self.times.first or now
        return now

    def end_reason(self) -> FinishReason | None:
        """Why nothing may follow the token written last."""
        if self.writing.stopped:
            return FinishReason.STOP
        if self.writing.parser.ends_turn:
            return FinishReason.TOOL_CALLS
        if self._repeats:
            return FinishReason.REPETITION
        if self.limits.tokens is not None and self.written >= self.limits.tokens:
            return FinishReason.LENGTH
        if len(self.run) >= self.limits.context:
            return FinishReason.CONTEXT_FULL
        return None

    def finish(self, reason: FinishReason) -> tuple[list[Shown], GenerationStats]:
        """The last of its text, and what it cost."""
        cut = self._lacks_format and reason is not FinishReason.CANCELLED
        closing = b""
        if cut and self._constrained and self.constraint is not None and reason is not FinishReason.STOP:
            closing = self.constraint.closing() or b""
        shown = self.writing.finish(closing)
        if reason is FinishReason.STOP and self.writing.parser.calls:
            reason = FinishReason.TOOL_CALLS
        return shown, self._stats(reason, cut)

    @property
    def _lacks_format(self) -> bool:
        """Whether the answer was to have a format, and has not come to the end of it."""
        return self.constraint is not None and not (self._constrained and self.constraint.complete)

    def _watch_thinking(self) -> None:
        """Close the thinking once it has used up its budget."""
        if self.limits.thinking is None or self._forced or not self.writing.parser.thinking:
            return
        self._thought += 1
        if self._thought >= self.limits.thinking:
            self.force(self.thinking_end)

    def _stats(self, reason: FinishReason, cut: bool) -> GenerationStats:
        now, times = time.perf_counter(), self.times
        first = times.first or now
        started = times.started or now
        live = self.speculator
        drafted, accepted = (live.drafted_tokens, live.accepted_tokens) if live is not None else self._guesses
        return GenerationStats(
            prompt_tokens=self.prompt_length,
            answer_tokens=self.written,
            ttft_s=first - times.arrived,
            decode_s=max(0.0, times.last - first),
            context_length=self.limits.context,
            finish_reason=reason,
            thinking_s=self.writing.thinking_s,
            queue_s=started - times.arrived,
            prefill_s=max(0.0, (times.prompt_read or now) - started),
            cached_tokens=self.cached or 0,
            drafted_tokens=drafted,
            accepted_tokens=accepted,
            format_cut=cut,
        )
