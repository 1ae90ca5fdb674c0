"""Bytes become text a whole character at a time."""

from hypothesis import given
from hypothesis import strategies as st

from app.backends.llama.output.detokenizer import Detokenizer


@given(st.text(), st.data())
def test_characters_survive_being_cut(text: str, data: st.DataObject) -> None:
    encoded = text.encode("utf-8", "ignore")
    borders = sorted(data.draw(st.lists(st.integers(0, len(encoded)), max_size=20)))
    detokenizer = Detokenizer()
    chunks = [encoded[start:end] for start, end in zip([0, *borders], [*borders, len(encoded)], strict=True)]
    assert "".join(detokenizer.feed(chunk) for chunk in chunks) == encoded.decode()


def test_a_character_is_shown_when_it_is_whole() -> None:
    detokenizer = Detokenizer()
    emoji = "🦙".encode()
    assert [detokenizer.feed(emoji[index : index + 1]) for index in range(4)] == ["", "", "", "🦙"]


def test_bytes_that_are_no_text_are_marked_and_the_rest_goes_on() -> None:
    detokenizer = Detokenizer()
    assert detokenizer.feed(b"a\xffb") == "a\ufffdb"


def test_an_unfinished_character_at_the_end_is_left_out() -> None:
    assert Detokenizer().feed("量".encode()[:2]) == ""
