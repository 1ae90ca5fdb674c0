"""Tests of fetching a conversation page by page, against a backend in memory."""

from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.protocol import MessagePage
from app.ui.chat.conversation import OpenConversation, Phase
from tests.ui.chat.conftest import PATIENCE_MS, conversation, give, question
from tests.ui.fake_client import FakeClient, Request


def test_older_messages_are_fetched_once_at_a_time(qtbot: QtBot, client: FakeClient) -> None:
    give(client, question(51), has_more=True)
    made = OpenConversation(client)
    made.open(1)
    qtbot.waitUntil(lambda: made.phase is Phase.READY, timeout=PATIENCE_MS)
    give(client, question(1), has_more=False)
    made.paging.fetch_older()
    made.paging.fetch_older()
    qtbot.waitUntil(lambda: len(made.messages) == 2, timeout=PATIENCE_MS)
    made.paging.fetch_older()
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
    with qtbot.waitSignal(made.paging.target_loaded, timeout=PATIENCE_MS) as found:
        made.open(1, target=3)
    assert found.args == [3]
    assert made.messages[0].id == 3


def test_older_messages_can_be_asked_for_again_after_a_failure(qtbot: QtBot, client: FakeClient) -> None:
    give(client, question(51), has_more=True)
    made = OpenConversation(client)
    made.open(1)
    qtbot.waitUntil(lambda: made.phase is Phase.READY, timeout=PATIENCE_MS)
    client.answers["GET /api/conversations/1/messages"] = AppError("busy")
    with qtbot.waitSignal(made.failed, timeout=PATIENCE_MS) as failed:
        made.paging.fetch_older()
    assert failed.args is not None
    assert failed.args[0].code == "busy"
    assert [each.id for each in made.messages] == [51]
    give(client, question(1))
    made.paging.fetch_older()
    qtbot.waitUntil(lambda: [each.id for each in made.messages] == [1, 51], timeout=PATIENCE_MS)


def test_older_messages_of_a_conversation_that_was_left_are_dropped(qtbot: QtBot, client: FakeClient) -> None:
    give(client, question(51), has_more=True)
    give(client, question(90), conversation_id=2)
    made = OpenConversation(client)
    made.open(1)
    qtbot.waitUntil(lambda: made.phase is Phase.READY, timeout=PATIENCE_MS)
    made.paging.fetch_older()
    made.open(2)
    qtbot.waitUntil(lambda: client.answered == len(client.requests), timeout=PATIENCE_MS)
    assert [each.id for each in made.messages] == [90]
