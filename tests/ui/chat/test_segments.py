"""Tests of the splitter: what it makes of Markdown, and that what is finished stays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ui.chat.segments import HARD_LIMIT, SOFT_LIMIT, Code, Prose, Segment, Splitter, split

MARKS = ["`", "```", "````", "~~~", "```py\n", "\n", "\n\n", "- ", "1. ", "  ", "    ", "|", "|---|---|", "> ", "# "]
WORDS = ["a", "word ", "**", "---", "x" * 700, "y. " * 500, "- item\n" * 200, "| a | b |\n" * 120, "量化。", "\r\n"]
PIECES = st.sampled_from([*MARKS, *WORDS])
TEXTS = st.lists(PIECES, max_size=30).map("".join)


def test_prose_and_code_take_turns() -> None:
    text = "Before\n\n```python\nx = 1\n```\n\nAfter"
    assert split(text) == [Prose("Before"), Code("x = 1", "python", closed=True), Prose("After")]


@pytest.mark.parametrize("fence", ["```", "~~~", "`````"])
def test_every_kind_of_fence_is_code(fence: str) -> None:
    assert split(f"{fence}\na\n{fence}") == [Code("a", closed=True)]


def test_a_longer_fence_holds_a_shorter_one() -> None:
    assert split("````md\n```\na\n```\n````") == [Code("```\na\n```", "md", closed=True)]


def test_a_fence_is_not_closed_by_another_kind() -> None:
    assert split("```\na\n~~~\nb") == [Code("a\n~~~\nb")]


def test_backticks_within_a_line_are_no_fence() -> None:
    assert split("```code``` in a line") == [Prose("```code``` in a line")]


def test_code_inside_a_list_item_loses_its_indentation_and_the_list_goes_on() -> None:
    found = split("1. one\n   ```sh\n   ls\n     -l\n   ```\n   more\n2. two")
    assert found == [
        Prose("1. one"),
        Code("ls\n  -l", "sh", indent=3, closed=True),
        Prose("more", indent=3),
        Prose("2. two"),
    ]


def test_a_fence_may_follow_the_list_marker() -> None:
    assert split("- ```\n  a\n  ```") == [Prose("-"), Code("a", indent=2, closed=True)]


def test_deep_indentation_is_a_fence_only_in_a_list() -> None:
    assert split("    ```\n    a") == [Prose("    ```\n    a")]
    assert split("- a\n  - b\n    ```\n    c\n    ```")[1] == Code("c", indent=4, closed=True)


def test_the_language_is_one_lower_case_word() -> None:
    assert split("``` Python title=x\na\n```")[0] == Code("a", "python", closed=True)


def test_long_prose_is_cut_between_blocks() -> None:
    paragraph = "word " * 60
    found = split("\n\n".join([paragraph] * 20))
    assert len(found) > 3
    assert all(isinstance(part, Prose) and len(part.text) <= HARD_LIMIT and not part.continues for part in found)
    assert " ".join(part.text for part in found).split() == paragraph.split() * 20


def test_an_enormous_paragraph_is_cut_at_a_sentence_and_says_so() -> None:
    sentence = "This is a sentence with **weight** in it. "
    found = split(sentence * 200)
    assert all(len(part.text) <= HARD_LIMIT for part in found)
    assert [part.continues for part in found if isinstance(part, Prose)] == [False] + [True] * (len(found) - 1)
    assert all(part.text.rstrip().endswith(".") for part in found)
    assert all(part.text.count("**") % 2 == 0 for part in found)


def test_text_without_any_break_is_cut_all_the_same() -> None:
    found = split("量" * 9_000)
    assert "".join(part.text for part in found) == "量" * 9_000
    assert max(len(part.text) for part in found) <= HARD_LIMIT


def test_a_long_list_is_cut_between_items_and_goes_on_without_a_gap() -> None:
    found = split("\n".join(f"{n}. item number {n}" for n in range(1, 400)))
    assert len(found) > 2
    assert all(isinstance(part, Prose) for part in found)
    assert [part.continues for part in found if isinstance(part, Prose)][1:] == [True] * (len(found) - 1)
    assert all(part.text[0].isdigit() for part in found)


def test_a_long_table_repeats_its_header() -> None:
    head = "| a | b |\n|---|--:|"
    found = split(head + "\n| one | two |" * 300)
    assert len(found) > 2
    assert all(part.text.startswith(head) for part in found)
    assert sum(part.text.count("| one | two |") for part in found) == 300


def test_line_ends_of_windows_make_no_difference() -> None:
    assert split("a\r\n\r\n```\r\nb\r\n```\r\n") == split("a\n\n```\nb\n```\n")


def test_nothing_is_shown_of_a_line_that_may_become_anything() -> None:
    assert split("Title\n--", streaming=True) == [Prose("Title")]
    assert split("Text\n\n```pyth", streaming=True) == [Prose("Text")]
    assert split("```\na\n``", streaming=True) == [Code("a")]


def test_a_finished_text_shows_everything() -> None:
    assert split("-") == [Prose("-")]
    assert split("Text\n\n```pyth") == [Prose("Text"), Code("", "pyth")]
    assert split("") == []


@settings(deadline=None)
@given(TEXTS, st.data())
def test_finished_segments_never_change(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    early = split(text[:cut], streaming=True)[:-1]
    for whole in (split(text), split(text, streaming=True)):
        assert early == whole[: len(early)]


@settings(deadline=None)
@given(TEXTS, st.lists(st.integers(1, 900), max_size=40))
def test_reading_on_gives_what_reading_all_gives(text: str, steps: list[int]) -> None:
    splitter, shown = Splitter(), 0
    for step in steps:
        shown += step
        assert splitter.split(text[:shown], streaming=True) == split(text[:shown], streaming=True)
    assert splitter.split(text) == split(text)


def test_another_text_is_read_from_its_beginning() -> None:
    splitter = Splitter()
    splitter.split("one\n\ntwo\n\n")
    assert splitter.split("three\n") == [Prose("three")]


@settings(deadline=None)
@given(TEXTS)
def test_prose_is_bounded(text: str) -> None:
    longest_line = HARD_LIMIT + SOFT_LIMIT
    for part in split(text):
        assert isinstance(part, Code) or len(part.text) <= 2 * HARD_LIMIT + longest_line


def test_segments_are_values() -> None:
    first: list[Segment] = split("a\n\n```\nb\n```")
    assert first == split("a\n\n```\nb\n```")
    assert hash(first[0]) == hash(Prose("a"))
