"""Speculation of one answer: asks its drafters in turn, and tells them and their draft lengths what became of it."""

import time
from collections.abc import Sequence
from typing import Protocol

from app.backends.llama.speculation.length import DraftLength


class Drafter(Protocol):
    """Something that guesses how one text goes on."""

    free: bool
    """Asking costs so little that drafts nobody verifies are worth making."""

    def extend(self, tokens: Sequence[int]) -> None:
        """These tokens were read or written."""

    def draft(self, most: int) -> list[int]:
        """What probably comes next, at most that many tokens; empty where it has no guess."""

    def close(self) -> None:
        """Give back what it holds."""


class Speculator:
    """Call `draft` before a step and `observe` after it. `sources`: drafters and their lengths, the preferred first."""

    def __init__(self, sources: Sequence[tuple[Drafter, DraftLength]]) -> None:
        self._sources = list(sources)
        self._used: Drafter | None = None
        """Whose draft is being verified."""
        self._draft: list[int] = []
        self._draft_seconds = 0.0
        self._unverified: dict[int, int] = {}
        """What free drafters that were not used expect next, by their index."""
        self.drafted_tokens = 0
        self.accepted_tokens = 0

    @property
    def pending(self) -> tuple[int, ...]:
        """The draft being verified."""
        return tuple(self._draft)

    def draft(self, room: int, beside: int = 0) -> list[int]:
        """What to verify in the next step, at most `room` tokens. `beside`: other answers' tokens in that step."""
        self._used, self._draft, self._draft_seconds = None, [], 0.0
        self._unverified.clear()
        for index, (drafter, length) in enumerate(self._sources):
            wanted = min(room, length.next(beside))
            if wanted > 0 and not self._draft and self._ask(drafter, wanted):
                continue
            if drafter.free and (guess := drafter.draft(1)):
                self._unverified[index] = guess[0]
        return list(self._draft)

    def observe(self, tokens: Sequence[int], seconds: float, plain_seconds: float | None = None) -> None:
        """The step is done: `tokens` were written, all as drafted but perhaps the last. Times: see `DraftLength`."""
        accepted = sum(token == guess for token, guess in zip(tokens, self._draft, strict=False))
        self.drafted_tokens += len(self._draft)
        self.accepted_tokens += accepted
        for index, (drafter, length) in enumerate(self._sources):
            if drafter is self._used:
                length.observe(len(self._draft), accepted, seconds, plain_seconds, self._draft_seconds)
            else:
                length.observe(0, 0, plain_seconds or seconds)
                if index in self._unverified and tokens:
                    length.foresee(self._unverified[index] == tokens[0])
            drafter.extend(tokens)
        self._used, self._draft = None, []

    def close(self) -> None:
        """Close the drafters."""
        for drafter, _ in self._sources:
            drafter.close()

    def _ask(self, drafter: Drafter, most: int) -> bool:
        started = time.perf_counter()
        self._draft = drafter.draft(most)
        self._draft_seconds = time.perf_counter() - started
        self._used = drafter if self._draft else None
        return bool(self._draft)
