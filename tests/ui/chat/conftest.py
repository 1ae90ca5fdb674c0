"""Fixtures of the chat page: an application with a theme, and a page that talks to a real backend process."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.protocol import Conversation, Event, Message, MessagePage, MessageState, Role
from app.settings import Settings, Theme
from app.ui.chat.conversation import OpenConversation, Phase
from app.ui.chat.look import Look, look_for
from app.ui.chat.page import ChatPage
from app.ui.chat.transcript import Transcript
from app.ui.client import Client, Stream
from app.ui.library import Library
from app.ui.theme import theme_source
from tests.conftest import add_model
from tests.processes import RunningBackend, running_backend
from tests.ui.fake_client import FakeClient

PATIENCE_MS = 20_000


@pytest.fixture
def look(qapp: QApplication) -> Look:
    source = theme_source()
    source.use(Settings(theme=Theme.LIGHT))
    return look_for(source.theme, "en")


@pytest.fixture
def transcript(qtbot: QtBot, look: Look) -> Transcript:
    """A transcript of 800 by 600 on the screen."""
    made = Transcript(look)
    qtbot.addWidget(made)
    made.resize(800, 600)
    with qtbot.waitExposed(made):
        made.show()
    return made


def settle(qtbot: QtBot, transcript: Transcript) -> None:
    """Wait until everything in view is built."""
    qtbot.waitUntil(lambda: transcript.column.is_settled, timeout=PATIENCE_MS)


def question(message_id: int, text: str = "Why?", **fields: object) -> Message:
    return message(message_id, role=Role.USER, text=text, **fields)


def message(message_id: int, **fields: object) -> Message:
    """An answer, unless the fields say otherwise."""
    defaults: dict[str, object] = {"conversation_id": 1, "role": Role.ASSISTANT, "created": 0.0}
    return Message(id=message_id, **(defaults | fields))  # type: ignore[arg-type]


@dataclass
class ChatWindow:
    """A chat page, the backend behind it, and ways to wait for what happens there."""

    page: ChatPage
    client: Client
    backend: RunningBackend
    qtbot: QtBot
    events: Stream

    def wait(self, so: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(so, timeout=PATIENCE_MS)

    def wait_ready(self) -> None:
        self.wait(lambda: self.page.conversation.phase is Phase.READY)

    def ask(self, text: str) -> Message:
        """Type a question, send it, and wait for the whole answer."""
        self.page.composer.field.set_text(text)
        self.page.composer.send_button.click()
        return self.answered()

    def answered(self) -> Message:
        """The answer, once it is finished."""
        with self.qtbot.waitSignal(self.page.conversation.answer_finished, timeout=PATIENCE_MS):
            pass
        answer = self.page.conversation.messages[-1]
        assert answer.state is not MessageState.STREAMING
        return answer

    def texts(self) -> list[str]:
        return [each.text for each in self.page.conversation.messages]


def attach(client: Client, page: ChatPage, library: Library, backend: RunningBackend) -> Stream:
    """Let a page talk to a backend, as the window does."""
    client.attach(backend.handshake)
    events = client.stream("/api/events?client=window", Event)
    events.received.connect(library.take_event)
    events.received.connect(page.take_event)
    return events


@pytest.fixture
def speed() -> str:
    """What the fake engine does: tokens per second (0: at once), and characters of the answer."""
    return "0"


@pytest.fixture
def window(qtbot: QtBot, look: Look, home: Path, speed: str) -> Iterator[ChatWindow]:
    """A page of 1020 by 800 with a running backend and a loaded fake model."""
    add_model(home)
    with running_backend(home, ALCOVE_FAKE_ENGINE=speed) as backend:
        client = Client()
        library = Library(client)
        page = ChatPage(client, library)
        qtbot.addWidget(page)
        page.resize(1020, 800)
        with qtbot.waitExposed(page):
            page.show()
        events = attach(client, page, library, backend)
        qtbot.waitUntil(lambda: library.fetched, timeout=PATIENCE_MS)
        yield ChatWindow(page, client, backend, qtbot, events)
        page.conversation.begin()
        if isValid(events):  # it deletes itself where the backend left first
            events.abort()
        client.attach(None)


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
