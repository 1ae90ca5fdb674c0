"""Tests of what is shown of a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol import (
    AnswerPrefill,
    AnswerQueued,
    ErrorInfo,
    FinishReason,
    GenerationStats,
    MessageState,
    Role,
    ToolCall,
)
from app.ui.chat.row_widget import Ask
from app.ui.chat.rows import (
    PIECE,
    PREVIEW,
    Around,
    Bubble,
    CallState,
    Editor,
    Ending,
    Footer,
    Gallery,
    LeftOut,
    Note,
    Problem,
    Thinking,
    Thought,
    ToolCard,
    Unfolding,
    Waiting,
    pieces,
    rows_of,
)
from app.ui.chat.segments import Code, Prose
from app.ui.chat.status_rows import ways_on
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
    queued = AnswerQueued(position=3)
    assert rows_of(waiting, Unfolding(around=Around(progress=queued)))[0] == Waiting(queued)
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
        (MessageState.COMPLETE, FinishReason.REPETITION, Ending.REPETITION),
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


def test_an_answer_that_goes_on_shows_its_progress_below_what_is_there() -> None:
    prefill = AnswerPrefill(done=10, total=100)
    going_on = message(2, text="Half", state=MessageState.STREAMING)
    rows = rows_of(going_on, Unfolding(around=Around(progress=prefill)))
    assert rows[:2] == [Prose("Half"), Waiting(prefill)]


def test_a_format_that_was_closed_early_is_said_before_the_limit() -> None:
    cut = stats(finish_reason=FinishReason.LENGTH, format_cut=True)
    assert rows_of(message(2, text="{}", stats=cut))[1] == Note(Ending.FORMAT_CUT)


def test_the_last_answer_can_go_on_where_it_failed() -> None:
    failed = message(2, text="Half", state=MessageState.FAILED, error=ErrorInfo(code="busy"))
    last = Unfolding(around=Around(last=True))
    assert rows_of(failed, last)[2] == Note(Ending.KEPT, last=True)
    assert not any(isinstance(row, Note) for row in rows_of(failed))
    nothing = message(2, state=MessageState.FAILED, error=ErrorInfo(code="busy"))
    assert not any(isinstance(row, Note) for row in rows_of(nothing, last))


@pytest.mark.parametrize(
    ("note", "ways"),
    [
        (Note(Ending.LENGTH, last=True), (Ask.CONTINUE, Ask.REGENERATE)),
        (Note(Ending.STOPPED, last=True), (Ask.CONTINUE, Ask.REGENERATE)),
        (Note(Ending.LENGTH), (Ask.REGENERATE,)),
        (Note(Ending.KEPT, last=True), (Ask.CONTINUE,)),
        (Note(Ending.CONTEXT_FULL, last=True), (Ask.CONTINUE_WITHOUT_OLDEST, Ask.NEW_CONVERSATION)),
        (Note(Ending.CONTEXT_FULL), (Ask.NEW_CONVERSATION,)),
        (Note(Ending.REPETITION, last=True), (Ask.REGENERATE,)),
        (Note(Ending.FORMAT_CUT, last=True), (Ask.REGENERATE,)),
    ],
)
def test_the_ways_on_fit_the_end(note: Note, ways: tuple[Ask, ...]) -> None:
    assert ways_on(note) == ways


def test_the_edge_of_the_context_stands_above_the_message() -> None:
    edge = Unfolding(around=Around(left_out=True))
    assert rows_of(question(1), edge)[:2] == [LeftOut(), Bubble("Why?")]
    assert rows_of(message(2, text="Hi"), edge)[:2] == [LeftOut(), Prose("Hi")]


def test_pictures_stand_above_the_words_and_may_stand_alone() -> None:
    assert rows_of(question(1, images=("a", "b")))[:2] == [Gallery(("a", "b")), Bubble("Why?")]
    assert rows_of(question(1, "", images=("a",)))[:2] == [Gallery(("a",)), Footer(Role.USER)]
    assert rows_of(question(1, images=("a",)), Unfolding(editing=True)) == [Gallery(("a",)), Editor("Why?")]


def test_tool_calls_are_cards_with_their_results() -> None:
    one, other = ToolCall(id="a", name="clock"), ToolCall(id="b", name="calculate")
    answer = message(2, text="Let me see.", tool_calls=(one, other))
    around = Around(calls=(("a", CallState.DONE), ("b", CallState.ASKING)), results=(("a", "noon"),))
    rows = rows_of(answer, Unfolding(results=frozenset({"a"}), around=around))
    assert rows[1:3] == [ToolCard(one, CallState.DONE, "noon", True), ToolCard(other, CallState.ASKING)]


def test_a_call_that_is_being_written_asks_nothing_yet() -> None:
    call = ToolCall(id="a", name="clock", arguments='{"zo')
    writing = message(2, tool_calls=(call,), state=MessageState.STREAMING)
    assert rows_of(writing)[0] == ToolCard(call, CallState.WRITING)
