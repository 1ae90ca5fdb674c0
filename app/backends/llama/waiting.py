"""The answers that wait for a slot: whose turn it is, and what each is told about its place."""

from bisect import insort
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from app.protocol import Queued

if TYPE_CHECKING:
    from app.backends.llama.requests import Answer  # it loads llama.cpp, which the desk does only to load a model


class Waiting:
    """A queue by priority, then arrival."""

    def __init__(self) -> None:
        self._answers: list[Answer] = []
        self._told: dict[int, int] = {}
        """The position each answer was told last."""

    def __len__(self) -> int:
        return len(self._answers)

    def __iter__(self) -> Iterator["Answer"]:
        return iter(tuple(self._answers))

    def add(self, answer: "Answer") -> None:
        insort(self._answers, answer, key=lambda waiting: waiting.rank)

    def remove(self, answer: "Answer") -> None:
        self._answers.remove(answer)
        self._told.pop(answer.id, None)

    def take(self, ready: Callable[["Answer"], bool]) -> "Answer | None":
        """Remove and return the first that is ready."""
        for answer in self._answers:
            if ready(answer):
                self.remove(answer)
                return answer
        return None

    def news(self) -> list[Queued]:
        """The positions that have changed since they were told."""
        changed = []
        for position, answer in enumerate(self._answers, 1):
            if self._told.get(answer.id) != position:
                self._told[answer.id] = position
                changed.append(Queued(request_id=answer.id, position=position))
        return changed
