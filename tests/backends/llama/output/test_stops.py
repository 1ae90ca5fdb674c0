"""Stop strings end the text wherever the chunks end, and nothing of them is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.llama.output.stops import StopFinder, longest_overlap


def run(chunks: list[str], stops: tuple[str, ...]) -> tuple[str, bool]:
    finder = StopFinder(stops)
    text = "".join(finder.feed(chunk) for chunk in chunks)
    return text + finder.finish(), finder.found


@pytest.mark.parametrize(
    ("text", "stops", "shown", "found"),
    [
        ("one\n\ntwo", ("\n\n",), "one", True),
        ("one", ("\n\n",), "one", False),
        ("one\n", ("\n\n",), "one\n", False),
        ("a STOP b END", ("END", "STOP"), "a ", True),
        ("aaab", ("aab",), "a", True),
        ("ababc", ("abc",), "ab", True),
        ("text", (), "text", False),
        ("text", ("",), "text", False),
        ("停止了", ("止了",), "停", True),
    ],
)
def test_whole_and_letter_by_letter(text: str, stops: tuple[str, ...], shown: str, found: bool) -> None:
    assert run([text], stops) == (shown, found)
    assert run(list(text), stops) == (shown, found)


@given(st.text(alphabet="abc"), st.lists(st.text(alphabet="abc", min_size=1, max_size=4), max_size=3))
def test_letter_by_letter_the_first_stop_to_end_wins(text: str, stops: list[str]) -> None:
    """Compared with looking at the whole text after each letter."""
    expected, expected_found = text, False
    for end in range(1, len(text) + 1):
        starts = [text[:end].find(stop) for stop in stops if stop in text[:end]]
        if starts:
            expected, expected_found = text[: min(starts)], True
            break
    assert run(list(text), tuple(stops)) == (expected, expected_found)


def test_only_what_may_become_a_stop_is_held_back() -> None:
    finder = StopFinder(("###",))
    assert finder.feed("a#") == "a"
    assert finder.feed("#b") == "##b"
    assert finder.feed("###") == ""
    assert finder.found
    assert finder.feed("more") == ""


def test_the_longest_overlap_wins() -> None:
    assert longest_overlap("aab", "ab") == 0
    assert longest_overlap("xaba", "ababc") == 3
    assert longest_overlap("ab", "ab") == 0
    assert longest_overlap("", "ab") == 0
