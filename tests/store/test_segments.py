"""Chinese, Japanese and Korean characters apart, everything else untouched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.segments import segment


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("显存", "显 存"),
        ("8GB显存够吗?", "8GB 显 存 够 吗 ?"),
        ("ひらがな カタ", "ひ ら が な カ タ"),
        ("한국", "한 국"),
        ("\U00020000\U0002a6df", "\U00020000 \U0002a6df"),
        ("plain text, café", "plain text, café"),
        ("々〇", "々 〇"),
        ("", ""),
    ],
)
def test_characters_are_set_apart(text: str, pieces: str) -> None:
    assert segment(text).split() == pieces.split()


@given(st.text())
def test_nothing_is_lost(text: str) -> None:
    assert segment(text).replace(" ", "") == text.replace(" ", "")


@given(st.text(st.characters(max_codepoint=0x2FFF)))
def test_texts_without_such_characters_stay_the_same(text: str) -> None:
    assert segment(text) == text
