"""Tests of the shown conversation against a backend in memory: what is asked of it, and replies that come too late."""

import pytest
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.protocol import (
    AnswerFinished,
    AnswerSnapshot,
    Conversation,
    ConversationChanged,
    ConversationRemoved,
    Message,
    MessageChanged,
    MessagePage,
    MessageRemoved,
    MessageState,
    Started,
)
from app.ui.chat.conversation import PAGE, OpenConversation, Phase, last_answer, last_question
from tests.ui.chat.conftest import PATIENCE_MS, message, question
from tests.ui.fake_client import FakeClient, Request

QUESTION, ANSWER = question(1), message(2, text="Because.", parent_id=1)


def conversation(conversation_id: int = 1, **fields: object) -> Conversation:
    known: dict[str, object] = {"title": "Why?", "created": 0.0, "updated": 0.0, "leaf_id": 2}
    return Conversation(id=conversation_id, **(known | fields))  # type: ignore[arg-type]


def give(client: FakeClient, *messages: Message, conversation_id: int = 1, has_more: bool = False) -> None:
    """Let the backend have a conversation of these messages."""
    client.answers[f"GET /api/conversations/{conversation_id}"] = conversation(conversation_id)
    page = MessagePage(messages=list(messages), has_more=has_more)
    client.answers[f"GET /api/conversations/{conversation_id}/messages"] = page


@pytest.fixture
def shown(qtbot: QtBot, client: FakeClient) -> OpenConversation:
    """Conversation 1, opened: one question, one answer."""
    give(client, QUESTION, ANSWER)
    made = OpenConversation(client)
    made.open(1)
    qtbot.waitUntil(lambda: made.phase is Phase.READY, timeout=PATIENCE_MS)
    return made


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


def test_a_new_conversation_is_made_by_its_first_message(qtbot: QtBot, client: FakeClient) -> None:
    begun = message(2, parent_id=1, state=MessageState.STREAMING)
    client.answers["POST /api/conversations"] = conversation()
    started = Started(conversation=conversation(), question=QUESTION, answer=begun)
    client.answers["POST /api/conversations/1/messages"] = started
    made = OpenConversation(client)
    made.model = "tiny"
    made.send("Why?", thinking=True)
    qtbot.waitUntil(lambda: made.phase is Phase.ANSWERING, timeout=PATIENCE_MS)
    assert client.asked("POST", "/api/conversations") == [{"model": "tiny"}]
    assert client.asked("POST", "/api/conversations/1/messages") == [
        {"text": "Why?", "model": "tiny", "thinking": True}
    ]
    assert [each.id for each in made.messages] == [1, 2]
    assert "/api/messages/2/stream" in client.streams


def test_a_text_that_is_refused_comes_back(qtbot: QtBot, client: FakeClient, shown: OpenConversation) -> None:
    client.answers["POST /api/conversations/1/messages"] = AppError("busy")
    with qtbot.waitSignal(shown.send_failed, timeout=PATIENCE_MS) as refused:
        shown.send("And then?")
    assert refused.args is not None
    assert refused.args[0] == "And then?"
    assert refused.args[1].code == "busy"
    assert shown.phase is Phase.READY


def test_an_edited_question_takes_the_place_of_what_followed(
    qtbot: QtBot, client: FakeClient, shown: OpenConversation
) -> None:
    new = question(3, "Why not?", siblings=(1, 3))
    begun = message(4, parent_id=3, state=MessageState.STREAMING)
    started = Started(conversation=conversation(), question=new, answer=begun)
    client.answers["POST /api/conversations/1/messages"] = started
    shown.send("Why not?", parent=QUESTION)
    qtbot.waitUntil(lambda: shown.phase is Phase.ANSWERING, timeout=PATIENCE_MS)
    assert client.asked("POST", "/api/conversations/1/messages") == [{"text": "Why not?", "parent_id": None}]
    assert [each.id for each in shown.messages] == [3, 4]


def test_another_version_stands_in_place_of_the_answer(
    qtbot: QtBot, client: FakeClient, shown: OpenConversation
) -> None:
    begun = message(3, parent_id=1, state=MessageState.STREAMING, siblings=(2, 3))
    client.answers["POST /api/messages/2/regenerate"] = Started(conversation=conversation(), answer=begun)
    shown.regenerate(ANSWER)
    qtbot.waitUntil(lambda: shown.phase is Phase.ANSWERING, timeout=PATIENCE_MS)
    assert [each.id for each in shown.messages] == [1, 3]


def test_versions_end_where_they_end(client: FakeClient, shown: OpenConversation) -> None:
    before = len(client.requests)
    shown.show_version(message(2, siblings=(2, 3)), -1)
    shown.show_version(message(3, siblings=(2, 3)), 1)
    assert len(client.requests) == before
    shown.show_version(message(2, siblings=(2, 3)), 1)
    assert client.requests[-1].path == "/api/messages/3/show"


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


def test_stopping_asks_for_the_answer_being_written(qtbot: QtBot, client: FakeClient, shown: OpenConversation) -> None:
    shown.stop()
    assert not any(each.path.endswith("/stop") for each in client.requests)
    shown.messages[-1] = message(2, state=MessageState.STREAMING)
    shown.stop()
    assert client.requests[-1].path == "/api/messages/2/stop"


def test_older_messages_are_fetched_once_at_a_time(qtbot: QtBot, client: FakeClient) -> None:
    give(client, question(51), has_more=True)
    made = OpenConversation(client)
    made.open(1)
    qtbot.waitUntil(lambda: made.phase is Phase.READY, timeout=PATIENCE_MS)
    give(client, question(1), has_more=False)
    made.load_older()
    made.load_older()
    qtbot.waitUntil(lambda: len(made.messages) == 2, timeout=PATIENCE_MS)
    made.load_older()
    older = [each for each in client.requests if "before=51" in each.path]
    assert len(older) == 1
    assert [each.id for each in made.messages] == [1, 51]


def test_a_message_far_up_is_looked_for_page_by_page(qtbot: QtBot, client: FakeClient) -> None:
    client.answers["POST /api/messages/3/show"] = conversation()
    client.answers["GET /api/conversations/1"] = conversation()

    def page(asked: Request) -> MessagePage:
        if "before" not in asked.path:
            return MessagePage(messages=[question(9)], has_more=True)
        first = int(asked.path.split("before=")[1])
        return MessagePage(messages=[question(first - 2), question(first - 1)], has_more=first > 3)

    client.answers["GET /api/conversations/1/messages"] = page
    made = OpenConversation(client)
    with qtbot.waitSignal(made.target_loaded, timeout=PATIENCE_MS) as found:
        made.open(1, target=3)
    assert found.args == [3]
    assert made.messages[0].id == 3


def test_a_deleted_message_can_be_restored(qtbot: QtBot, client: FakeClient, shown: OpenConversation) -> None:
    client.answers["DELETE /api/messages/1"] = conversation(leaf_id=None)
    give(client)
    with qtbot.waitSignal(shown.deleted, timeout=PATIENCE_MS) as deleted:
        shown.delete(QUESTION)
    assert deleted.args == [1]
    qtbot.waitUntil(lambda: shown.messages == [], timeout=PATIENCE_MS)
    give(client, QUESTION, ANSWER)
    client.answers["POST /api/messages/1/restore"] = conversation()
    shown.restore(1)
    qtbot.waitUntil(lambda: len(shown.messages) == 2, timeout=PATIENCE_MS)


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
    with qtbot.waitSignal(shown.message_changed) as told:
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


def test_choosing_a_model_is_stored_with_the_conversation(client: FakeClient, shown: OpenConversation) -> None:
    shown.use_model("tiny")
    assert client.asked("PATCH", "/api/conversations/1") == [{"model": "tiny"}]


def test_the_last_of_each_kind() -> None:
    messages = [QUESTION, ANSWER, question(3)]
    assert last_question(messages) == question(3)
    assert last_answer(messages) == ANSWER
    assert last_question([]) is None
    assert last_answer([QUESTION]) is None
