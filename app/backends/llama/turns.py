"""Which turns of a conversation are left out when it is longer than the context, so that the answer has room."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from app.errors import AppError
from app.protocol import ChatTurn, ContextPolicy, Generate, Role

ANSWER_SHARE = 4
"""One part in this many of the context is kept for an answer without a limit of its own."""

PromptT = TypeVar("PromptT")


class Fitter(Generic[PromptT]):
    """Builds the prompt of a request so that it fits into `context` cells.

    `build` makes the prompt of the request without the turns of these indexes; `measure` counts its cells.
    """

    def __init__(
        self, context: int, build: Callable[[frozenset[int]], PromptT], measure: Callable[[PromptT], int]
    ) -> None:
        self._context = context
        self._build = build
        self._measure = measure

    def fit(self, request: Generate) -> tuple[PromptT, tuple[int, ...]]:
        """The prompt, and the indexes of the turns that are not in it.

        What is left out grows by quarters of the context, not with every question: otherwise the beginning of each
        prompt would be another and nothing of it could be reused. Raises AppError("prompt_too_long").
        """
        prompt = self._build(frozenset())
        length = self._measure(prompt)
        limit = self._context - answer_room(request, self._context)
        if length < self._context and (length <= limit or request.context_policy is ContextPolicy.STOP):
            return prompt, ()
        stages = [] if request.context_policy is ContextPolicy.STOP else droppable(request.turns)
        step = max(1, self._context // ANSWER_SHARE)
        wanted = -(-(length - limit) // step) * step
        for most in (length - wanted, limit):
            if (found := self._shortened(stages, most)) is not None:
                return found
        if length < self._context:
            return prompt, ()  # that much room is not to be had: what fits is left alone
        return self._last(stages, length)

    def _last(self, stages: Sequence[frozenset[int]], length: int) -> tuple[PromptT, tuple[int, ...]]:
        """The prompt without all that may be left out; `length`: cells of the whole one."""
        if not stages:
            raise self._too_long(length)
        prompt = self._build(stages[-1])
        if (length := self._measure(prompt)) >= self._context:
            raise self._too_long(length)
        return prompt, tuple(sorted(stages[-1]))

    def _shortened(self, stages: Sequence[frozenset[int]], most: int) -> tuple[PromptT, tuple[int, ...]] | None:
        """The prompt of the first stage that is no longer than that, by bisection; None where none is."""
        low, high = 0, len(stages)
        while low < high:
            middle = (low + high) // 2
            if self._measure(self._build(stages[middle])) <= most:
                high = middle
            else:
                low = middle + 1
        return (self._build(stages[low]), tuple(sorted(stages[low]))) if low < len(stages) else None

    def _too_long(self, length: int) -> AppError:
        return AppError("prompt_too_long", prompt_tokens=length, context_length=self._context)


def answer_room(request: Generate, context: int) -> int:
    """Cells kept for the answer: what it may have at most, but never more than a quarter of the context."""
    quarter = context // ANSWER_SHARE
    asked = request.sampling.max_tokens
    return quarter if asked is None else min(asked, quarter)


def droppable(turns: Sequence[ChatTurn]) -> list[frozenset[int]]:
    """What may be left out, in stages that grow: the oldest questions, each with all that follows up to the next.

    System turns at the beginning stay, and so does the last question.
    """
    first = next((index for index, turn in enumerate(turns) if turn.role is not Role.SYSTEM), len(turns))
    starts = [index for index in range(first, len(turns)) if turns[index].role is Role.USER]
    return [frozenset(range(first, start)) for start in starts if start > first]
