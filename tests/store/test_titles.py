"""The title a conversation gets by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.titles import LONGEST, automatic_title, shorten


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("", ""),
        (" \n\t\n", ""),
        ("Hello", "Hello"),
        ("  What   is\ta KV cache?  \nTell me.", "What is a KV cache?"),
        ("\n\n第一行\n第二行", "第一行"),
        ("# Heading", "Heading"),
        ("> ## quoted heading", "quoted heading"),
        ("- [ ] a task", "a task"),
        ("12) twelfth", "twelfth"),
        ("Is **bold** and *italic* and `code` and ~~gone~~?", "Is bold and italic and code and gone?"),
        ("这是**重点**吗", "这是重点吗"),
        ("See [the docs](https://example.org/a_b) and ![a cat](cat.png)", "See the docs and a cat"),
        ("```python\nprint('hi')\n```", "print('hi')"),
        ("---\nAfter the rule", "After the rule"),
        ("snake_case and 2 * 3 * 4 stay", "snake_case and 2 * 3 * 4 stay"),
        ("#hashtag is no heading", "#hashtag is no heading"),
        ("a\x00b\x1b[0m", "a b [0m"),
        ("***", ""),
    ],
)
def test_the_first_line_without_its_signs(text: str, title: str) -> None:
    assert automatic_title(text) == title


def test_a_line_that_just_fits_is_whole() -> None:
    assert shorten("x" * LONGEST) == "x" * LONGEST


def test_english_is_cut_between_words() -> None:
    title = automatic_title("Could you please explain to me how a mixture of experts model is loaded into memory?")
    assert title == "Could you please explain to me how a mixture of experts…"


def test_chinese_is_cut_between_any_two_characters() -> None:
    title = automatic_title("请" * 100)
    assert title == "请" * (LONGEST - 1) + "…"


def test_a_latin_word_in_chinese_stays_whole() -> None:
    line = "问" * 50 + "quantization" + "答" * 20
    assert automatic_title(line) == "问" * 50 + "…"


def test_a_word_without_end_is_cut_anyway() -> None:
    assert automatic_title("x" * 500) == "x" * (LONGEST - 1) + "…"


def test_no_punctuation_before_the_omission() -> None:
    assert automatic_title("word " * 10 + "wwww, " + "next" * 20) == ("word " * 10 + "wwww…")


@pytest.mark.parametrize("joined", ["e\u0301", "👨\u200d👩\u200d👧", "👍\U0001f3fd", "❤\ufe0f"])
def test_what_is_one_sign_to_the_eye_stays_whole(joined: str) -> None:
    for lead in range(LONGEST - 10, LONGEST + 1):
        title = automatic_title("x" * lead + joined + "y" * LONGEST).removesuffix("…")
        rest = title[lead:]
        assert rest.startswith(joined) or rest == ""


@given(st.text())
def test_any_text_gives_one_short_line(text: str) -> None:
    title = automatic_title(text)
    assert len(title) <= LONGEST
    assert title == " ".join(title.split())
    assert title or not any(sign.isalnum() for sign in text)


@given(st.lists(st.text("abcdefg", min_size=1, max_size=12), min_size=1, max_size=40))
def test_words_are_never_cut(words: list[str]) -> None:
    title = automatic_title(" ".join(words)).removesuffix("…")
    assert title.split() == words[: len(title.split())]
