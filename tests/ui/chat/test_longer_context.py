"""Tests of the way on from a prompt that was too long."""

import pytest
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.protocol import (
    ErrorInfo,
    MessageState,
    ModelChanged,
    ModelEntry,
    ModelState,
    Started,
)
from app.ui.chat.acts import Acts
from app.ui.chat.conversation import OpenConversation, Phase
from app.ui.chat.longer_context import LongerContext, longer_context
from app.ui.chat.row_widget import Ask, Desk
from app.ui.chat.rows import Unfolding
from app.ui.chat.transcript import Transcript
from app.ui.library import Library
from app.ui.widgets import Button
from tests.ui.chat.conftest import PATIENCE_MS, QUESTION, conversation, give, message, settle
from tests.ui.fake_client import FakeClient

TOO_LONG = ErrorInfo(code="prompt_too_long", values={"prompt_tokens": 5_000, "context_length": 4_096})
FAILED = message(2, parent_id=1, state=MessageState.FAILED, error=TOO_LONG)
TINY = ModelEntry(
    id="tiny",
    name="Tiny",
    path="/tiny.gguf",
    size=10**6,
    context_length=32_768,
    state=ModelState.LOADED,
    loaded_context=4_096,
)


@pytest.mark.parametrize(
    ("tokens", "trained", "offered"),
    [
        (5_000, 32_768, 8_192),
        (7_168, 32_768, 8_192),
        (7_169, 32_768, 16_384),
        (5_000, 7_000, 7_000),
        (5_000, 6_000, None),
        (5_000, None, None),
    ],
)
def test_what_is_offered_holds_prompt_and_answer(tokens: int, trained: int | None, offered: int | None) -> None:
    error = ErrorInfo(code="prompt_too_long", values={"prompt_tokens": tokens, "context_length": 4_096})
    assert longer_context(error, replace(TINY, context_length=trained)) == offered


def test_other_errors_are_not_mended_by_it() -> None:
    assert longer_context(ErrorInfo(code="worker_died", values={"prompt_tokens": 5_000}), TINY) is None


class Asked:
    """A failed answer on the screen's desk, and the model it was asked of."""

    def __init__(self, client: FakeClient, shown: OpenConversation) -> None:
        self.shown, self.client = shown, client
        self.library, self.desk, self.acts = Library(client), Desk(), Acts(shown)
        self.ways = LongerContext(shown, self.acts, self.library, self.desk)
        client.answers["POST /api/models/tiny/load"] = TINY
        begun = message(3, parent_id=1, state=MessageState.STREAMING)
        client.answers["POST /api/messages/2/regenerate"] = Started(conversation=conversation(), answer=begun)
        self.library.entries = [TINY]

    def model(self, **fields: object) -> None:
        """The backend says that the model is so now."""
        self.library.take_event(ModelChanged(model=replace(TINY, **fields)))

    @property
    def rewritten(self) -> int:
        return len(self.client.asked("POST", "/api/messages/2/regenerate"))


@pytest.fixture
def asked(qtbot: QtBot, client: FakeClient) -> Asked:
    give(client, QUESTION, FAILED)
    shown = OpenConversation(client)
    shown.open(1)
    qtbot.waitUntil(lambda: shown.phase is Phase.READY, timeout=PATIENCE_MS)
    made = Asked(client, shown)
    made.desk.asked.emit(Ask.LONGER_CONTEXT, 2)
    return made


def test_the_answer_is_written_again_once_there_is_room(asked: Asked) -> None:
    assert asked.client.asked("POST", "/api/models/tiny/load") == [{"context_length": 8_192}]
    asked.model()  # still as it was
    asked.model(state=ModelState.LOADING, loaded_context=None, progress=0.5)
    assert asked.rewritten == 0
    asked.model(loaded_context=8_192)
    asked.model(loaded_context=8_192)
    assert asked.rewritten == 1


def test_a_load_that_fails_is_said_and_nothing_is_written(asked: Asked) -> None:
    said: list[AppError] = []
    asked.shown.failed.connect(said.append)
    asked.model(
        state=ModelState.AVAILABLE,
        loaded_context=None,
        error=ErrorInfo(code="load_cancelled", values={"model": "Tiny"}),
    )
    asked.model(loaded_context=8_192)
    assert [error.code for error in said] == ["load_cancelled"]
    assert asked.rewritten == 0


def test_a_load_that_is_refused_is_said(qtbot: QtBot, asked: Asked) -> None:
    asked.client.answers["POST /api/models/tiny/load"] = AppError("busy")
    with qtbot.waitSignal(asked.shown.failed, timeout=PATIENCE_MS) as failed:
        asked.desk.asked.emit(Ask.LONGER_CONTEXT, 2)
    assert failed.args is not None
    assert failed.args[0].code == "busy"


def test_another_conversation_opened_meanwhile_is_left_alone(asked: Asked) -> None:
    asked.shown.begin()
    asked.model(loaded_context=8_192)
    assert asked.rewritten == 0


def buttons(transcript: Transcript) -> dict[str, Button]:
    return {each.text(): each for each in transcript.findChildren(Button) if each.isVisible()}


def test_the_card_offers_what_can_help(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.desk.longer_context = lambda error: longer_context(error, TINY)
    transcript.show_message(FAILED, Unfolding())
    settle(qtbot, transcript)
    found = buttons(transcript)
    assert "Write it again" not in found
    asked: list[Ask] = []
    transcript.desk.asked.connect(lambda ask, _message_id: asked.append(ask))
    found["New conversation"].click()
    found["Load with 8,192 tokens of context"].click()
    assert asked == [Ask.NEW_CONVERSATION, Ask.LONGER_CONTEXT]


def test_a_model_without_more_room_is_not_offered(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_message(FAILED, Unfolding())
    settle(qtbot, transcript)
    assert [words for words in buttons(transcript) if "context" in words] == []
    assert "New conversation" in buttons(transcript)
