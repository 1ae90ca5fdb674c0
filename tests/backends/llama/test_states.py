"""States in memory: the least recently used go, and none is kept twice."""

import numpy as np

from app.backends.llama.runs import TokenRun
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
