"""From the logits of a step to the tokens of its answers: sampling, verifying drafts, and what readers are told."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.backends.llama.context import Context
from app.backends.llama.requests import Answer
from app.backends.llama.sampling.pool import SamplerPool
from app.backends.llama.sampling.sampler import TokenSampler
from app.backends.llama.slots import Slots
from app.backends.llama.stepping import Part, Step
from app.backends.llama.vocabulary import Vocabulary
from app.backends.llama.writing import Shown
from app.errors import AppError
from app.protocol import FinishReason

_log = logging.getLogger(__name__)


@dataclass
class Picked:
    """What a step brought one answer."""

    answer: Answer
    tokens: list[int] = field(default_factory=list)
    """An end token included."""
    written: int = 0
    shown: list[Shown] = field(default_factory=list)
    reason: FinishReason | None = None
    """Why it ends now; None while it goes on."""
    error: AppError | None = None


class Picker:
    """Samples for all answers of a step; a fault in one is the end of that one."""

    def __init__(self, context: Context, vocabulary: Vocabulary, slots: Slots) -> None:
        self._context = context
        self._vocabulary = vocabulary
        self._slots = slots
        self._pool = SamplerPool()

    def close(self) -> None:
        """End the threads that sample."""
        self._pool.close()

    def pick(self, step: Step) -> list[Picked]:
        """One entry for each answer that has logits."""
        free = [part for part in step.writing if not part.answer.is_forced]
        first = dict(zip((part.answer.id for part in free), self._sample_first(free), strict=True))
        return [self._follow(part, first.get(part.answer.id), step) for part in step.writing]

    def _sample_first(self, parts: Sequence[Part]) -> list[int | AppError]:
        """The first token of each part, sampled together; where that fails, one by one to find whose fault it was."""
        work: list[tuple[TokenSampler, int]] = [(part.answer.sampler, part.row) for part in parts]
        if not work:
            return []
        try:
            return list(self._pool.sample(self._context.handle, work))
        except Exception:  # noqa: BLE001 (the edge of a request: the others must not suffer)
            _log.exception("sampling together failed")
        return [self._sample_alone(sampler, row) for sampler, row in work]

    def _sample_alone(self, sampler: TokenSampler, row: int) -> int | AppError:
        try:
            return sampler.sample(self._context.handle, row)
        except Exception as error:  # noqa: BLE001 (the edge of a request)
            _log.exception("sampling failed")
            return AppError("generation_failed", reason=type(error).__name__)

    def _follow(self, part: Part, first: int | AppError | None, step: Step) -> Picked:
        """Write the first token, and more as long as the draft was right."""
        picked = Picked(part.answer)
        if isinstance(first, AppError):
            picked.error = first
            return picked
        try:
            self._write(part, first, picked)
            self._settle_draft(part, picked, step)
        except AppError as error:
            picked.error = error
        except Exception as error:  # noqa: BLE001 (the edge of a request)
            _log.exception("request %d failed", part.answer.id)
            picked.error = AppError("generation_failed", reason=type(error).__name__)
        return picked

    def _write(self, part: Part, first: int | None, picked: Picked) -> None:
        answer, token = part.answer, first
        for index in range(len(part.draft) + 1):
            row = part.row + index
            forced = answer.forced()
            if forced is not None:
                token = forced
            elif token is None:
                token = answer.sampler.sample(self._context.handle, row)
            self._take(answer, token, row, picked)
            if picked.reason is not None or index >= len(part.draft) or token != part.draft[index]:
                return
            token = None

    def _take(self, answer: Answer, token: int, row: int, picked: Picked) -> None:
        """Write a token, or end the answer with it."""
        picked.tokens.append(token)
        if self._vocabulary.ends_answer(token):
            answer.mark_first()
            picked.reason = FinishReason.STOP
            return
        wants = answer.request.sampling.logprobs is not None
        logprob = answer.sampler.logprobs(self._context.handle, row, token) if wants else None
        answer.sampler.accept(token)
        picked.written += 1
        picked.shown += answer.take(token, self._vocabulary, logprob)
        picked.reason = answer.end_reason()

    def _settle_draft(self, part: Part, picked: Picked, step: Step) -> None:
        """Forget the cells of what was drafted and not said; tell the drafters."""
        answer, slot = part.answer, part.answer.slot
        assert slot is not None
        wrong = len(slot.held) - min(len(slot.held), len(answer.run) - (picked.reason is None))
        if part.draft and wrong > 0:
            self._slots.forget(slot, len(slot.held) - wrong)
        if answer.speculator is not None:
            answer.speculator.observe(picked.tokens, step.seconds, step.plain_seconds)
