"""States in memory: the least recently used go, and none is kept twice."""

from types import SimpleNamespace

import numpy as np
import pytest

from app.backends.llama.context import State
from app.backends.llama.runs import TokenRun
from app.backends.llama.slots import MOST_CHECKPOINTS, Slots
from app.backends.llama.states import DEFAULT_LIMIT, Checkpoint, SavedState, StateMemory, default_limit


def state(*tokens: int, size: int = 100, key: str = "", extra: int = 0) -> SavedState:
    points = (Checkpoint(1, np.zeros(extra, np.uint8)),) if extra else ()
    return SavedState(TokenRun(tokens), key, np.zeros(size, np.uint8), points)


def held(memory: StateMemory) -> list[list[int]]:
    return [saved.run.tokens.tolist() for saved in memory.states]


def test_the_oldest_go_first() -> None:
    memory = StateMemory(250)
    for first in (1, 2, 3):
        memory.add(state(first, 0))
    assert held(memory) == [[2, 0], [3, 0]]
    assert memory.size == 200


def test_what_is_larger_than_all_is_not_kept() -> None:
    memory = StateMemory(50)
    memory.add(state(1))
    assert memory.states == ()
    assert not memory.takes(51)
    assert not StateMemory(0).takes(1)


def test_checkpoints_count() -> None:
    assert state(1, extra=30).size == 130


def test_a_state_takes_the_place_of_those_it_goes_on_from() -> None:
    memory = StateMemory(1000)
    memory.add(state(1, 2))
    memory.add(state(1, 3))
    memory.add(state(1, 2, 4))
    assert held(memory) == [[1, 3], [1, 2, 4]]


def test_adapters_keep_states_apart() -> None:
    memory = StateMemory(1000)
    memory.add(state(1, 2))
    memory.add(state(1, 2, 3, key="0:1"))
    assert len(memory.states) == 2
    assert memory.covers(TokenRun([1, 2]), "0:1")
    assert not memory.covers(TokenRun([1, 2, 3]), "")


def test_taking_one_removes_it() -> None:
    memory = StateMemory(1000)
    memory.add(state(1))
    memory.take(memory.states[0])
    assert memory.states == ()


def test_the_usual_limit_is_a_small_part_of_the_memory() -> None:
    assert 0 < default_limit() <= DEFAULT_LIMIT


class Marking:
    """A context whose memory cannot be cut, with checkpoints of 100 bytes."""

    sequences = 1
    needs_checkpoints = True
    model = SimpleNamespace(recurrent=True)

    def save(self, _sequence: int, *, partial: bool) -> State:
        assert partial
        return np.zeros(100, np.uint8)


@pytest.mark.parametrize(("limit", "kept"), [(0, 1), (8 * 250, 2), (8 * 300, 3), (10**6, MOST_CHECKPOINTS)])
def test_checkpoints_of_a_slot_keep_to_a_share_of_the_memory_for_states(limit: int, kept: int) -> None:
    slots = Slots(Marking(), StateMemory(limit))  # type: ignore[arg-type]
    (slot,) = slots
    for token in range(12):
        slot.held.append(token)
        slots.mark(slot)
    assert [point.length for point in slot.checkpoints] == list(range(13 - kept, 13))
