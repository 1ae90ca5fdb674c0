"""Conversations over the private API: questions, answers, branches, stopping, deleting, finding."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backends.fake import SAMPLE
from app.protocol import (
    AnswerDelta,
    AnswerEvent,
    AnswerFinished,
    AnswerSnapshot,
    Conversation,
    ConversationChanged,
    ConversationRemoved,
    FinishReason,
    Message,
    MessageChanged,
    MessagePage,
    MessageRemoved,
    MessageState,
    ModelChanged,
    ModelEntry,
    ModelState,
    Role,
    SearchHit,
    Started,
)
from tests.conftest import add_model
from tests.processes import RunningBackend, running_backend

SLOW = "40:4000"
"""A fake engine that writes for 25 seconds."""


@pytest.fixture
def backend(fake_backend_process: RunningBackend) -> RunningBackend:
    return fake_backend_process


@pytest.fixture
def slow(home: Path) -> Iterator[RunningBackend]:
    """A backend whose answers take long enough to be interrupted."""
    add_model(home)
    with running_backend(home, ALCOVE_FAKE_ENGINE=SLOW) as backend:
        yield backend


def read_some(events: Iterator[AnswerEvent], letters: int) -> str:
    """Read until that much text has come; what came."""
    text = ""
    while len(text) < letters:
        event = next(events)
        assert not isinstance(event, AnswerFinished)
        if isinstance(event, AnswerSnapshot):
            text += event.message.text
        elif isinstance(event, AnswerDelta):
            text += event.text
    return text


def begun(backend: RunningBackend, letters: int = 40, text: str = "Tell me") -> tuple[Started, str]:
    """An answer of which so much has been written."""
    started = backend.ask(backend.new_conversation().id, text)
    with backend.reading(started.answer.id) as events:
        return started, read_some(events, letters)


def test_a_question_is_answered_streamed_and_stored(backend: RunningBackend) -> None:
    conversation = backend.new_conversation(system_prompt="Be kind.")
    started = backend.ask(conversation.id, "What is a quantization?")
    assert started.question is not None
    assert started.question.text == "What is a quantization?"
    assert (started.answer.role, started.answer.parent_id) == (Role.ASSISTANT, started.question.id)
    with backend.reading(started.answer.id) as stream:
        events = list(stream)
    first, *between, last = events
    assert isinstance(first, AnswerSnapshot)
    assert isinstance(last, AnswerFinished)
    streamed = first.message.text + "".join(event.text for event in between if isinstance(event, AnswerDelta))
    assert streamed == last.message.text == SAMPLE
    assert last.message.state is MessageState.COMPLETE
    assert last.message.stats is not None
    assert last.message.stats.answer_tokens > 1
    assert backend.messages(conversation.id) == [started.question, last.message]


def test_the_first_question_names_the_conversation(backend: RunningBackend) -> None:
    started = backend.ask(backend.new_conversation().id, "# How big is it?\nIn bytes.")
    assert started.conversation.title == "How big is it?"
    backend.finished(started.answer.id)


def test_readers_may_join_at_any_time(slow: RunningBackend) -> None:
    started, early = begun(slow, letters=80)
    with slow.reading(started.answer.id) as late:
        snapshot = next(late)
        assert isinstance(snapshot, AnswerSnapshot)
        assert snapshot.message.text.startswith(early)
        assert snapshot.message.state is MessageState.STREAMING
        stopped = slow.post(f"/api/messages/{started.answer.id}/stop", Message)
        rest = list(late)
    streamed = snapshot.message.text + "".join(event.text for event in rest if isinstance(event, AnswerDelta))
    assert streamed == stopped.text


def test_a_stopped_answer_keeps_its_text_and_its_figures(slow: RunningBackend) -> None:
    started, text = begun(slow)
    stopped = slow.post(f"/api/messages/{started.answer.id}/stop", Message)
    assert stopped.state is MessageState.STOPPED
    assert stopped.text.startswith(text)
    assert stopped.stats is not None
    assert stopped.stats.finish_reason is FinishReason.CANCELLED
    assert slow.messages(started.conversation.id)[-1] == stopped
    again = slow.post(f"/api/messages/{started.answer.id}/stop", Message)
    assert again == stopped
    assert slow.status().answering == 0


def test_one_answer_at_a_time_in_a_conversation_but_several_side_by_side(slow: RunningBackend) -> None:
    started, _ = begun(slow)
    path = f"/api/conversations/{started.conversation.id}/messages"
    refused = slow.http.post(path, json={"text": "And?"})
    assert (refused.status_code, refused.json()["code"]) == (409, "busy")
    assert slow.http.post(f"/api/messages/{started.answer.id}/regenerate", json={}).status_code == 409
    begun(slow)
    assert slow.status().answering == 2
    slow.post(f"/api/messages/{started.answer.id}/stop", Message)
    slow.ask(started.conversation.id, "And?")


def test_thinking_comes_apart_from_the_text(backend: RunningBackend) -> None:
    started = backend.ask(backend.new_conversation().id, "Think!", thinking=True)
    answer = backend.finished(started.answer.id)
    assert answer.thinking == "The question is about size.\n"
    assert answer.text == SAMPLE


def test_regenerating_makes_a_sibling_and_both_can_be_shown(backend: RunningBackend) -> None:
    started = backend.ask(backend.new_conversation().id, "Again")
    first = backend.finished(started.answer.id)
    second = backend.post(f"/api/messages/{first.id}/regenerate", Started, {}).answer
    backend.finished(second.id)
    shown = backend.messages(started.conversation.id)[-1]
    assert (shown.id, shown.siblings) == (second.id, (first.id, second.id))
    back = backend.post(f"/api/messages/{first.id}/show", Conversation)
    assert back.leaf_id == first.id
    assert backend.messages(started.conversation.id)[-1].id == first.id


def test_an_edited_question_begins_a_branch_of_its_own(backend: RunningBackend) -> None:
    started = backend.ask(backend.new_conversation().id, "First words")
    backend.finished(started.answer.id)
    edited = backend.ask(started.conversation.id, "Better words", parent_id=None)
    backend.finished(edited.answer.id)
    assert started.question is not None
    assert edited.question is not None
    question, _answer = backend.messages(started.conversation.id)
    assert question.text == "Better words"
    assert question.siblings == (started.question.id, edited.question.id)


def test_a_page_at_a_time(backend: RunningBackend) -> None:
    conversation = backend.new_conversation()
    for number in range(3):
        backend.finished(backend.ask(conversation.id, f"Question {number}").answer.id)
    path = f"/api/conversations/{conversation.id}/messages"
    newest = backend.get(path, MessagePage, limit=2)
    assert [newest.messages[0].text, newest.has_more] == ["Question 2", True]
    older = backend.get(path, MessagePage, limit=4, before=newest.messages[0].id)
    assert [older.messages[0].text, older.has_more] == ["Question 0", False]


def test_deleting_a_conversation_stops_its_answer_and_can_be_undone(slow: RunningBackend) -> None:
    started, text = begun(slow)
    path = f"/api/conversations/{started.conversation.id}"
    with slow.present() as events:
        assert slow.http.delete(path).status_code == 200
        events.wait_for(ConversationRemoved)
    assert slow.status().answering == 0
    assert slow.http.get(path).status_code == 404
    assert slow.http.get("/api/conversations").json() == []
    slow.post(f"{path}/restore", Conversation)
    answer = slow.messages(started.conversation.id)[-1]
    assert answer.state is MessageState.STOPPED
    assert answer.text.startswith(text)


def test_deleting_a_message_takes_what_follows_and_can_be_undone(backend: RunningBackend) -> None:
    started = backend.ask(backend.new_conversation().id, "Words")
    backend.finished(started.answer.id)
    assert started.question is not None
    with backend.present() as events:
        assert backend.http.delete(f"/api/messages/{started.question.id}").status_code == 200
        assert events.wait_for(MessageRemoved).message_id == started.question.id
    assert backend.messages(started.conversation.id) == []
    backend.post(f"/api/messages/{started.question.id}/restore", Conversation)
    assert len(backend.messages(started.conversation.id)) == 2


def test_conversations_are_changed_and_everyone_is_told(backend: RunningBackend) -> None:
    conversation = backend.new_conversation(title="Old")
    with backend.present() as events:
        path = f"/api/conversations/{conversation.id}"
        backend.http.patch(path, json={"title": "New", "pinned": True, "folder": "Work"})
        told = events.wait_for(ConversationChanged).conversation
    assert (told.title, told.pinned, told.folder) == ("New", True, "Work")
    assert backend.get(path, Conversation) == told
    assert backend.get("/api/conversations", list[Conversation])[0] == told


def test_other_clients_are_told_of_question_answer_and_model(backend: RunningBackend) -> None:
    with backend.present() as events:
        backend.post("/api/models/tiny/unload", ModelEntry)
        started = backend.ask(backend.new_conversation().id, "Hello?", model="tiny")
        assert events.wait_for(MessageChanged).message == started.question
        events.wait_for(ModelChanged, lambda event: event.model.state is ModelState.LOADED)
        ended = events.wait_for(MessageChanged, lambda event: event.message.state is MessageState.COMPLETE)
        assert ended.message.id == started.answer.id


def test_what_was_said_is_found(backend: RunningBackend) -> None:
    started = backend.ask(backend.new_conversation().id, "显存不够怎么办")
    backend.finished(started.answer.id)
    hits = backend.get("/api/search", list[SearchHit], q="显存")
    assert started.question is not None
    assert started.question.id in [hit.message_id for hit in hits]
    assert backend.get("/api/search", list[SearchHit], q="nowhere said") == []


def test_a_question_to_a_missing_model_is_refused_and_not_stored(backend: RunningBackend) -> None:
    conversation = backend.new_conversation(model="gone")
    refused = backend.http.post(f"/api/conversations/{conversation.id}/messages", json={"text": "Hi"})
    assert (refused.status_code, refused.json()["code"]) == (404, "model_not_found")
    assert backend.messages(conversation.id) == []
    assert backend.ask(conversation.id, "Hi", model="tiny").answer.state is MessageState.STREAMING


def test_a_prompt_too_long_fails_the_answer_with_the_numbers(backend: RunningBackend) -> None:
    started = backend.ask(backend.new_conversation().id, "word " * 20_000)
    answer = backend.finished(started.answer.id)
    assert answer.state is MessageState.FAILED
    assert answer.error is not None
    assert answer.error.code == "prompt_too_long"
    assert int(answer.error.values["prompt_tokens"]) > int(answer.error.values["context_length"])
    assert backend.messages(started.conversation.id)[-1] == answer


def test_an_owner_that_leaves_stops_its_answer(slow: RunningBackend) -> None:
    started = slow.ask(slow.new_conversation().id, "For me alone")
    with slow.present() as events:
        with slow.reading(started.answer.id, owner=True) as owned:
            read_some(owned, 40)
        ended = events.wait_for(MessageChanged, lambda event: event.message.state is not MessageState.STREAMING)
    assert ended.message.id == started.answer.id
    assert ended.message.state is MessageState.STOPPED


def test_an_ordinary_reader_that_leaves_stops_nothing(slow: RunningBackend) -> None:
    started, _ = begun(slow)
    with slow.reading(started.answer.id) as events:
        read_some(events, 80)
    assert slow.status().answering == 1


def test_when_the_last_client_goes_the_answer_is_stored_and_the_backend_ends(home: Path) -> None:
    add_model(home)
    with running_backend(home, present=False, ALCOVE_FAKE_ENGINE=SLOW) as backend:
        with backend.present():
            started, text = begun(backend)
        assert backend.wait_ended() == 0
    with running_backend(home, ALCOVE_FAKE_ENGINE=SLOW) as backend:
        answer = backend.messages(started.conversation.id)[-1]
        assert answer.state is MessageState.STOPPED
        assert answer.text.startswith(text)
