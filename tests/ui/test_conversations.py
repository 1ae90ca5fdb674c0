from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.protocol import Conversation, ConversationChanged, ConversationRemoved, Hello, Status
from app.ui.conversations import PAGE, Conversations
from tests.ui.fake_client import FakeClient, Request

STATUS = Status(version="1", pid=1, home="", uptime_s=0, clients=1, answering=0)


def conversation(number: int, title: str = "") -> Conversation:
    return Conversation(id=number, title=title or f"Number {number}", created=number, updated=number)


def test_the_first_page_is_enough_to_show_a_list(qtbot: QtBot, client: FakeClient) -> None:
    client.answers["GET /api/conversations"] = [conversation(1), conversation(2)]
    conversations = Conversations(client)
    assert not conversations.loaded
    with qtbot.waitSignal(conversations.changed):
        conversations.take_event(Hello(client_id="x", status=STATUS))
    assert conversations.loaded
    assert {each.id for each in conversations.all()} == {1, 2}
    assert len(client.requests) == 1


def test_all_pages_are_fetched(qtbot: QtBot, client: FakeClient) -> None:
    everything = [conversation(number) for number in range(2 * PAGE + 3, 0, -1)]

    def page(request: Request) -> list[Conversation]:
        before = request.path.partition("before=")[2]
        left = everything if not before else [each for each in everything if each.id < int(before)]
        return left[:PAGE]

    client.answers["GET /api/conversations"] = page
    conversations = Conversations(client)
    conversations.fetch()
    qtbot.waitUntil(lambda: len(conversations.all()) == len(everything))
    assert len(client.requests) == 3


def test_what_is_gone_after_a_restart_leaves_the_list(qtbot: QtBot, client: FakeClient) -> None:
    client.answers["GET /api/conversations"] = [conversation(1), conversation(2)]
    conversations = Conversations(client)
    conversations.fetch()
    qtbot.waitUntil(lambda: len(conversations.all()) == 2)
    client.answers["GET /api/conversations"] = [conversation(2)]
    with qtbot.waitSignal(conversations.removed) as removed:
        conversations.fetch()
    assert removed.args == [1]


def test_events_of_other_clients_are_followed(qtbot: QtBot, client: FakeClient) -> None:
    conversations = Conversations(client)
    with qtbot.waitSignal(conversations.changed):
        conversations.take_event(ConversationChanged(conversation=conversation(7, "Seven")))
    found = conversations.get(7)
    assert found is not None
    assert found.title == "Seven"
    with qtbot.waitSignal(conversations.removed):
        conversations.take_event(ConversationRemoved(conversation_id=7))
    assert conversations.get(7) is None


def test_many_changes_are_told_once(qtbot: QtBot, client: FakeClient) -> None:
    conversations = Conversations(client)
    told: list[bool] = []
    conversations.changed.connect(lambda: told.append(True))
    for number in range(50):
        conversations.take_event(ConversationChanged(conversation=conversation(number)))
    qtbot.waitUntil(lambda: bool(told))
    assert told == [True]


def test_a_change_shows_at_once_and_sends_only_itself(qtbot: QtBot, client: FakeClient) -> None:
    conversations = Conversations(client)
    conversations.take_event(ConversationChanged(conversation=conversation(1)))
    client.answers["PATCH /api/conversations/1"] = conversation(1, "New")
    conversations.rename(1, "New")
    found = conversations.get(1)
    assert found is not None
    assert found.title == "New"
    assert client.asked("PATCH", "/api/conversations/1") == [{"title": "New"}]
    conversations.pin(1, True)
    conversations.move(1, "Work")
    assert client.asked("PATCH", "/api/conversations/1")[1:] == [{"pinned": True}, {"folder": "Work"}]


def test_a_late_answer_does_not_undo_a_newer_event(qtbot: QtBot, client: FakeClient) -> None:
    conversations = Conversations(client)
    conversations.take_event(ConversationChanged(conversation=conversation(1)))
    client.answers["PATCH /api/conversations/1"] = conversation(1, "Late")
    conversations.rename(1, "Late")
    conversations.take_event(ConversationChanged(conversation=conversation(1, "Newer")))
    qtbot.waitUntil(lambda: client.answered == 1)
    found = conversations.get(1)
    assert found is not None
    assert found.title == "Newer"


def test_a_refused_change_gives_way_to_the_truth(qtbot: QtBot, client: FakeClient) -> None:
    conversations = Conversations(client)
    conversations.take_event(ConversationChanged(conversation=conversation(1, "Old")))
    client.answers["PATCH /api/conversations/1"] = AppError("disk_full", folder="/x")
    client.answers["GET /api/conversations"] = [conversation(1, "Old")]
    with qtbot.waitSignal(client.failed):
        conversations.rename(1, "New")
    qtbot.waitUntil(lambda: getattr(conversations.get(1), "title", "") == "Old")


def test_deleting_and_bringing_back(qtbot: QtBot, client: FakeClient) -> None:
    conversations = Conversations(client)
    conversations.take_event(ConversationChanged(conversation=conversation(1)))
    client.answers["DELETE /api/conversations/1"] = conversation(1)
    client.answers["POST /api/conversations/1/restore"] = conversation(1)
    with qtbot.waitSignal(conversations.removed):
        conversations.delete(1)
    conversations.restore(1)
    qtbot.waitUntil(lambda: conversations.get(1) is not None)


def test_a_refused_delete_keeps_the_conversation(qtbot: QtBot, client: FakeClient) -> None:
    conversations = Conversations(client)
    conversations.take_event(ConversationChanged(conversation=conversation(1)))
    client.answers["DELETE /api/conversations/1"] = AppError("disk_full", folder="/x")
    with qtbot.waitSignal(client.failed):
        conversations.delete(1)
    assert conversations.get(1) is not None


def test_folders_are_those_in_use(client: FakeClient) -> None:
    conversations = Conversations(client)
    for number, folder in enumerate(["b", "A", "", "b"]):
        changed = Conversation(id=number, created=0, updated=0, folder=folder)
        conversations.take_event(ConversationChanged(conversation=changed))
    assert conversations.folders() == ["A", "b"]
