"""After failures a step is halved until it succeeds, everybody gets a turn, and it grows again."""

from hypothesis import given
from hypothesis import strategies as st

from app.backends.llama.narrowing import WIDEN_AFTER, Narrowing


def test_at_first_there_is_no_limit() -> None:
    assert not Narrowing().limited


def test_half_of_what_failed_is_allowed_and_half_of_that() -> None:
    narrowing = Narrowing()
    assert narrowing.fail(9)
    assert narrowing.allot([(1, 1), (2, 1), (3, 7)]) == [1, 1, 2]
    assert narrowing.fail(4)
    assert narrowing.allot([(1, 1), (2, 1), (3, 7)]) == [1, 1, 0]


def test_one_token_that_fails_shows_who_is_at_fault_and_frees_the_others() -> None:
    narrowing = Narrowing()
    assert narrowing.fail(3)
    assert not narrowing.fail(1)
    assert not narrowing.limited


def test_after_good_steps_it_doubles_and_ends_above_what_failed() -> None:
    narrowing = Narrowing()
    narrowing.fail(5)
    for limit in (2, 4):
        assert narrowing.allot([(1, 100)]) == [limit]
        for _ in range(WIDEN_AFTER):
            narrowing.succeed([1])
    assert not narrowing.limited


def test_a_size_that_never_works_is_tried_more_and_more_seldom() -> None:
    narrowing, tries = Narrowing(), list[int]()
    narrowing.fail(2)
    for step in range(200):
        while sum(narrowing.allot([(1, 1), (2, 1)]) if narrowing.limited else (1, 1)) > 1:
            tries.append(step)
            narrowing.fail(2)
        narrowing.succeed([1])
    assert tries == [8, 24, 56, 120]


@given(
    wanted=st.lists(st.integers(1, 40), min_size=2, max_size=8),
    most=st.integers(1, 30),
    steps=st.integers(60, 120),
)
def test_whatever_size_is_too_much_everybody_goes_on(wanted: list[int], most: int, steps: int) -> None:
    """A decode of more than `most` tokens always fails: nobody is left behind, and few tries are in vain."""
    narrowing, got, vain = Narrowing(), [0] * len(wanted), 0
    for _ in range(steps):
        while True:
            allotted = narrowing.allot(list(enumerate(wanted))) if narrowing.limited else wanted
            if sum(allotted) <= most:
                break
            vain += 1
            assert narrowing.fail(sum(allotted)), "nobody is at fault"
        assert sum(allotted) > 0
        if narrowing.limited:
            narrowing.succeed([number for number, tokens in enumerate(allotted) if tokens])
        got = [sum(pair) for pair in zip(got, allotted, strict=True)]
    assert all(got)
    assert vain <= 9 + 3 * steps / WIDEN_AFTER
