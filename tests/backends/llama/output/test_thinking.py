"""Thinking is told from answer, wherever the chunks end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.llama.output.thinking import ThinkingSplitter
from app.protocol import DeltaKind


def split(chunks: list[str], thinking: bool = False) -> tuple[str, str]:
    """(thinking, answer) of the chunks."""
    splitter = ThinkingSplitter(thinking)
    parts = [part for chunk in chunks for part in splitter.feed(chunk)] + splitter.finish()
    assert all(text for _, text in parts)
    return tuple(  # type: ignore[return-value]
        "".join(text for kind, text in parts if kind is wanted) for wanted in (DeltaKind.THINKING, DeltaKind.TEXT)
    )


@pytest.mark.parametrize(
    ("text", "opened", "thought", "answer"),
    [
        ("Hello", False, "", "Hello"),
        ("<think>Hm.</think>Yes", False, "Hm.", "Yes"),
        ("\n <think>\nHm.\n</think>\n\nYes\n", False, "Hm.", "Yes\n"),
        ("Hm.</think>Yes", True, "Hm.", "Yes"),
        ("<think></think>Yes", False, "", "Yes"),
        ("<think>never closed ", False, "never closed", ""),
        ("The tag <think> opens thinking</think>.", False, "", "The tag <think> opens thinking</think>."),
        ("a < b", False, "", "a < b"),
        ("<thinking>", False, "", "<thinking>"),
        ("<thi", False, "", "<thi"),
        ("  leading", False, "", "  leading"),
        ("<think>a < b </thin </think> c", False, "a < b </thin", "c"),
        ("<think>one</think>\n<think>two</think>three", False, "onetwo", "three"),
        ("", False, "", ""),
        ("", True, "", ""),
    ],
)
def test_whole_and_letter_by_letter(text: str, opened: bool, thought: str, answer: str) -> None:
    assert split([text], opened) == (thought, answer)
    assert split(list(text), opened) == (thought, answer)


pieces = st.lists(st.sampled_from(["<think>", "</think>", "<th", "ink>", "</", "think>", "a", " ", "\n", "量", "<"]))


@given(pieces, st.booleans(), st.data())
def test_chunk_borders_change_nothing(parts: list[str], opened: bool, data: st.DataObject) -> None:
    text = "".join(parts)
    borders = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    chunks = [text[start:end] for start, end in zip([0, *borders], [*borders, len(text)], strict=True)]
    assert split(chunks, opened) == split([text], opened)


@given(st.text(alphabet="ab c\n量", max_size=30))
def test_text_without_tags_is_untouched(text: str) -> None:
    assert split([text]) == ("", text)


def test_an_answer_is_shown_at_once() -> None:
    splitter = ThinkingSplitter()
    assert splitter.feed("Yes <thi") == [(DeltaKind.TEXT, "Yes <thi")]
