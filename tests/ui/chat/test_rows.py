"""Tests of what is shown of a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol import ErrorInfo, FinishReason, GenerationStats, MessageState, Role
from app.ui.chat.rows import (
    PIECE,
    PREVIEW,
    Bubble,
    Editor,
    Ending,
    Footer,
    Note,
    Problem,
    Thinking,
    Thought,
    Unfolding,
    Waiting,
    pieces,
    rows_of,
)
from app.ui.chat.segments import Code, Prose
from tests.ui.chat.conftest import message, question


def stats(**fields: object) -> GenerationStats:
    known: dict[str, object] = {
        "prompt_tokens": 10,
        "answer_tokens": 20,
        "ttft_s": 0.3,
        "decode_s": 1.0,
        "context_length": 4096,
    }
    return GenerationStats(**(known | fields))  # type: ignore[arg-type]


def test_a_question_is_a_bubble_and_its_actions() -> None:
    assert rows_of(question(1, "Why?")) == [Bubble("Why?"), Footer(Role.USER)]


def test_a_question_being_edited_is_a_field() -> None:
    assert rows_of(question(1, "Why?"), Unfolding(editing=True)) == [Editor("Why?")]


def test_a_long_question_shows_its_beginning_and_how_long_it_is() -> None:
    text = "word " * 40_000
    first, footer = rows_of(question(1, text))
    assert isinstance(first, Bubble)
    assert first.hidden == 200_000
    assert len(first.text) <= PIECE
    assert footer == Footer(Role.USER)


def test_a_long_question_unfolds_into_pieces_that_make_one_bubble() -> None:
    text = "word " * PREVIEW
    bubbles = [row for row in rows_of(question(1, text), Unfolding(whole=True)) if isinstance(row, Bubble)]
    assert [bubble.first for bubble in bubbles] == [True] + [False] * (len(bubbles) - 1)
    assert [bubble.last for bubble in bubbles] == [False] * (len(bubbles) - 1) + [True]
    assert " ".join(bubble.text for bubble in bubbles).split() == text.split()


@given(st.text(alphabet="ab \n量", max_size=3_000), st.integers(4, 200))
def test_pieces_lose_nothing_but_the_breaks_they_were_cut_at(text: str, limit: int) -> None:
    found = pieces(text, limit)
    assert all(len(piece) <= limit for piece in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_an_answer_is_its_segments_and_its_figures() -> None:
    answer = message(2, text="Hi\n\n```py\nx\n```", model="Tiny", stats=stats(), siblings=(1, 2, 5))
    assert rows_of(answer) == [
        Prose("Hi"),
        Code("x", "py", closed=True),
        Footer(Role.ASSISTANT, 2, 3, model="Tiny", stats=stats()),
    ]


def test_thinking_is_folded_until_it_is_asked_for() -> None:
    answer = message(2, thinking="Hm.\n", text="Hi", stats=stats(thinking_s=4.0))
    assert rows_of(answer)[:2] == [Thinking(False, False, 4.0), Prose("Hi")]
    assert rows_of(answer, Unfolding(thinking=True))[:3] == [Thinking(True, False, 4.0), Thought("Hm."), Prose("Hi")]


def test_an_answer_without_a_word_is_waited_for() -> None:
    waiting = message(2, state=MessageState.STREAMING)
    assert rows_of(waiting)[0] == Waiting(None)
    assert rows_of(waiting, Unfolding(prefill=0.5))[0] == Waiting(0.5)
    thinking = message(2, state=MessageState.STREAMING, thinking="Hm")
    assert rows_of(thinking)[0] == Thinking(False, True)


def test_an_answer_being_written_offers_nothing_yet() -> None:
    assert rows_of(message(2, text="Hi", state=MessageState.STREAMING))[-1] == Footer(Role.ASSISTANT, busy=True)


@pytest.mark.parametrize(
    ("state", "reason", "ending"),
    [
        (MessageState.STOPPED, FinishReason.CANCELLED, Ending.STOPPED),
        (MessageState.COMPLETE, FinishReason.LENGTH, Ending.LENGTH),
        (MessageState.COMPLETE, FinishReason.CONTEXT_FULL, Ending.CONTEXT_FULL),
    ],
)
def test_an_early_end_is_said(state: MessageState, reason: FinishReason, ending: Ending) -> None:
    answer = message(2, text="Half", state=state, stats=stats(finish_reason=reason))
    assert rows_of(answer)[:2] == [Prose("Half"), Note(ending)]


def test_a_failure_keeps_the_text_and_says_why() -> None:
    error = ErrorInfo(code="worker_died", values={"model": "Tiny", "reason": "signal 9"})
    assert rows_of(message(2, text="Half", state=MessageState.FAILED, error=error))[:2] == [
        Prose("Half"),
        Problem(error),
    ]


def test_a_failure_nobody_explained_has_words_too() -> None:
    found = rows_of(message(2, state=MessageState.FAILED))[0]
    assert isinstance(found, Problem)
    assert found.error.code == "generation_failed"


@pytest.mark.parametrize("role", [Role.SYSTEM, Role.TOOL])
def test_other_roles_are_not_shown(role: Role) -> None:
    assert rows_of(message(1, role=role, text="x")) == []
