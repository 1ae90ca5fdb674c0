"""Answers many requests at once: who gets a slot, what a step computes, and what becomes of every token."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import msgspec

from app.backends.llama.picking import Picked, Picker
from app.backends.llama.placing import Placement
from app.backends.llama.requests import Answer
from app.backends.llama.slots import Slots
from app.backends.llama.speculation.draft_model import DraftModel
from app.backends.llama.speculation.length import DraftLength
from app.backends.llama.speculation.speculator import Drafter, Speculator
from app.backends.llama.stepping import Part, Step, Stepper
from app.backends.llama.waiting import Waiting
from app.errors import AppError
from app.protocol import Failed, Finished, FinishReason, Prefill

WORTH_WAITING = 64
"""Cells another answer is about to read of the same prompt: who would read them too waits for them."""

_log = logging.getLogger(__name__)


class Listener(Protocol):
    """Who hears of the answers' events and knows which are not wanted any more."""

    def send(self, events: Sequence[msgspec.Struct]) -> None:
        """Pass on the events of a step. Raises OSError when nobody is there."""

    def is_cancelled(self, request_id: int) -> bool: ...

    def close_request(self, request_id: int) -> None:
        """The request has its last event."""


@dataclass
class Figures:
    """What was done so far, in tokens."""

    written: int = 0
    cached: int = 0
    prompts: int = 0
    step_began: float = 0.0
    """When the step being computed began, by `time.perf_counter`; 0 between steps."""


class Scheduler:
    """Owns the waiting and the running answers. Used by one thread, but for `is_reading`."""

    def __init__(
        self, slots: Slots, stepper: Stepper, picker: Picker, listener: Listener, drafts: DraftModel | None
    ) -> None:
        self._slots = slots
        self._placement = Placement(slots)
        self._stepper = stepper
        self._picker = picker
        self._listener = listener
        self._drafts = drafts
        self._waiting = Waiting()
        self._running: list[Answer] = []
        self._events: list[msgspec.Struct] = []
        self._crowded = False
        """An answer had to leave its slot: nobody enters before another has ended."""
        self.figures = Figures()

    @property
    def idle(self) -> bool:
        return not self._running and not self._waiting

    @property
    def queued(self) -> int:
        return len(self._waiting)

    def is_reading(self, request_id: int) -> bool:
        """Whether a part of its prompt is being computed at this moment. May be called by any thread."""
        return request_id in self._stepper.reading

    def add(self, answer: Answer) -> None:
        """Answer this as soon as it is its turn."""
        self._waiting.add(answer)

    def step(self) -> None:
        """Do what is due: end what is not wanted, let answers in, compute their next tokens, tell their readers."""
        self._drop_cancelled()
        self._admit()
        if self._running:
            self.figures.step_began = time.perf_counter()
            step = self._stepper.step(self._running)
            self._settle(step)
            for picked in self._picker.pick(step):
                self._tell(picked)
            self.figures.step_began = 0.0
        self._events += self._waiting.news()
        events, self._events = self._events, []
        if events:
            self._listener.send(events)
        if not self.idle:
            self._slots.write_due()

    def rest(self) -> None:
        """Nothing has been asked for a while: write down what is to be kept, which would cost a next answer time."""
        self._slots.write_out()

    # ------------------------------------------------------------ coming in

    def _drop_cancelled(self) -> None:
        for answer in self._waiting:
            if self._listener.is_cancelled(answer.id):
                self._waiting.remove(answer)
                self._end(answer, FinishReason.CANCELLED)
        for answer in tuple(self._running):
            if self._listener.is_cancelled(answer.id):
                self._end(answer, FinishReason.CANCELLED)

    def _admit(self) -> None:
        """Give free slots to those whose turn it is."""
        while self._slots.has_free and not (self._crowded and self._running):
            answer = self._waiting.take(self._may_begin)
            if answer is None:
                return
            self._running.append(answer)
            with self._guarding(answer):
                self._begin(answer)

    def _may_begin(self, answer: Answer) -> bool:
        """Whether no other answer is just reading what this one would have to read too."""
        for other in self._running:
            if other.key == answer.key and other.pending > 1 and other.slot is not None:
                shared = other.run.shared_with(answer.run, len(answer.run) - 1)
                if min(shared, other.prompt_length) - len(other.slot.held) >= WORTH_WAITING:
                    return False
        return True

    def _begin(self, answer: Answer) -> None:
        try:
            keep_as = answer.request.keep_as
            answer.slot = self._placement.place(answer.run, answer.key, answer.stored, keep_as)
        except Exception:
            self._slots.clear_idle()  # one of them may have been changed halfway
            raise
        answer.stored = None
        if answer.cached is not None:
            return  # it had begun before and goes on
        answer.speculator = self._speculator(answer)
        answer.cached = len(answer.slot.held)
        answer.times.started = time.perf_counter()
        self.figures.cached += answer.cached
        self.figures.prompts += answer.prompt_length
        self._report_reading(answer)

    def _speculator(self, answer: Answer) -> Speculator | None:
        """Drafts from its own text, then from a smaller model; those of pictures mean nothing to that."""
        if answer.lookup is None:
            return None
        sources: list[tuple[Drafter, DraftLength]] = [answer.lookup]
        if self._drafts is not None and not answer.run.pictures:
            drafter = self._drafts.open(answer.run.tokens.tolist())
            if drafter is not None:
                sources.append((drafter, DraftLength(self._stepper.times)))
        return Speculator(sources)

    # ------------------------------------------------------------ after a step

    def _settle(self, step: Step) -> None:
        for answer, error in step.failed:
            if answer.slot is not None:
                self._slots.clear(answer.slot)
            self._fail(answer, error)
        for answer in step.suspended:
            _log.info("request %d waits for room in the context", answer.id)
            self._leave_slot(answer)
            self._crowded = True
            self._waiting.add(answer)
        for part in step.parts:
            with self._guarding(part.answer):
                self._has_read(part)
        if step.looked is not None:
            self._report_reading(step.looked)
        step.writing = [part for part in step.writing if part.answer.slot is not None]

    def _has_read(self, part: Part) -> None:
        """Report a prompt's progress, and take a checkpoint where one may be needed."""
        answer = part.answer
        if answer.written or answer.slot is None:
            return
        held = len(answer.slot.held)
        if held == answer.prompt_length:
            answer.times.prompt_read = time.perf_counter()
        elif held == answer.prompt_length - 1 or self._slots.mark_due(answer.slot):
            self._slots.mark(answer.slot)
        self._report_reading(answer)

    def _report_reading(self, answer: Answer) -> None:
        assert answer.slot is not None
        done = len(answer.slot.held) + answer.slot.ahead
        writing = sum(other.is_writing for other in self._running)
        eta = self._stepper.pace.eta(answer.prompt_length - done, writing)
        self._events.append(
            Prefill(request_id=answer.id, done=done, total=answer.prompt_length, cached=answer.cached or 0, eta_s=eta)
        )

    def _tell(self, picked: Picked) -> None:
        """Pass on what was written, and end what has ended."""
        self._events += picked.shown
        self.figures.written += picked.written
        if picked.error is not None:
            self._fail(picked.answer, picked.error)
        elif picked.reason is not None:
            self._end(picked.answer, picked.reason)

    # ------------------------------------------------------------ going out

    def _end(self, answer: Answer, reason: FinishReason) -> None:
        with self._guarding(answer):
            shown, stats = answer.finish(reason)
            self._events += shown
            self._leave_slot(answer, answer.request.keep_as)
            self._close(answer)
            self._events.append(Finished(request_id=answer.id, stats=stats))

    def _fail(self, answer: Answer, error: AppError) -> None:
        _log.info("request %d failed: %s", answer.id, error.code)
        self._close(answer)
        self._events.append(Failed(request_id=answer.id, error=error.info))

    def _close(self, answer: Answer) -> None:
        self._leave_slot(answer)
        self._crowded = False
        answer.close()
        self._listener.close_request(answer.id)

    def _leave_slot(self, answer: Answer, keep_as: str = "") -> None:
        if answer.slot is not None:
            self._slots.release(answer.slot, keep_as)
            answer.slot = None
        if answer in self._running:
            self._running.remove(answer)

    @contextmanager
    def _guarding(self, answer: Answer) -> Iterator[None]:
        """Whatever goes wrong in there is the end of this answer, and of no other."""
        try:
            yield
        except AppError as error:
            self._fail(answer, error)
        except Exception as error:  # noqa: BLE001 (the edge of a request)
            _log.exception("request %d failed", answer.id)
            self._fail(answer, AppError("generation_failed", reason=type(error).__name__))
