"""Tests of the shown conversation against a backend in memory: what is asked of it, and replies that come too late."""

from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.protocol import (
    AnswerFinished,
    AnswerSnapshot,
    ConversationChanged,
    ConversationRemoved,
    MessageChanged,
    MessageRemoved,
    MessageState,
)
from app.ui.chat.conversation import OpenConversation, Phase
from app.ui.chat.paging import PAGE
from tests.ui.chat.conftest import ANSWER, PATIENCE_MS, QUESTION, conversation, give, message, question
from tests.ui.fake_client import FakeClient


def test_opening_fetches_the_newest_page(client: FakeClient, shown: OpenConversation) -> None:
    assert [each.text for each in shown.messages] == ["Why?", "Because."]
    assert any(each.path == f"/api/conversations/1/messages?limit={PAGE}" for each in client.requests)


def test_a_conversation_that_cannot_be_fetched_can_be_tried_again(qtbot: QtBot, client: FakeClient) -> None:
    made, errors = OpenConversation(client), list[AppError]()
    made.failed.connect(errors.append)
    made.open(1)
    qtbot.waitUntil(lambda: made.phase is Phase.UNREACHABLE, timeout=PATIENCE_MS)
    assert errors[0].code == "internal"


def test_a_reply_for_a_conversation_left_meanwhile_is_dropped(qtbot: QtBot, client: FakeClient) -> None:
    give(client, question(1, "first"))
    give(client, question(5, "second"), conversation_id=2)
    made = OpenConversation(client)
    made.open(1)
    made.open(2)
    qtbot.waitUntil(lambda: made.phase is Phase.READY, timeout=PATIENCE_MS)
    assert made.id == 2
    assert [each.text for each in made.messages] == ["second"]


def test_an_answer_in_progress_is_joined(qtbot: QtBot, client: FakeClient) -> None:
    give(client, QUESTION, message(2, text="Be", state=MessageState.STREAMING))
    made = OpenConversation(client)
    made.open(1)
    qtbot.waitUntil(lambda: made.phase is Phase.ANSWERING, timeout=PATIENCE_MS)
    stream = client.streams["/api/messages/2/stream"]
    stream.received.emit(AnswerSnapshot(message=message(2, text="Beca", state=MessageState.STREAMING)))
    assert made.messages[-1].text == "Beca"
    with qtbot.waitSignal(made.answer_finished, timeout=PATIENCE_MS):
        stream.received.emit(AnswerFinished(message=ANSWER))
    assert made.messages[-1] == ANSWER
    assert made.phase is Phase.READY


def test_a_broken_stream_has_the_conversation_fetched_again(qtbot: QtBot, client: FakeClient) -> None:
    give(client, QUESTION, message(2, text="Be", state=MessageState.STREAMING))
    made = OpenConversation(client)
    made.open(1)
    qtbot.waitUntil(lambda: made.phase is Phase.ANSWERING, timeout=PATIENCE_MS)
    give(client, QUESTION, message(2, text="Beca", state=MessageState.STOPPED))
    client.streams["/api/messages/2/stream"].failed.emit(AppError("backend_gone"))
    qtbot.waitUntil(lambda: made.phase is Phase.READY, timeout=PATIENCE_MS)
    assert made.messages[-1].text == "Beca"


def test_events_of_other_conversations_change_nothing(client: FakeClient, shown: OpenConversation) -> None:
    before = len(client.requests)
    shown.take_event(ConversationChanged(conversation=conversation(2, title="Other")))
    shown.take_event(ConversationRemoved(conversation_id=2))
    shown.take_event(MessageChanged(message=message(2, text="changed", conversation_id=2)))
    shown.take_event(MessageRemoved(conversation_id=2, message_id=99))
    assert shown.conversation == conversation()
    assert shown.messages == [QUESTION, ANSWER]
    assert len(client.requests) == before


def test_a_renamed_conversation_shows_its_new_title(shown: OpenConversation) -> None:
    shown.take_event(ConversationChanged(conversation=conversation(title="Better")))
    assert shown.conversation is not None
    assert shown.conversation.title == "Better"


def test_a_changed_message_is_shown(qtbot: QtBot, shown: OpenConversation) -> None:
    changed = message(2, text="Because of that.", parent_id=1)
    with qtbot.waitSignal(shown.branch.message_changed) as told:
        shown.take_event(MessageChanged(message=changed))
    assert told.args == [changed]
    assert shown.messages[-1] == changed


def test_a_removed_conversation_leaves_an_empty_page(shown: OpenConversation) -> None:
    shown.take_event(ConversationRemoved(conversation_id=1))
    assert shown.phase is Phase.EMPTY
    assert shown.messages == []
    assert shown.id is None


def test_another_branch_shown_elsewhere_is_fetched(qtbot: QtBot, client: FakeClient, shown: OpenConversation) -> None:
    give(client, QUESTION, message(3, text="Another", parent_id=1))
    shown.take_event(ConversationChanged(conversation=conversation(leaf_id=3)))
    qtbot.waitUntil(lambda: shown.messages[-1].id == 3, timeout=PATIENCE_MS)


def test_losing_the_backend_keeps_what_is_shown(shown: OpenConversation) -> None:
    shown.lose()
    assert shown.phase is Phase.UNREACHABLE
    assert shown.messages == [QUESTION, ANSWER]


def test_losing_the_backend_over_an_empty_page_is_nothing(client: FakeClient) -> None:
    made = OpenConversation(client)
    made.lose()
    assert made.phase is Phase.EMPTY
