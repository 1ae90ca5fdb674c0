"""Tests of the options of a conversation: saved soon, sent with the first message, in time for the next answer."""

import pytest
from msgspec.structs import replace

from app.errors import AppError
from app.protocol import ContextPolicy, Conversation, ConversationChanged, Options, Preset, Sampling
from app.ui.chat.acts import Acts
from tests.ui.panel.conftest import PATH, STORED, Opened, opened

__all__ = ["opened"]
WARM = Options(sampling=Sampling(temperature=1.5))


def test_they_are_those_of_the_conversation_that_is_opened(opened: Opened) -> None:
    opened.stored = replace(STORED, options=WARM)
    opened.open()
    assert (opened.answers.system_prompt, opened.answers.options) == ("Be brief.", WARM)
    opened.conversation.begin()
    assert (opened.answers.system_prompt, opened.answers.options) == ("", Options())


def test_several_changes_in_a_row_are_saved_once(opened: Opened) -> None:
    opened.open()
    opened.answers.change_sampling(temperature=1.0)
    opened.answers.change_sampling(temperature=1.5)
    opened.saved()
    assert opened.stored.options == WARM
    assert opened.stored.system_prompt == "Be brief."


def test_what_does_not_differ_is_not_saved(opened: Opened) -> None:
    opened.open()
    opened.answers.set_system_prompt("Be brief.")
    done: list[bool] = []
    opened.answers.when_saved(lambda: done.append(True), lambda _: None)
    assert done == [True]
    assert opened.client.asked("PATCH", PATH) == []


def test_before_the_first_message_they_wait_and_go_with_it(opened: Opened) -> None:
    opened.answers.set_system_prompt("Be kind.")
    opened.answers.change(context_policy=ContextPolicy.DROP_OLDEST)
    opened.client.answers["POST /api/conversations"] = AppError("backend_gone")
    Acts(opened.conversation).send("Hello")
    asked = opened.client.asked("POST", "/api/conversations")
    assert asked == [{"system_prompt": "Be kind.", "options": {"context_policy": "drop_oldest"}}]


def test_what_is_changed_while_the_conversation_is_made_is_saved_then(opened: Opened) -> None:
    opened.client.answers["POST /api/conversations"] = replace(STORED, system_prompt="")
    opened.client.answers["POST /api/conversations/1/messages"] = AppError("no_model")
    Acts(opened.conversation).send("Hello")
    opened.answers.set_system_prompt("Late.")
    opened.saved()
    assert opened.stored.system_prompt == "Late."


def test_an_answer_waits_until_they_are_known(opened: Opened) -> None:
    opened.open()
    opened.answers.change_sampling(temperature=1.5)
    order: list[str] = []

    def ask() -> None:
        order.append(f"asked at {opened.stored.options.sampling.temperature}")

    opened.answers.when_saved(ask, lambda _: None)
    assert order == []
    opened.saved()
    assert order == ["asked at 1.5"]


def test_an_answer_is_not_asked_for_where_they_were_refused(opened: Opened) -> None:
    opened.open()
    opened.client.answers[f"PATCH {PATH}"] = AppError("disk_full", folder="/x")
    failed: list[AppError] = []
    refused: list[AppError] = []
    opened.answers.failed.connect(failed.append)
    opened.answers.change_sampling(temperature=1.5)
    opened.answers.when_saved(lambda: pytest.fail("asked"), refused.append)
    opened.saved()
    assert [error.code for error in (*failed, *refused)] == ["disk_full", "disk_full"]


def test_leaving_saves_for_the_conversation_that_is_left(opened: Opened) -> None:
    opened.open()
    opened.answers.set_system_prompt("For the first.")
    opened.conversation.begin()
    opened.saved()
    assert opened.stored.system_prompt == "For the first."
    assert opened.answers.system_prompt == ""


def test_another_clients_change_is_taken_unless_ones_own_is_under_way(opened: Opened) -> None:
    opened.open()
    other: Conversation = replace(STORED, system_prompt="From elsewhere.")
    opened.conversation.take_event(ConversationChanged(conversation=other))
    assert opened.answers.system_prompt == "From elsewhere."
    opened.answers.set_system_prompt("Mine.")
    opened.conversation.take_event(ConversationChanged(conversation=other))
    assert opened.answers.system_prompt == "Mine."


def test_a_preset_brings_everything_but_trust(opened: Opened) -> None:
    opened.answers.change(allowed_tools=("clock",))
    opened.answers.use(Preset(name="Warm", system_prompt="Hi.", options=replace(WARM, allowed_tools=("rm",))))
    assert opened.answers.system_prompt == "Hi."
    assert opened.answers.options == replace(WARM, allowed_tools=("clock",))
    assert opened.answers.as_preset("Warm") == Preset(name="Warm", system_prompt="Hi.", options=WARM)
