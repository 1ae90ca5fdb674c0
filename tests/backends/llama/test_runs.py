"""What a sequence holds: growing, comparing, cutting, and pictures that stand in it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.backends.llama.runs import PictureSpan, TokenRun, common_length, picture_cells

KEY, OTHER = "ab" * 32, "cd" * 32
TOKENS = st.lists(st.integers(0, 3), max_size=30)


def with_picture(key: str = KEY, before: int = 4, after: int = 6, cells: int = 5, positions: int = 2) -> TokenRun:
    tokens = [*range(before), *picture_cells(key, cells).tolist(), *range(100, 100 + after)]
    return TokenRun(tokens, (PictureSpan(key, before, cells, positions),))


@given(one=TOKENS, other=TOKENS)
def test_the_common_beginning_is_that_of_the_lists(one: list[int], other: list[int]) -> None:
    expected = 0
    while expected < min(len(one), len(other)) and one[expected] == other[expected]:
        expected += 1
    assert common_length(np.array(one, np.int32), np.array(other, np.int32)) == expected


@given(first=TOKENS, more=st.lists(TOKENS, max_size=40))
def test_it_grows_like_a_list(first: list[int], more: list[list[int]]) -> None:
    run, expected = TokenRun(first), list(first)
    for tokens in more:
        run.extend(tokens)
        run.append(7)
        expected += [*tokens, 7]
    assert run.tokens.tolist() == expected
    assert len(run) == len(expected)


def test_a_head_is_a_run_of_its_own() -> None:
    run = TokenRun(range(10))
    head = run.head(4)
    run.cut(2)
    run.append(99)
    assert head.tokens.tolist() == [0, 1, 2, 3]


def test_pictures_count_whole_or_not_at_all() -> None:
    run = with_picture()
    assert with_picture().shared_with(run, len(run)) == len(run)
    assert with_picture(OTHER).shared_with(run, len(run)) == 4
    assert with_picture().shared_with(run, 6) == 4
    assert with_picture(after=2).shared_with(run, len(run)) == 11


def test_positions_skip_what_a_picture_does_not_take() -> None:
    run = with_picture(before=4, cells=5, positions=2)
    assert [run.position(index) for index in (0, 4, 9, 10)] == [0, 4, 6, 7]


def test_where_pictures_are() -> None:
    run = with_picture()
    assert run.next_picture(0) == 4
    assert run.next_picture(5) == len(run)
    assert run.picture_at(4) is not None
    assert run.picture_at(5) is None


def test_following_another_run_takes_its_pictures_along() -> None:
    run, held = with_picture(), TokenRun()
    held.follow(run, 4)
    assert held.pictures == ()
    held.follow(run, len(run))
    assert held.pictures == run.pictures
    assert held.tokens.tolist() == run.tokens.tolist()
    held.cut(4)
    assert held.pictures == ()


def test_cells_of_pictures_are_no_tokens_and_differ_with_the_picture() -> None:
    cells = picture_cells(KEY, 64)
    assert (cells < 0).all()
    assert len(set(cells.tolist())) == 64
    assert picture_cells(KEY, 64).tolist() == cells.tolist()
    assert common_length(cells, picture_cells(OTHER, 64)) == 0
