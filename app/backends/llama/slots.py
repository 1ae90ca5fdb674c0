"""The sequences of the context: what each holds, and how it is cut, saved, and emptied."""

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from app.backends.llama.context import Context
from app.backends.llama.runs import TokenRun
from app.backends.llama.states import WORTH_SAVING, Checkpoint, SavedState, StateMemory

MOST_CHECKPOINTS = 8
"""Of one slot."""
CHECKPOINT_EVERY = 1024
"""Cells of a prompt between two."""
WRITE_EVERY_S = 10.0
"""Between two states written while others are being answered."""

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Slot:
    """One sequence of the context."""

    sequence: int
    held: TokenRun = field(default_factory=TokenRun)
    """The cells the KV cache has."""
    ahead: int = 0
    """Cells it has beyond those: of a picture that is read in part."""
    key: str = ""
    """Names the adapters they were computed with."""
    busy: bool = False
    used: int = 0
    """When it was used last, as a count."""
    keep_as: str = ""
    """The name under which it is to be written to disk; empty when that is done."""
    checkpoints: list[Checkpoint] = field(default_factory=list)


class StateStore(Protocol):
    """Who writes states to disk."""

    def write(self, name: str, saved: SavedState) -> bool:
        """Write it soon; False where too much waits already."""


class Slots:
    """All slots of a context, the states that had to leave it, and those on disk."""

    def __init__(self, context: Context, memory: StateMemory, disk: StateStore | None = None) -> None:
        self.context = context
        self.memory = memory
        self.disk = disk
        self._all = [Slot(sequence) for sequence in range(context.sequences)]
        self._clock = count(1)
        self._handed_out = -WRITE_EVERY_S
        """When a state was given to be written last, by `time.monotonic`."""

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
        self._drop_ahead(slot)
        slot.busy = False
        slot.used = next(self._clock)
        slot.keep_as = keep_as

    # ------------------------------------------------------------ emptying

    def forget(self, slot: Slot, length: int) -> None:
        """Drop the cells from that index on; where it could not be gone on from there, back to a checkpoint, or all."""
        if self._cut(slot, length):
            return
        usable = [point for point in slot.checkpoints if point.length <= length]
        point = max(usable, key=lambda one: one.length, default=None)
        if (
            point is None
            or not self.context.restore(slot.sequence, point.state, partial=True)
            or not self._cut(slot, point.length)
        ):
            self.clear(slot)

    def _cut(self, slot: Slot, length: int) -> bool:
        """Drop the cells from that index on; False where it cannot be gone on from there."""
        position = slot.held.position(length)
        if not (self.context.cut(slot.sequence, position) and self.context.can_resume(slot.sequence, position)):
            return False
        slot.ahead = 0
        slot.held.cut(length)
        slot.checkpoints = [point for point in slot.checkpoints if point.length <= length]
        return True

    def clear(self, slot: Slot) -> None:
        """Empty the slot."""
        self.context.clear(slot.sequence)
        slot.ahead = 0
        slot.held = TokenRun()
        slot.checkpoints = []
        slot.keep_as = ""

    def _drop_ahead(self, slot: Slot) -> None:
        """Forget a picture that is read in part: nobody could go on from there."""
        if slot.ahead:
            self.forget(slot, len(slot.held))

    def clear_idle(self) -> None:
        """Empty all that nobody uses, without saving anything."""
        for slot in self._all:
            if not slot.busy:
                self.clear(slot)

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
        self._drop_ahead(slot)
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

    def write_out(self) -> None:
        """Hand all that is to be kept on disk to the one who writes it."""
        for slot in self._all:
            if slot.keep_as and not slot.busy:
                self._hand_out(slot)

    def write_due(self) -> None:
        """Hand out the one that has waited longest, now and then: who always answers must not lose it all."""
        if time.monotonic() - self._handed_out < WRITE_EVERY_S:
            return
        waiting = [slot for slot in self._all if slot.keep_as and not slot.busy]
        if waiting:
            self._hand_out(min(waiting, key=lambda slot: slot.used))

    def _hand_out(self, slot: Slot) -> None:
        """One that cannot be taken now keeps its name, and is tried again."""
        self._handed_out = time.monotonic()
        taken = True
        if self.disk is not None and len(slot.held) >= WORTH_SAVING:
            with contextlib.suppress(MemoryError):  # what cannot be kept is computed again
                taken = self.disk.write(slot.keep_as, self._snapshot(slot))
        if taken:
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
        try:
            state = self.context.save(slot.sequence, partial=True)
        except MemoryError:
            _log.warning("no memory for a checkpoint at %d cells", length)
            return
        slot.checkpoints.append(Checkpoint(length, state))
        while len(slot.checkpoints) > 1 and self._too_much(slot.checkpoints):
            del slot.checkpoints[0]

    def _too_much(self, checkpoints: list[Checkpoint]) -> bool:
        size = sum(point.state.nbytes for point in checkpoints)
        return len(checkpoints) > MOST_CHECKPOINTS or size > self.memory.checkpoints_limit
