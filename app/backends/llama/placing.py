"""Gives each prompt a slot that holds as much of its beginning as can be had without computing it again."""

from collections.abc import Sequence

from app.backends.llama.runs import TokenRun
from app.backends.llama.slots import Slot, Slots
from app.backends.llama.states import WORTH_SAVING, Checkpoint, SavedState

TAKE_OVER = 64
"""An idle sequence is cut rather than copied when no more than this many cells are lost."""


class Placement:
    """Looks for beginnings in all slots, busy or idle, and in the states in memory."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._context = slots.context

    def place(self, run: TokenRun, key: str, stored: SavedState | None = None, keep_as: str = "") -> Slot:
        """A free slot, now busy, that holds the longest beginning of the run that could be had.

        `stored`: what the disk has of it; `keep_as`: the name it will be written under. At least one cell is left to
        compute, since its logits are wanted. Some slot must be free.
        """
        most = len(run) - 1
        shared, source = self._best_slot(run, key, most)
        slot = None
        if (saved := self._best_saved(run, key, most, shared, stored)) is not None:
            slot = self._bring_back(saved, run, most)
        if slot is None and source is not None:
            slot = self._move_in(source, shared, keep_as)
        if slot is None:
            slot = self._emptied(self._spare(None))
        self._slots.occupy(slot, key)
        return slot

    # ------------------------------------------------------------ looking

    def _best_slot(self, run: TokenRun, key: str, most: int) -> tuple[int, Slot | None]:
        """The longest usable beginning held by any slot; an idle slot goes before a busy one."""
        best: tuple[int, bool, int] = (0, False, 0)
        found = None
        for slot in self._slots:
            if slot.key != key or not len(slot.held) or (slot.ahead and not self._context.cuttable):
                continue
            length = self._reachable(slot, slot.held.shared_with(run, most))
            rank = (length, not slot.busy, slot.used)
            if length and rank > best:
                best, found = rank, slot
        return best[0], found

    def _best_saved(
        self, run: TokenRun, key: str, most: int, shared: int, stored: SavedState | None
    ) -> SavedState | None:
        """A state in memory or from the disk that brings clearly more than the slots do."""
        best, found = shared + WORTH_SAVING - 1, None
        for saved in (*self._slots.memory.states, *([stored] if stored is not None else [])):
            if saved.key != key:
                continue
            length = resumable(self._slots, saved.run, saved.checkpoints, saved.run.shared_with(run, most))
            if length > best:
                best, found = length, saved
        return found

    def _reachable(self, slot: Slot, shared: int) -> int:
        """How many of the first `shared` cells of a slot can be gone on from."""
        if not shared or shared == len(slot.held) or self._can_cut(slot, shared):
            return shared
        return max((point.length for point in slot.checkpoints if point.length <= shared), default=0)

    def _can_cut(self, slot: Slot, length: int) -> bool:
        return self._context.cuttable and self._context.can_resume(slot.sequence, slot.held.position(length))

    # ------------------------------------------------------------ moving in

    def _bring_back(self, saved: SavedState, run: TokenRun, most: int) -> Slot | None:
        """Put a saved state into a free slot and cut it to what the run shares; None where there is no room."""
        slot = self._emptied(self._spare(None))
        while not self._context.restore(slot.sequence, saved.state):
            if not self._slots.make_room():
                self._slots.clear(slot)
                return None
        if saved in self._slots.memory.states:
            self._slots.memory.take(saved)
        slot.held = saved.run.head(len(saved.run))
        slot.key = saved.key
        slot.checkpoints = list(saved.checkpoints)
        self._rewind(slot, slot.held.shared_with(run, most))
        return slot

    def _move_in(self, source: Slot, shared: int, keep_as: str) -> Slot:
        """Cut an idle slot that shares nearly everything; copy the beginning into another slot otherwise.

        What waits there to be written is written now, unless it will be under the same name once there is more of it.
        """
        if source.busy:
            return self._copied(source, self._emptied(self._spare(None)), shared)
        loses = len(source.held) - shared
        if loses > TAKE_OVER and (other := self._spare(source)) is not None:
            return self._copied(source, self._emptied(other), shared)
        if loses > TAKE_OVER or source.keep_as not in ("", keep_as):
            self._slots.save(source)
        self._rewind(source, shared)
        return source

    def _copied(self, source: Slot, target: Slot, shared: int) -> Slot:
        """Let an empty slot share the beginning of another one."""
        length = shared if self._can_cut(source, shared) else len(source.held)
        self._context.copy(source.sequence, target.sequence, source.held.position(length))
        target.held = source.held.head(length)
        target.key = source.key
        target.checkpoints = [point for point in source.checkpoints if point.length <= length]
        self._rewind(target, shared)
        return target

    def _rewind(self, slot: Slot, length: int) -> None:
        """Go back to that many cells, by a checkpoint where it must be; the slot is emptied where nothing helps."""
        if length == len(slot.held):
            return
        if length and self._can_cut(slot, length):
            self._slots.forget(slot, length)
            return
        point = _last_before(slot.checkpoints, length)
        if point is None or not self._context.restore(slot.sequence, point.state, partial=True):
            self._slots.clear(slot)
            return
        self._slots.forget(slot, point.length)

    def _spare(self, source: Slot | None) -> Slot | None:
        """The free slot to be used next, other than the source: an empty one, or the one used longest ago."""
        free = [slot for slot in self._slots if not slot.busy and slot is not source]
        return min(free, key=lambda slot: (len(slot.held) > 0, slot.used), default=None)

    def _emptied(self, slot: Slot | None) -> Slot:
        """That free slot, with what it held saved."""
        assert slot is not None, "some slot is free"
        if len(slot.held):
            self._slots.park(slot)
        return slot


def at_hand(slots: Slots, run: TokenRun, key: str) -> int:
    """Cells of the run's beginning that need not come from the disk. Any thread may ask: a guess, as they change."""
    held = [(slot.held, tuple(slot.checkpoints)) for slot in slots if slot.key == key]
    held += [(saved.run, saved.checkpoints) for saved in slots.memory.states if saved.key == key]
    most = len(run) - 1
    return max((resumable(slots, one, points, one.shared_with(run, most)) for one, points in held), default=0)


def resumable(slots: Slots, held: TokenRun, checkpoints: Sequence[Checkpoint], shared: int) -> int:
    """How many of the `shared` cells can be gone on from, as far as that is known without asking llama.cpp."""
    if shared == len(held) or not slots.wants_marks(len(held)):
        return shared
    return max((point.length for point in checkpoints if point.length <= shared), default=0)


def _last_before(checkpoints: list[Checkpoint], length: int) -> Checkpoint | None:
    usable = [point for point in checkpoints if point.length <= length]
    return max(usable, key=lambda point: point.length, default=None)
