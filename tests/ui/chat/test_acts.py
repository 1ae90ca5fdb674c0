"""Tests of what the person does with the shown conversation, against a backend in memory."""

from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.protocol import MessageState, NewConversation, Started
from app.ui.chat.acts import Acts
from app.ui.chat.conversation import OpenConversation, Phase
from tests.ui.chat.conftest import ANSWER, PATIENCE_MS, QUESTION, conversation, give, message, question
from tests.ui.fake_client import FakeClient


def test_a_new_conversation_is_made_by_its_first_message(qtbot: QtBot, client: FakeClient) -> None:
    begun = message(2, parent_id=1, state=MessageState.STREAMING)
    client.answers["POST /api/conversations"] = conversation()
    started = Started(conversation=conversation(), question=QUESTION, answer=begun)
    client.answers["POST /api/conversations/1/messages"] = started
    made = OpenConversation(client)
    made.model = "tiny"
    Acts(made).send("Why?", thinking=True)
    qtbot.waitUntil(lambda: made.phase is Phase.ANSWERING, timeout=PATIENCE_MS)
    assert client.asked("POST", "/api/conversations") == [{"model": "tiny"}]
    assert client.asked("POST", "/api/conversations/1/messages") == [
        {"text": "Why?", "model": "tiny", "thinking": True}
    ]
    assert [each.id for each in made.messages] == [1, 2]
    assert "/api/messages/2/stream" in client.streams


def test_a_text_that_is_refused_comes_back(qtbot: QtBot, client: FakeClient, shown: OpenConversation) -> None:
    client.answers["POST /api/conversations/1/messages"] = AppError("busy")
    acts = Acts(shown)
    with qtbot.waitSignal(acts.send_failed, timeout=PATIENCE_MS) as refused:
        acts.send("And then?")
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
    Acts(shown).send("Why not?", parent=QUESTION)
    qtbot.waitUntil(lambda: shown.phase is Phase.ANSWERING, timeout=PATIENCE_MS)
    assert client.asked("POST", "/api/conversations/1/messages") == [{"text": "Why not?", "parent_id": None}]
    assert [each.id for each in shown.messages] == [3, 4]


def test_another_version_stands_in_place_of_the_answer(
    qtbot: QtBot, client: FakeClient, shown: OpenConversation
) -> None:
    begun = message(3, parent_id=1, state=MessageState.STREAMING, siblings=(2, 3))
    client.answers["POST /api/messages/2/regenerate"] = Started(conversation=conversation(), answer=begun)
    Acts(shown).regenerate(ANSWER)
    qtbot.waitUntil(lambda: shown.phase is Phase.ANSWERING, timeout=PATIENCE_MS)
    assert [each.id for each in shown.messages] == [1, 3]


def test_versions_end_where_they_end(client: FakeClient, shown: OpenConversation) -> None:
    before = len(client.requests)
    Acts(shown).show_version(message(2, siblings=(2, 3)), -1)
    Acts(shown).show_version(message(3, siblings=(2, 3)), 1)
    assert len(client.requests) == before
    Acts(shown).show_version(message(2, siblings=(2, 3)), 1)
    assert client.requests[-1].path == "/api/messages/3/show"


def test_stopping_asks_for_the_answer_being_written(qtbot: QtBot, client: FakeClient, shown: OpenConversation) -> None:
    Acts(shown).stop()
    assert not any(each.path.endswith("/stop") for each in client.requests)
    shown.messages[-1] = message(2, state=MessageState.STREAMING)
    Acts(shown).stop()
    assert client.requests[-1].path == "/api/messages/2/stop"


def test_a_deleted_message_can_be_restored(qtbot: QtBot, client: FakeClient, shown: OpenConversation) -> None:
    client.answers["DELETE /api/messages/1"] = conversation(leaf_id=None)
    give(client)
    acts = Acts(shown)
    with qtbot.waitSignal(acts.deleted, timeout=PATIENCE_MS) as deleted:
        acts.delete(QUESTION)
    assert deleted.args == [1]
    qtbot.waitUntil(lambda: shown.messages == [], timeout=PATIENCE_MS)
    give(client, QUESTION, ANSWER)
    client.answers["POST /api/messages/1/restore"] = conversation()
    acts.restore(1)
    qtbot.waitUntil(lambda: len(shown.messages) == 2, timeout=PATIENCE_MS)


def test_choosing_a_model_is_stored_with_the_conversation(client: FakeClient, shown: OpenConversation) -> None:
    Acts(shown).use_model("tiny")
    assert client.asked("PATCH", "/api/conversations/1") == [{"model": "tiny"}]


def test_what_a_new_conversation_begins_with_is_sent_along(qtbot: QtBot, client: FakeClient) -> None:
    client.answers["POST /api/conversations"] = conversation()
    made = OpenConversation(client)
    made.beginning = NewConversation(system_prompt="Be brief.")
    Acts(made).send("Why?")
    qtbot.waitUntil(lambda: made.conversation is not None, timeout=PATIENCE_MS)
    assert client.asked("POST", "/api/conversations") == [{"system_prompt": "Be brief."}]


def test_a_refused_rewriting_leaves_what_is_shown(qtbot: QtBot, client: FakeClient, shown: OpenConversation) -> None:
    client.answers["POST /api/messages/2/regenerate"] = AppError("busy")
    with qtbot.waitSignal(shown.failed, timeout=PATIENCE_MS) as failed:
        Acts(shown).regenerate(ANSWER)
    assert failed.args is not None
    assert failed.args[0].code == "busy"
    assert shown.phase is Phase.READY
    assert shown.messages == [QUESTION, ANSWER]
