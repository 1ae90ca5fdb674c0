"""Texts that are tokenised piece by piece come out as if they had been tokenised whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.llama.binding import llama
from app.backends.llama.fragments import KEPT, SHORT, Fragments
from app.backends.llama.vocabulary import Vocabulary
from app.paths import STARTER_MODEL
from tests.backends.llama.loading import loaded

MARKS = ("<|start|>", "<|end|>")
LONG = "word " * SHORT


class Counting:
    """A tokenizer that knows how much it was given."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> list[int]:
        self.texts.append(text)
        return [ord(character) for character in text]


@given(st.lists(st.sampled_from([*MARKS, LONG, "a", "<|", "start|>", "\n", "语言模型" * SHORT]), max_size=8))
def test_nothing_is_lost_or_moved(parts: list[str]) -> None:
    text = "".join(parts)
    assert Fragments(Counting(), MARKS).tokens(text) == [ord(character) for character in text]


def test_what_was_there_before_is_not_tokenised_again() -> None:
    count = Counting()
    fragments = Fragments(count, MARKS)
    first = f"<|start|>{LONG}<|end|>"
    fragments.tokens(first)
    count.texts.clear()
    fragments.tokens(f"{first}<|start|>new<|end|>")
    assert "".join(count.texts) == "<|end|><|start|>new<|end|>"


def test_what_is_remembered_is_bounded() -> None:
    count = Counting()
    fragments = Fragments(count, MARKS)
    text = "x" * (KEPT // 2 + 1)
    for letter in "abc":
        fragments.tokens(f"<|start|>{letter}{text}<|end|>")
    count.texts.clear()
    fragments.tokens(f"<|start|>a{text}<|end|>")
    assert sum(map(len, count.texts)) > KEPT // 2
    count.texts.clear()
    fragments.tokens(f"<|start|>a{text}<|end|>")
    assert sum(map(len, count.texts)) < SHORT


@pytest.mark.parametrize(
    ("marks", "others"),
    [(("ab", "bc"), ()), (("abc", "b"), ()), (("<|end|>",), ("x<|end|>",)), (("<a>",), ("..<",)), ((), ())],
    ids=["overlapping", "inside", "contained in another", "begun by another", "none"],
)
def test_where_a_cut_is_not_certain_nothing_is_cut(marks: tuple[str, ...], others: tuple[str, ...]) -> None:
    count = Counting()
    text = f"{LONG}{marks[0] if marks else ''}{LONG}"
    Fragments(count, marks, others).tokens(text)
    assert count.texts == [text]


def whole(vocabulary: Vocabulary, text: str) -> list[int]:
    """What llama.cpp itself makes of the text."""
    data = text.encode()
    tokens = (llama.llama_token * (len(data) + 2))()
    count = llama.llama_tokenize(vocabulary.handle, data, len(data), tokens, len(tokens), False, True)
    return list(tokens[:count])


def test_a_real_vocabulary_says_the_same_of_the_whole_and_of_its_pieces() -> None:
    turns = [
        "What fits in 8 GB of VRAM?  \n\n" * 20,
        "  显存 16 GB 能跑多大的模型？\n" * 30,
        "\t```python\nprint(1)\n```" * 20,
    ]
    text = "".join(f"<|im_start|>user\n{turn}<|im_end|>\n" for turn in turns)
    with loaded(STARTER_MODEL) as model:
        for end in (len(text), len(text) // 2, len(text) // 3 + 1):
            assert model.vocabulary.tokenize(text[:end], parse_special=True) == whole(model.vocabulary, text[:end])
