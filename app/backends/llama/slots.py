"""The sequences of the context: what each holds, and how it is cut, saved, and emptied."""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from app.backends.llama.context import Context
from app.backends.llama.runs import TokenRun
from app.backends.llama.states import Checkpoint, SavedState, StateMemory

WORTH_SAVING = 32
"""Cells below which a sequence is computed again rather than saved."""
MOST_CHECKPOINTS = 8
MOST_CHECKPOINT_BYTES = 256 * 1024 * 1024
"""Of one slot; the last one is kept in any case."""
CHECKPOINT_EVERY = 1024
"""Cells of a prompt between two."""

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Slot:
    """One sequence of the context."""

    sequence: int
    held: TokenRun = field(default_factory=TokenRun)
    """The cells the KV cache has."""
    key: str = ""
    """Names the adapters they were computed with."""
    busy: bool = False
    used: int = 0
    """When it was used last, as a count."""
    keep_as: str = ""
    """The name under which it is to be written to disk; empty when that is done."""
    checkpoints: list[Checkpoint] = field(default_factory=list)


class StateStore(Protocol):
    """States on disk."""

    def best(self, run: TokenRun, key: str, most: int) -> tuple[int, str]: ...

    def read(self, name: str) -> SavedState | None: ...

    def write(self, name: str, saved: SavedState) -> None: ...


class Slots:
    """All slots of a context, the states that had to leave it, and those on disk."""

    def __init__(self, context: Context, memory: StateMemory, disk: StateStore | None = None) -> None:
        self.context = context
        self.memory = memory
        self.disk = disk
        self._all = [Slot(sequence) for sequence in range(context.sequences)]
        self._clock = count(1)

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._all)

    @property
    def busy(self) -> int:
        return sum(slot.busy for slot in self._all)

    @property
    def has_free(self) -> bool:
        return self.busy < len(self._all)

    def occupy(self, slot: Slot, key: str) -> None:
        """An answer uses it from now on."""
        slot.key, slot.busy, slot.used = key, True, next(self._clock)

    def release(self, slot: Slot, keep_as: str = "") -> None:
        """Whoever used it has ended; what it holds stays until the room is needed, and is written to disk soon."""
        slot.busy = False
        slot.used = next(self._clock)
        slot.keep_as = keep_as

    # ------------------------------------------------------------ emptying

    def forget(self, slot: Slot, length: int) -> None:
        """Drop the cells from that index on, all of them where this memory cannot be cut there."""
        if not self.context.cut(slot.sequence, slot.held.position(length)):
            self.clear(slot)
            return
        slot.held.cut(length)
        slot.checkpoints = [point for point in slot.checkpoints if point.length <= length]

    def clear(self, slot: Slot) -> None:
        """Empty the slot."""
        self.context.clear(slot.sequence)
        slot.held = TokenRun()
        slot.checkpoints = []
        slot.keep_as = ""

    def make_room(self) -> bool:
        """Move the idle slot that was used longest ago out of the context; False where none holds anything."""
        idle = [slot for slot in self._all if not slot.busy and len(slot.held)]
        if not idle:
            return False
        self.park(min(idle, key=lambda slot: slot.used))
        return True

    def park(self, slot: Slot) -> None:
        """Save what the slot holds to memory and empty it."""
        self.save(slot)
        self.clear(slot)

    # ------------------------------------------------------------ saving

    def save(self, slot: Slot) -> None:
        """Keep in memory what the slot holds, and on disk what was to be kept there."""
        worth = self._worth_saving(slot)
        if not worth and not slot.keep_as:
            return
        try:
            saved = self._snapshot(slot)
        except MemoryError:
            _log.warning("no memory for a state of %d cells; it will be computed again", len(slot.held))
            return
        if slot.keep_as and self.disk is not None:
            self.disk.write(slot.keep_as, saved)
            slot.keep_as = ""
        if worth:
            self.memory.add(saved)

    @property
    def unwritten(self) -> list[Slot]:
        """Idle slots that are to be written to disk."""
        return [slot for slot in self._all if slot.keep_as and not slot.busy] if self.disk is not None else []

    def write_out(self) -> None:
        """Hand all that is to be kept on disk to the one who writes it."""
        for slot in self.unwritten:
            if self.disk is not None and len(slot.held) >= WORTH_SAVING:
                with contextlib.suppress(MemoryError):  # what cannot be kept is computed again
                    self.disk.write(slot.keep_as, self._snapshot(slot))
            slot.keep_as = ""

    def _worth_saving(self, slot: Slot) -> bool:
        return (
            len(slot.held) >= WORTH_SAVING
            and not self.memory.covers(slot.held, slot.key)
            and self.memory.takes(self.context.state_size(slot.sequence))
        )

    def _snapshot(self, slot: Slot) -> SavedState:
        """The state of a slot as it is now."""
        state = self.context.save(slot.sequence)
        return SavedState(slot.held.head(len(slot.held)), slot.key, state, tuple(slot.checkpoints))

    # ------------------------------------------------------------ checkpoints

    def wants_marks(self, length: int) -> bool:
        """Whether one could not go back to that length later without a checkpoint."""
        context = self.context
        return context.needs_checkpoints and (context.model.recurrent or length > context.model.window)

    def mark_due(self, slot: Slot) -> bool:
        """Whether it is long since the last checkpoint."""
        last = slot.checkpoints[-1].length if slot.checkpoints else 0
        return len(slot.held) - last >= CHECKPOINT_EVERY and self.wants_marks(len(slot.held))

    def mark(self, slot: Slot) -> None:
        """Take a checkpoint, where this memory needs any."""
        length = len(slot.held)
        if not self.wants_marks(length) or any(point.length == length for point in slot.checkpoints):
            return
        slot.checkpoints.append(Checkpoint(length, self.context.save(slot.sequence, partial=True)))
        while len(slot.checkpoints) > 1 and _too_much(slot.checkpoints):
            del slot.checkpoints[0]


def _too_much(checkpoints: list[Checkpoint]) -> bool:
    size = sum(point.state.nbytes for point in checkpoints)
    return len(checkpoints) > MOST_CHECKPOINTS or size > MOST_CHECKPOINT_BYTES
