"""Drafts from the text itself."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from app.backends.llama.speculation.lookup import LookupDrafter

TEXT = list(range(100, 140))


def test_nothing_is_known_of_a_new_text() -> None:
    drafter = LookupDrafter([1, 2, 3, 4])
    assert drafter.draft(8) == []
    assert LookupDrafter([]).draft(8) == []


def test_what_followed_the_same_tokens_follows_again() -> None:
    drafter = LookupDrafter([*TEXT, 1, 2])
    drafter.extend(TEXT[5:8])
    assert drafter.draft(4) == TEXT[8:12]
    assert drafter.draft(1) == TEXT[8:9]


def test_one_token_in_common_is_no_match() -> None:
    assert LookupDrafter([5, 6, 7, 9, 6]).draft(3) == []


def test_the_longest_match_leads() -> None:
    drafter = LookupDrafter([1, 2, 3, 50, 9, 2, 3, 60, 7, 1, 2, 3])
    assert drafter.draft(1) == [50]


def test_the_newest_of_equal_matches_leads() -> None:
    assert LookupDrafter([2, 3, 50, 4, 2, 3, 60, 5, 2, 3]).draft(1) == [60]


def test_a_repeated_pattern_goes_on_as_long_as_asked() -> None:
    drafter = LookupDrafter([7, 8, 9, 7, 8, 9, 7, 8])
    assert drafter.draft(7) == [9, 7, 8, 9, 7, 8, 9]


def test_one_token_for_ever() -> None:
    assert LookupDrafter([4, 4, 4]).draft(5) == [4, 4, 4, 4, 4]


def test_a_prediction_is_drafted_from_the_first_token_on() -> None:
    drafter = LookupDrafter([1, 2, 3], prediction=TEXT)
    assert drafter.draft(4) == TEXT[:4]
    drafter.extend(TEXT[:5])
    assert drafter.draft(4) == TEXT[5:9]


def test_a_prediction_ends_where_the_prompt_begins() -> None:
    drafter = LookupDrafter([1, 2, 3], prediction=[10, 11, 12])
    assert drafter.draft(8) == [10, 11, 12]
    drafter.extend([10, 11, 12])
    assert drafter.draft(8) == []


def test_a_changed_token_leaves_the_prediction_in_step_at_once() -> None:
    drafter = LookupDrafter([1, 2, 3], prediction=TEXT)
    drafter.extend([*TEXT[:10], 7])
    assert drafter.draft(3) == TEXT[11:14]


def test_an_early_change_does_too() -> None:
    drafter = LookupDrafter([1, 2, 3], prediction=TEXT)
    drafter.extend([7])
    assert drafter.draft(3) == TEXT[1:4]


def test_left_out_and_put_in_tokens_are_caught_up_with() -> None:
    drafter = LookupDrafter([1, 2, 3], prediction=TEXT)
    drafter.extend([*TEXT[:10], *TEXT[15:18]])
    assert drafter.draft(3) == TEXT[18:21]
    drafter.extend([*TEXT[18:20], 7, 8, 9, *TEXT[20:23]])
    assert drafter.draft(3) == TEXT[23:26]


def test_a_prediction_of_something_else_is_given_up() -> None:
    drafter = LookupDrafter([1, 2, 3], prediction=TEXT)
    drafter.extend([11, 12, 13, 14, 15])
    assert drafter.draft(8) == []


def test_of_equal_matches_the_one_near_the_last_source_leads() -> None:
    repeated = [50, 51]
    prediction = [*TEXT[:8], *repeated, 60, *TEXT[8:16], *repeated, 61, *TEXT[16:30], *repeated, 62]
    drafter = LookupDrafter([1, 2, 3], prediction)
    drafter.extend([*TEXT[:8], *repeated, 60, *TEXT[8:12], 7, 8, 9, 10, 11, *TEXT[14:16], *repeated])
    assert drafter.draft(1) == [61]


def test_the_answer_itself_is_text_to_draft_from() -> None:
    drafter = LookupDrafter([1, 2, 3])
    drafter.extend([*TEXT, 4, 5, *TEXT[:3]])
    assert drafter.draft(5) == TEXT[3:8]


def test_pictures_are_no_text_to_draft_from() -> None:
    """Their cells stand in the prompt as numbers below 0."""
    drafter = LookupDrafter([1, 2, 3, -70, -71, -72, 5, 6, 7])
    drafter.extend([1, 2])
    assert drafter.draft(8) == [3]
    drafter.extend([3])
    assert drafter.draft(8) == []
    assert LookupDrafter([-70, -71, 8, 9, -70, -71]).draft(4) == []


@given(
    prompt=st.lists(st.integers(0, 3), max_size=40),
    prediction=st.lists(st.integers(0, 3), max_size=20),
    pieces=st.lists(st.lists(st.integers(0, 3), max_size=4), max_size=20),
    most=st.integers(1, 9),
)
def test_any_text_is_drafted_within_its_limits(
    prompt: Sequence[int], prediction: Sequence[int], pieces: Sequence[Sequence[int]], most: int
) -> None:
    drafter, seen = LookupDrafter(prompt, prediction), {*prompt, *prediction}
    for piece in pieces:
        draft = drafter.draft(most)
        assert len(draft) <= most
        assert seen.issuperset(draft)
        assert drafter.draft(most) == draft, "asking changes nothing"
        drafter.extend(piece)
        seen.update(piece)


@given(period=st.lists(st.integers(0, 5), min_size=1, max_size=6), rounds=st.integers(3, 6))
def test_whatever_goes_round_is_foreseen(period: list[int], rounds: int) -> None:
    written = period * rounds
    drafter = LookupDrafter([])
    for token in written[: len(period) * 2 + 2]:
        drafter.draft(1)
        drafter.extend([token])
    for token in (period * 3)[2 : 2 + len(period)]:
        guess = drafter.draft(1)
        assert len(guess) == 1
        drafter.extend([token])
