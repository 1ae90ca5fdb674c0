"""Stand-ins come back as what they stand for, and cannot be guessed."""

from hypothesis import given
from hypothesis import strategies as st

from app.backends.llama.templates.veil import Picture, Veil, special_pattern


def test_the_longest_control_token_is_matched() -> None:
    pattern = special_pattern(["<a>", "<a><b>", ""])
    assert pattern is not None
    assert pattern.findall("<a><b><a>") == ["<a><b>", "<a>"]
    assert special_pattern([]) is None


@given(st.text(), st.sampled_from(["<x>", "<y>"]))
def test_a_veil_gives_back_what_it_hid(text: str, token: str) -> None:
    veil = Veil(special_pattern(["<x>", "<y>"]))
    content = f"{text}{token}{text}"
    pieces = veil.split(veil.hide(content))
    assert "".join(str(piece) for piece, _ in pieces) == content
    assert all(hidden == (piece in ("<x>", "<y>")) for piece, hidden in pieces)


def test_every_text_in_a_value_is_hidden() -> None:
    veil = Veil(special_pattern(["<x>"]))
    hidden = veil.hide_deep({"<x>": ["a<x>", {"b": "<x>"}, 5, None, True]})
    assert "<x>" not in str(hidden)
    assert hidden[veil.hide("<x>")][2:] == [5, None, True]


def test_pictures_are_given_back_and_marks_are_nothing() -> None:
    veil = Veil(None)
    text = f"a{veil.picture(b'1')}b{veil.mark()}c{veil.picture(b'1')}"
    one = Picture.of(b"1")
    assert veil.split(text) == [("a", False), (one, True), ("b", False), ("c", False), (one, True)]


def test_stand_ins_differ_from_prompt_to_prompt() -> None:
    pattern = special_pattern(["<x>"])
    assert Veil(pattern).hide("<x>") != Veil(pattern).hide("<x>")
