"""The tests' own models are what they claim to be."""

from pathlib import Path

import pytest

from tests.gguf import TinyModel, byte_letters, spell, write_tiny_model


def test_every_byte_has_a_letter_of_its_own() -> None:
    letters = byte_letters()
    assert len(set(letters.values())) == 256
    assert letters[ord("A")] == "A"
    assert letters[ord(" ")] == "Ġ"
    assert letters[ord("\n")] == "Ċ"


def test_pieces_are_spelt_as_the_vocabulary_writes_them() -> None:
    assert spell(" wor") == "Ġwor"
    assert spell("é") == "Ã©"
    assert spell(b"\xc3") == "Ã"
    assert spell("<think>") == "<think>"


def test_a_script_says_each_piece_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="once"):
        write_tiny_model(tmp_path / "x.gguf", TinyModel(script=("a", "a")))
