"""Fixtures of the panel: the options of a conversation that is open on a backend in memory."""

import msgspec
import pytest
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from app.protocol import Conversation, MessagePage, Options
from app.ui.chat.answer_options import AnswerOptions
from app.ui.chat.conversation import OpenConversation, Phase
from tests.ui.fake_client import FakeClient, Request

STORED = Conversation(id=1, title="One", created=0, updated=0, system_prompt="Be brief.")
PATH = "/api/conversations/1"


class Opened:
    """A conversation, its options, and a backend that keeps what it is told."""

    def __init__(self, client: FakeClient, qtbot: QtBot) -> None:
        self.client, self.qtbot = client, qtbot
        self.stored = STORED
        client.answers[f"GET {PATH}"] = lambda _: self.stored
        client.answers[f"GET {PATH}/messages"] = MessagePage(messages=[])
        client.answers[f"PATCH {PATH}"] = self.keep
        self.conversation = OpenConversation(client, client)
        self.answers = AnswerOptions(self.conversation, client)

    def keep(self, request: Request) -> Conversation:
        assert isinstance(request.body, dict)
        fields = {
            "system_prompt": request.body.get("system_prompt", self.stored.system_prompt),
            "options": msgspec.convert(request.body.get("options", {}), Options),
        }
        self.stored = replace(self.stored, **fields)
        return self.stored

    def open(self) -> None:
        """Open the stored conversation and wait until it is there."""
        self.conversation.open(1)
        self.qtbot.waitUntil(lambda: self.conversation.phase is Phase.READY and self.conversation.id == 1)

    def saved(self, times: int = 1) -> None:
        """Wait until so many changes have been asked for and answered."""
        self.qtbot.waitUntil(lambda: len(self.client.asked("PATCH", PATH)) == times)
        self.qtbot.waitUntil(lambda: self.client.answered == len(self.client.requests))


@pytest.fixture
def opened(client: FakeClient, qtbot: QtBot) -> Opened:
    return Opened(client, qtbot)


@pytest.fixture
def answers(opened: Opened) -> AnswerOptions:
    return opened.answers
