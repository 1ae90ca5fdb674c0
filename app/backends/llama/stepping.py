"""One step of the engine: which tokens of which answers are computed together, and what is done when that fails."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.backends.llama.batch import Batch
from app.backends.llama.context import Context, Outcome
from app.backends.llama.narrowing import Narrowing
from app.backends.llama.pacing import Pace
from app.backends.llama.requests import Answer
from app.backends.llama.runs import PictureSpan
from app.backends.llama.slots import Slots
from app.backends.llama.speculation.length import StepTimes
from app.errors import AppError

GROUP_STEPS = 8
"""Steps of one set of adapters before it is another's turn."""

_log = logging.getLogger(__name__)


class Governor(Protocol):
    """Who decides how many threads a step has."""

    def threads_for(self, tokens: int) -> int: ...

    def observe(self, tokens: int, seconds: float) -> None: ...


class AdapterSwitch(Protocol):
    """Who puts an answer's adapters on the context."""

    def use(self, answer: Answer) -> None: ...


class PictureReader(Protocol):
    """Who puts pictures into a sequence."""

    def read(
        self, context: Context, encoded: Any, sequence: int, position: int, done: int, most: int
    ) -> tuple[int, int]:
        """Read on after `done` cells, about `most` of them; returns what llama_decode said and the cells done then."""


@dataclass(frozen=True)
class Part:
    """An answer's part of a step: so many cells of its run, then a draft; `row` is where its logits begin."""

    answer: Answer
    cells: int
    draft: Sequence[int] = ()
    row: int = -1

    @property
    def completes(self) -> bool:
        """Whether the run is read to its end, so that a token can be sampled."""
        return self.cells == self.answer.pending

    @property
    def tokens(self) -> int:
        return self.cells + len(self.draft)


@dataclass
class Step:
    """What came of a step."""

    parts: list[Part] = field(default_factory=list)
    """Those that were computed, as they were before."""
    writing: list[Part] = field(default_factory=list)
    """Those of them that have logits."""
    seconds: float = 0.0
    plain_seconds: float | None = None
    """What it would have taken without drafts, if that is known."""
    looked: Answer | None = None
    """Of whose picture a part was read."""
    failed: list[tuple[Answer, AppError]] = field(default_factory=list)
    suspended: list[Answer] = field(default_factory=list)
    """Those that have to make room."""

    def has_left(self, answer: Answer) -> bool:
        """Whether it failed, or has to wait for room."""
        return answer in self.suspended or any(failed is answer for failed, _ in self.failed)

    def fail(self, answer: Answer, reason: str) -> None:
        self.failed.append((answer, AppError("generation_failed", reason=reason)))


class Stepper:
    """Computes steps. `outputs`: the most tokens of a step that may have logits."""

    def __init__(
        self, slots: Slots, governor: Governor, adapters: AdapterSwitch, vision: PictureReader | None, outputs: int
    ) -> None:
        self._context = context = slots.context
        self._slots = slots
        self._vision = vision
        self._governor = governor
        self._adapters = adapters
        self._outputs = outputs
        self._batch = Batch(context.batch_size, context.sequences)
        self.pace = Pace(context.batch_size)
        self.times = StepTimes()
        self._narrowing = Narrowing()
        self._threads = 0
        self._running: Sequence[Answer] = ()
        """All that hold a slot in this step, whether it is their turn or not."""
        self._key = ""
        self._turns = 0
        self.reading: frozenset[int] = frozenset()
        """The requests of whose prompts a part is being computed at this moment."""

    @property
    def threads(self) -> int:
        return self._threads

    def close(self) -> None:
        self._batch.close()

    def step(self, running: Sequence[Answer]) -> Step:
        """Compute the next tokens of those whose turn it is."""
        self._running = running
        step = Step()
        group = self._equipped(self._group(running), step)
        self._read_picture(group, step)
        parts = self._narrowed(self._plan([answer for answer in group if not step.has_left(answer)]))
        while parts:
            code, seconds = self._decode(parts)
            if code == Outcome.DONE:
                self._account(step, parts, seconds)
                return step
            parts = self._after_failure(code, parts, step)
        return step

    # ------------------------------------------------------------ what is computed

    def _group(self, running: Sequence[Answer]) -> list[Answer]:
        """Those that share their adapters with each other; the sets take turns."""
        keys = list(dict.fromkeys(answer.key for answer in running))
        if self._key not in keys:
            self._key, self._turns = keys[0], 0
        elif len(keys) > 1 and self._turns >= GROUP_STEPS:
            self._key, self._turns = keys[(keys.index(self._key) + 1) % len(keys)], 0
        self._turns += 1
        return [answer for answer in running if answer.key == self._key]

    def _equipped(self, group: list[Answer], step: Step) -> list[Answer]:
        """The group with its adapters on the context; where that cannot be, all who want these adapters fail."""
        try:
            self._adapters.use(group[0])
        except Exception as error:  # noqa: BLE001 (the edge of requests: the others want other adapters)
            _log.exception("the adapters %r cannot be used", self._key)
            known = error if isinstance(error, AppError) else None
            for answer in group:
                step.failed.append((answer, known or AppError("generation_failed", reason=type(error).__name__)))
            return []
        return group

    def _plan(self, group: Sequence[Answer]) -> list[Part]:
        """First the next token of every answer, with its draft; then prompts, as much as they may have now."""
        writing = [answer for answer in group if answer.is_writing][: self._outputs]
        readers = sorted((answer for answer in group if not answer.is_writing), key=lambda one: one.rank)
        spare = self._outputs - len(writing)
        parts = []
        for answer in writing:
            draft = self._draft(answer, spare - bool(readers), len(writing) - 1)  # a prompt may end in this step
            spare -= len(draft)
            parts.append(Part(answer, 1, draft))
        used = sum(part.tokens for part in parts)
        room = min(self.pace.chunk(len(writing)), self._context.batch_size - used)
        for answer in readers:
            cells = min(room, self._readable(answer))
            if cells > 0 and (spare > 0 or cells < answer.pending):
                parts.append(Part(answer, cells))
                spare -= cells == answer.pending
                room -= cells
        return parts

    def _draft(self, answer: Answer, room: int, beside: int) -> Sequence[int]:
        """An answer whose drafter breaks goes on without one: its text is the same."""
        try:
            return answer.draft(room, beside)
        except Exception:  # noqa: BLE001 (the edge of a request)
            _log.exception("request %d is not speculated on any more", answer.id)
            answer.stop_speculating()
            return ()

    def _narrowed(self, parts: list[Part]) -> list[Part]:
        """As much of the parts as a step may have after others failed; without drafts then."""
        if not self._narrowing.limited:
            return parts
        allotted = self._narrowing.allot([(part.answer.id, part.cells) for part in parts])
        return [Part(part.answer, cells) for part, cells in zip(parts, allotted, strict=True) if cells]

    def _readable(self, answer: Answer) -> int:
        """Cells that may be read in one go: up to a picture, and up to where a checkpoint will be wanted."""
        assert answer.slot is not None
        held = len(answer.slot.held)
        end = answer.run.next_picture(held)
        last = len(answer.run) - 1
        if held < last and self._slots.wants_marks(last):
            end = min(end, last)
        return end - held

    def _read_picture(self, group: Sequence[Answer], step: Step) -> None:
        """Read a part of a picture, where a prompt has come to one and it is the turn of prompts."""
        writing = sum(answer.is_writing for answer in group)
        most = self.pace.chunk(writing)
        if self._vision is None or not most:
            return
        for answer in sorted(group, key=lambda one: one.rank):
            assert answer.slot is not None
            slot = answer.slot
            span = answer.run.picture_at(len(slot.held))
            if span is None:
                continue
            began, started = slot.ahead, time.perf_counter()
            try:
                code = self._put_picture(self._vision, answer, span, most)
            except Exception as error:  # noqa: BLE001 (the edge of a request)
                _log.exception("the picture of request %d cannot be read", answer.id)
                self._slots.forget(slot, len(slot.held))
                step.failed.append((answer, AppError("generation_failed", reason=type(error).__name__)))
                return
            if code == Outcome.DONE:
                self.pace.observe(slot.ahead - began, writing, time.perf_counter() - started, 0.0)
                if slot.ahead >= span.cells:
                    slot.held.follow(answer.run, span.end)
                    slot.ahead = 0
                step.looked = answer
                return
            self._slots.forget(slot, len(slot.held))
            if code == Outcome.NO_ROOM:
                self._relieve([answer], step)
            elif code != Outcome.ABORTED:
                step.fail(answer, f"llama_decode returned {code}")
            return

    def _put_picture(self, vision: PictureReader, answer: Answer, span: PictureSpan, most: int) -> int:
        """What llama_decode said about it."""
        slot = answer.slot
        assert slot is not None
        self._share_threads(min(most, span.cells - slot.ahead))
        self._context.clear_abort()
        self.reading = frozenset((answer.id,))
        position = answer.run.position(span.start)
        picture = answer.pictures[span.key]
        try:
            code, slot.ahead = vision.read(self._context, picture, slot.sequence, position, slot.ahead, most)
        finally:
            self.reading = frozenset()
        return code

    # ------------------------------------------------------------ computing

    def _decode(self, parts: Sequence[Part]) -> tuple[int, float]:
        """(what llama_decode said, the seconds it took)"""
        tokens = self._fill(parts)
        self._share_threads(tokens)
        self._context.clear_abort()  # it may have come too late for the step it was meant for
        self.reading = frozenset(part.answer.id for part in parts if not part.answer.is_writing)
        started = time.perf_counter()
        code = self._context.decode(self._batch.c_batch)
        seconds = time.perf_counter() - started
        self.reading = frozenset()
        if code == Outcome.DONE:
            self._governor.observe(tokens, seconds)
        return code, seconds

    def _share_threads(self, tokens: int) -> None:
        """As many threads as a step of that many tokens may have now."""
        threads = self._governor.threads_for(tokens)
        if threads != self._threads:
            self._context.set_threads(threads)
            self.times.use(threads)
            self._threads = threads

    def _fill(self, parts: Sequence[Part]) -> int:
        """Write the parts into the batch; returns its tokens."""
        batch = self._batch
        batch.clear()
        for part in parts:
            answer = part.answer
            assert answer.slot is not None
            held, sequence = len(answer.slot.held), answer.slot.sequence
            tokens = answer.run.tokens[held : held + part.cells]
            position = answer.run.position(held)
            batch.add(tokens, position, sequence, int(part.completes))
            if part.draft:
                batch.add(part.draft, position + part.cells, sequence, len(part.draft))
        return batch.length

    def _account(self, step: Step, parts: Sequence[Part], seconds: float) -> None:
        """The step is done: the slots hold more now."""
        row = writing = drafted = prompt = 0
        for part in parts:
            answer = part.answer
            assert answer.slot is not None
            completes, was_writing = part.completes, answer.is_writing
            row += part.cells
            done = Part(answer, part.cells, part.draft, row - 1)
            held = len(answer.slot.held)
            answer.slot.held.follow(answer.run, held + part.cells)
            answer.slot.held.extend(part.draft)
            row += len(part.draft)
            step.parts.append(done)
            if completes:
                step.writing.append(done)
            writing, drafted = writing + was_writing, drafted + len(part.draft)
            prompt += 0 if was_writing else part.cells
        if self._narrowing.limited:
            self._narrowing.succeed([part.answer.id for part in parts])
        step.seconds += seconds
        self.pace.observe(prompt, writing, seconds, self.times.expected(writing + drafted) if drafted else None)
        if not prompt:
            self.times.observe(writing + drafted, seconds)
        step.plain_seconds = self.pace.step_s(writing)

    # ------------------------------------------------------------ when it fails

    def _after_failure(self, code: int, parts: list[Part], step: Step) -> list[Part]:
        """What to compute instead; nothing where the step is over."""
        if code == Outcome.NO_ROOM:
            return self._with_less(parts, step)
        for part in parts:
            slot = part.answer.slot
            assert slot is not None
            self._slots.forget(slot, len(slot.held))
        if code == Outcome.ABORTED:
            return []
        _log.error("llama_decode returned %d for %d answers", code, len(parts))
        if not self._narrowing.fail(sum(part.tokens for part in parts)):
            step.fail(parts[0].answer, f"llama_decode returned {code}")
            return []
        return self._narrowed(parts)

    def _with_less(self, parts: list[Part], step: Step) -> list[Part]:
        """The KV cache is full: idle sequences leave it, then drafts and prompts get shorter, then an answer waits."""
        if self._slots.make_room():
            return parts
        if any(part.draft for part in parts):
            return [Part(part.answer, part.cells) for part in parts]
        if len(parts) == 1 and parts[0].cells > 1:
            return [Part(parts[0].answer, parts[0].cells // 2)]
        self._relieve([part.answer for part in parts], step)
        return [part for part in parts if not step.has_left(part.answer)]

    def _relieve(self, asking: Sequence[Answer], step: Step) -> None:
        """Make room: idle sequences leave the context, then the answer whose turn comes last waits, whoever that is.

        The one that asks fails where nobody else holds anything.
        """
        if self._slots.make_room():
            return
        there = [one for one in self._running if not step.has_left(one) and (one in asking or _holds_cells(one))]
        if len(there) == 1:
            step.fail(there[0], "cache_full")
            return
        last = max(there, key=lambda one: one.rank)
        assert last.slot is not None
        self._slots.park(last.slot)
        step.suspended.append(last)


def _holds_cells(answer: Answer) -> bool:
    return answer.slot is not None and len(answer.slot.held) > 0
