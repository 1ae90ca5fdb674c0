"""The piece of a text that shows why it was found."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.store.snippets import WIDTH, Highlighter, Word


def marked(text: str, *words: Word) -> list[str]:
    """What is marked in the snippet."""
    snippet, marks = Highlighter(words).snippet(text)
    return [snippet[start:end] for start, end in marks]


@pytest.mark.parametrize(
    ("text", "word", "found"),
    [
        ("The Model and a model", Word("model"), ["Model", "model"]),
        ("models remodel", Word("model"), []),
        ("models remodel", Word("model", prefix=True), ["model"]),
        ("Crème brûlée", Word("creme"), ["Crème"]),
        ("creme", Word("crème"), ["creme"]),
        ("cre\u0300me", Word("creme"), ["cre\u0300me"]),
        ("我的显存,显 存", Word("显存"), ["显存", "显 存"]),
        ("它的显", Word("显存"), []),
        ("用8GB显存", Word("8gb显"), ["8GB显"]),
        ("foo-bar foobar", Word("foo bar"), ["foo-bar"]),
        ("snake_case", Word("case"), ["case"]),
        ("ЁЛКА", Word("елка"), ["ЁЛКА"]),
        ("İstanbul", Word("istanbul"), ["İstanbul"]),
        ("a.b*c (d", Word("b*c"), ["b*c"]),
    ],
)
def test_words_are_marked_in_the_sense_they_were_found(text: str, word: Word, found: list[str]) -> None:
    assert marked(text, word) == found


def test_several_words_are_marked_and_overlapping_marks_are_one() -> None:
    assert marked("显存够吗", Word("显存"), Word("存够")) == ["显存够"]
    assert marked("one two three", Word("three"), Word("one")) == ["one", "three"]


def test_a_snippet_shows_the_first_found_word_with_what_precedes_it() -> None:
    text = "before " * 100 + "needle " + "after " * 100
    snippet, marks = Highlighter([Word("needle")]).snippet(text)
    assert snippet.startswith("…before")
    assert snippet.endswith("…")
    assert len(snippet) <= WIDTH + 2
    assert [snippet[start:end] for start, end in marks] == ["needle"]


def test_words_that_stand_together_are_preferred() -> None:
    text = "graphics " + "x " * 200 + "a graphics card, a card"
    snippet, _ = Highlighter([Word("graphics"), Word("card")]).snippet(text)
    assert "graphics card" in snippet


def test_a_word_far_down_a_long_text_is_found() -> None:
    assert marked("lorem ipsum " * 20_000 + "needle", Word("needle")) == ["needle"]


def test_a_snippet_is_one_line() -> None:
    snippet, marks = Highlighter([Word("b")]).snippet("a\n\n\tb\r\nc")
    assert (snippet, marks) == ("a b c", ((2, 3),))


def test_a_text_without_the_word_shows_its_beginning() -> None:
    assert Highlighter([Word("x")]).snippet("a b c") == ("a b c", ())


SOME_TEXT = st.text(st.sampled_from("ab é\u0301İß显存\n_-*(\U0001f600"), max_size=400)


@settings(deadline=None)
@given(
    text=SOME_TEXT | st.text(),
    words=st.lists(st.builds(Word, st.text(min_size=1), st.booleans()), min_size=1, max_size=3),
)
def test_marks_lie_in_the_snippet_in_order_and_apart(text: str, words: list[Word]) -> None:
    snippet, marks = Highlighter(words).snippet(text)
    assert len(snippet) <= WIDTH + 2
    assert "\n" not in snippet
    borders = [border for mark in marks for border in mark]
    assert borders == sorted(set(borders))
    assert all(0 <= border <= len(snippet) for border in borders)
