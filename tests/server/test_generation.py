"""Between two steps: an answer asked for while its conversation goes or the backend ends, or stopped at once."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.errors import AppError
from app.protocol import Conversation, MessageState, ModelEntry, NewConversation, NewMessage
from app.server.endpoint import Call
from app.server.main import assemble, choose_factory
from app.server.preferences import Preferences
from app.server.routes.conversations import ConversationRoutes
from app.server.services import Services
from app.server.storage import Storage
from tests.conftest import add_model
from tests.processes import PATIENCE_S, paths_of


@pytest.fixture
async def services(home: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Services]:
    """The parts of a backend with an engine that needs a quarter of an hour for a word."""
    monkeypatch.setenv("ALCOVE_FAKE_ENGINE", "0.001")
    add_model(home)
    paths = paths_of(home)
    storage = Storage(paths.database)
    await storage.open()
    services = assemble(paths, Preferences(paths), storage, choose_factory(os.environ))
    yield services
    await services.answers.close()
    await services.engines.close()
    await storage.close()


@pytest.fixture
async def conversation(services: Services) -> Conversation:
    return await services.storage.do(lambda store: store.create(NewConversation(model="tiny"), 1.0))


class Held:
    """Holds the thread of the store, so that what is handed to it afterwards waits in that order."""

    def __init__(self, services: Services) -> None:
        self._released = threading.Event()
        self.reached = asyncio.Event()
        self._services = services
        self._choose = services.engines.choose
        self._holding: asyncio.Task[bool] | None = None

    async def choose(self, name: str) -> ModelEntry:
        """In the place of the last thing a question waits for before it is stored."""
        entry = await self._choose(name)
        self._holding = asyncio.create_task(self._services.storage.do(lambda _store: self._released.wait(PATIENCE_S)))
        await asyncio.sleep(0)
        self.reached.set()
        return entry

    def release(self) -> None:
        self._released.set()


@pytest.fixture
def held(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    held = Held(services)
    monkeypatch.setattr(services.engines, "choose", held.choose)
    yield held
    held.release()


def call(number: int) -> Call[None]:
    return Call(cast(Any, SimpleNamespace(path_params={"id": number})), None)


async def test_an_answer_asked_for_while_its_conversation_is_deleted_does_not_go_on(
    services: Services, conversation: Conversation, held: Held
) -> None:
    asking = asyncio.create_task(services.answers.ask(conversation.id, NewMessage(text="Hi")))
    await held.reached.wait()
    deleting = asyncio.create_task(ConversationRoutes(services).delete(call(conversation.id)))
    await asyncio.sleep(0)
    held.release()
    async with asyncio.timeout(PATIENCE_S):
        started, _ = await asyncio.gather(asking, deleting)
    assert len(services.answers) == 0
    stored = await services.storage.do(lambda store: store.message(started.answer.id))
    assert stored.state is MessageState.STOPPED


async def test_nothing_begins_once_the_backend_is_ending(
    services: Services, conversation: Conversation, held: Held
) -> None:
    asking = asyncio.create_task(services.answers.ask(conversation.id, NewMessage(text="Hi")))
    await held.reached.wait()
    await services.answers.close()
    held.release()
    with pytest.raises(AppError) as refused:
        await asking
    assert refused.value.code == "backend_gone"
    assert len(services.answers) == 0


async def test_an_answer_can_be_stopped_before_it_has_begun(services: Services, conversation: Conversation) -> None:
    started = await services.answers.ask(conversation.id, NewMessage(text="Hi"))
    async with asyncio.timeout(PATIENCE_S):
        assert (await services.answers.stop(started.answer.id)).state is MessageState.STOPPED
