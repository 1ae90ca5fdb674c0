"""Text to tokens and back, on the vocabulary of a real (tiny) model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.llama.vocabulary import Vocabulary
from tests.backends.llama.loading import loaded
from tests.gguf import END, SPECIAL


@pytest.fixture(scope="module")
def vocabulary(models: Path) -> Iterator[Vocabulary]:
    with loaded(models / "thinking.gguf") as model:
        model.vocabulary.show({"<think>", "</think>"})
        yield model.vocabulary


@given(text=st.text())
def test_plain_text_survives_whatever_it_says(vocabulary: Vocabulary, text: str) -> None:
    tokens = vocabulary.tokenize(text, parse_special=False)
    assert b"".join(vocabulary.piece(token) for token in tokens) == text.encode("utf-8", "replace")


def test_all_bytes_are_those_of_each(vocabulary: Vocabulary) -> None:
    assert list(vocabulary.all_bytes()) == [vocabulary.bytes_of(token) for token in range(vocabulary.size)]


def test_half_a_character_is_replaced_not_refused(vocabulary: Vocabulary) -> None:
    tokens = vocabulary.tokenize("a\ud83db", parse_special=False)
    assert b"".join(vocabulary.piece(token) for token in tokens) == b"a?b"


def test_nothing_is_no_tokens(vocabulary: Vocabulary) -> None:
    assert vocabulary.tokenize("", parse_special=True) == []


def test_special_text_is_a_control_token_only_where_it_is_parsed(vocabulary: Vocabulary) -> None:
    (parsed,) = vocabulary.tokenize(END, parse_special=True)
    assert vocabulary.special_texts[parsed] == END
    plain = vocabulary.tokenize(END, parse_special=False)
    assert parsed not in plain
    assert len(plain) > 1


def test_every_control_token_is_known(vocabulary: Vocabulary) -> None:
    assert set(vocabulary.special_texts.values()) == set(SPECIAL)


def test_control_tokens_are_not_shown_but_thinking_is(vocabulary: Vocabulary) -> None:
    shown = {text: vocabulary.piece(token) for token, text in vocabulary.special_texts.items()}
    assert shown["<think>"] == b"<think>"
    assert shown["</think>"] == b"</think>"
    assert shown[END] == shown["<|im_start|>"] == b""


def test_the_end_of_a_turn_ends_an_answer(vocabulary: Vocabulary) -> None:
    (end,) = vocabulary.tokenize(END, parse_special=True)
    assert vocabulary.ends_answer(end)
    assert vocabulary.eos == end
    assert not vocabulary.ends_answer(vocabulary.tokenize("a", parse_special=False)[0])


def test_texts_of_tokens(vocabulary: Vocabulary) -> None:
    assert vocabulary.text_of(vocabulary.bos) == "<|endoftext|>"
    assert vocabulary.text_of(-1) == ""
    assert not vocabulary.adds_bos


def test_only_texts_somebody_looks_for_are_shown(models: Path) -> None:
    with loaded(models / "thinking.gguf") as model:
        vocabulary = model.vocabulary
        [think] = vocabulary.tokenize("<think>", parse_special=True)
        vocabulary.show(())
        assert vocabulary.piece(think) == b""
        assert vocabulary.bytes_of(think) == b"<think>"
        vocabulary.show(("<think>",))
        assert vocabulary.piece(think) == b"<think>"


def test_the_tokens_that_end_an_answer(vocabulary: Vocabulary) -> None:
    assert vocabulary.tokenize(END, parse_special=True)[0] in vocabulary.end_tokens
    assert all(vocabulary.ends_answer(token) for token in vocabulary.end_tokens)
    assert len(vocabulary.end_tokens) < 5
