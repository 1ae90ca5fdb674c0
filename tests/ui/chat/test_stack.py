"""Tests of where rows lie, without widgets."""

from hypothesis import given
from hypothesis import strategies as st

from app.ui.chat.rows import Thought
from app.ui.chat.stack import Entry, Stack

WIDTH, MARGIN = 600, 24


def stack_of(*sizes: tuple[int, int]) -> Stack:
    """A stack of measured entries, given as (gap, height), and placed."""
    stack = Stack()
    stack.show([Entry(1, Thought("x"), gap=gap, height=height, measured_for=WIDTH) for gap, height in sizes])
    stack.place(WIDTH, MARGIN)
    return stack


def test_entries_lie_one_below_the_other_with_their_gaps() -> None:
    stack = stack_of((0, 30), (10, 50), (4, 20))
    assert [entry.top for entry in stack.entries] == [24, 64, 118]
    assert stack.place(WIDTH, MARGIN) == 118 + 20 + MARGIN


def test_an_entry_of_another_height_moves_what_follows() -> None:
    stack = stack_of((0, 30), (10, 50))
    stack.measured(stack.entries[0], WIDTH, 100)
    assert stack.place(WIDTH, MARGIN) == 24 + 100 + 10 + 50 + 24
    assert stack.entries[1].top == 134


def test_an_entry_to_be_measured_again_keeps_its_height_meanwhile() -> None:
    stack = stack_of((0, 30), (0, 50))
    stack.unsettle(stack.entries[0])
    assert stack.place(WIDTH, MARGIN) == 24 + 80 + 24
    assert stack.entries[0].measured_for == -1


def test_an_entry_never_measured_is_guessed_by_its_text() -> None:
    stack = Stack()
    stack.show([Entry(1, Thought("short")), Entry(1, Thought("long " * 1000)), Entry(1, Thought("a\nb\nc"))])
    stack.place(WIDTH, MARGIN)
    short, long, lines = (entry.height for entry in stack.entries)
    assert 0 < short < lines < long


def test_other_margins_move_everything() -> None:
    stack = stack_of((0, 30))
    assert stack.place(WIDTH, 40) == 110
    assert stack.entries[0].top == 40


SIZES = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 400)), min_size=1, max_size=40)


@given(SIZES, st.integers(-100, 5_000), st.integers(0, 2_000))
def test_what_reaches_into_a_stretch_is_found(sizes: list[tuple[int, int]], start: int, length: int) -> None:
    stack = stack_of(*sizes)
    found = stack.between(start, start + length)
    wanted = [each for each in stack.entries if each.top <= start + length and each.top + each.height > start]
    assert all(any(each is one for one in found) for each in wanted)
    assert len(found) <= len(wanted) + 1  # at most the one whose gap the stretch begins in


@given(SIZES, st.integers(0, 39), st.integers(1, 400))
def test_placing_by_and_by_is_placing_at_once(sizes: list[tuple[int, int]], place: int, height: int) -> None:
    stack = stack_of(*sizes)
    place = min(place, len(sizes) - 1)
    stack.measured(stack.entries[place], WIDTH, height)
    total = stack.place(WIDTH, MARGIN)
    sizes[place] = (sizes[place][0], height)
    again = stack_of(*sizes)
    assert [each.top for each in stack.entries] == [each.top for each in again.entries]
    assert total == again.place(WIDTH, MARGIN)
