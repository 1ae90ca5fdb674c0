"""Tests of what the page offers for the model that will answer, before it is loaded."""

import pytest
from pytestqt.qtbot import QtBot

from app.protocol import ModelEntry
from app.ui.chat.look import Look
from app.ui.chat.page import ChatPage
from app.ui.library import Library
from tests.ui.fake_client import FakeClient

PLAIN = ModelEntry(id="plain", name="Plain", path="/p", size=1)
THINKER = ModelEntry(id="thinker", name="Thinker", path="/t", size=1, supports_thinking=True)


@pytest.fixture
def page(qtbot: QtBot, client: FakeClient, look: Look) -> ChatPage:
    library = Library(client)
    made = ChatPage(client, library)
    qtbot.addWidget(made)
    library.entries = [PLAIN, THINKER]
    library.changed.emit()
    return made


def test_thinking_is_offered_for_a_model_that_is_not_loaded_yet(page: ChatPage) -> None:
    assert page.composer.think_button.isHidden()
    page.picker.set_wanted("thinker")
    page.picker.picked.emit("thinker")
    assert not page.composer.think_button.isHidden()
    page.picker.set_wanted("plain")
    page.picker.picked.emit("plain")
    assert page.composer.think_button.isHidden()
