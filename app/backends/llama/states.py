"""KV states of sequences that had to leave the context, kept in memory up to a limit; the least recently used go."""

from dataclasses import dataclass
from typing import TypeAlias

import psutil

from app.backends.llama.context import State
from app.backends.llama.runs import TokenRun

DEFAULT_LIMIT = 1024**3
DEFAULT_SHARE = 0.05
"""Of all memory."""
WORTH_SAVING = 32
"""Cells below which a sequence is computed again rather than saved."""
_CHECKPOINTS_SHARE = 8


@dataclass(frozen=True)
class Checkpoint:
    """The part of a state that cannot be cut, as it was after the first `length` cells."""

    length: int
    state: State


Checkpoints: TypeAlias = tuple[Checkpoint, ...]


@dataclass(frozen=True, eq=False)
class SavedState:
    """A sequence outside the context. `key` names the adapters it was computed with."""

    run: TokenRun
    key: str
    state: State
    checkpoints: Checkpoints = ()

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return self.state.nbytes + sum(checkpoint.state.nbytes for checkpoint in self.checkpoints)


class StateMemory:
    """Saved states within a limit of bytes."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = default_limit() if limit is None else limit
        self._states: list[SavedState] = []
        """The least recently used first."""

    @property
    def checkpoints_limit(self) -> int:
        """Bytes the checkpoints of one slot may take beside all this."""
        return self._limit // _CHECKPOINTS_SHARE

    @property
    def states(self) -> tuple[SavedState, ...]:
        return tuple(self._states)

    @property
    def size(self) -> int:
        return sum(saved.size for saved in self._states)

    def takes(self, size: int) -> bool:
        """Whether a state of that size could be kept at all."""
        return 0 < size <= self._limit

    def covers(self, run: TokenRun, key: str) -> bool:
        """Whether a state kept here begins with this whole run."""
        return any(
            saved.key == key and len(saved.run) >= len(run) and saved.run.shared_with(run, len(run)) == len(run)
            for saved in self._states
        )

    def add(self, saved: SavedState) -> None:
        """Keep it; others that it goes on from, and the oldest where there is no room, are dropped."""
        self._states = [old for old in self._states if not _goes_on(saved, old)]
        if not self.takes(saved.size):
            return
        self._states.append(saved)
        while self.size > self._limit:
            del self._states[0]

    def take(self, saved: SavedState) -> None:
        """It goes back into the context."""
        self._states.remove(saved)


def default_limit() -> int:
    """Bytes for states where nobody asked for another number."""
    return min(DEFAULT_LIMIT, int(psutil.virtual_memory().total * DEFAULT_SHARE))


def _goes_on(new: SavedState, old: SavedState) -> bool:
    """Whether the new state begins with all of the old one."""
    return new.key == old.key and new.run.shared_with(old.run, len(old.run)) == len(old.run) <= len(new.run)
