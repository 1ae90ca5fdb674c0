"""Tests of the whole page with a backend in memory: tools with consent, going on after a cut, pictures, the panel."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.protocol import (
    AnswerFinished,
    AnswerPrefill,
    AnswerQueued,
    ContextPolicy,
    ConversationChanged,
    ErrorInfo,
    FinishReason,
    GenerationStats,
    Hello,
    Message,
    MessageState,
    ModelEntry,
    ModelState,
    Options,
    Preset,
    PromptPreview,
    Role,
    Started,
    Status,
    ToolCall,
    ToolSpec,
)
from app.ui.chat.conversation import Phase
from app.ui.chat.gallery import GalleryRow, PictureButton
from app.ui.chat.page import ChatPage
from app.ui.chat.pictures import prepared
from app.ui.chat.prompt_dialog import PromptDialog
from app.ui.chat.rows import CallState, LeftOut, Note, Row, ToolCard, Waiting
from app.ui.chat.status_rows import NoteRow, WaitingRow
from app.ui.chat.tool_card import ToolCardRow
from app.ui.library import Library
from app.ui.widgets import Button, ErrorCard, Toast
from tests.ui.chat.conftest import PATIENCE_MS, conversation, give, message, question, settle
from tests.ui.fake_client import FakeClient, Request
from tests.ui.finding import button, child, named, texts

SEEING = ModelEntry(
    id="see",
    name="See",
    path="/x",
    size=1,
    state=ModelState.LOADED,
    loaded_context=4_096,
    sees=True,
    supports_tools=True,
)
CLOCK, REMOVE = ToolCall(id="c1", name="clock"), ToolCall(id="c2", name="remove", arguments='{"path": "/x"}')


def stats(reason: FinishReason = FinishReason.STOP) -> GenerationStats:
    return GenerationStats(
        prompt_tokens=10, answer_tokens=20, ttft_s=0.3, decode_s=1.0, context_length=4_096, finish_reason=reason
    )


CALLING = message(2, parent_id=1, tool_calls=(CLOCK, REMOVE), stats=stats(FinishReason.TOOL_CALLS))
CUT = message(2, parent_id=1, text="Half", stats=stats(FinishReason.LENGTH))
GOING_ON = replace(CUT, state=MessageState.STREAMING, stats=None)


@dataclass
class Talk:
    """A page on a backend in memory, 1000 by 800."""

    page: ChatPage
    client: FakeClient
    qtbot: QtBot

    def open(self, *messages: Message, options: Options | None = None) -> None:
        """Open a conversation of these messages."""
        give(self.client, *messages)
        stored = conversation(leaf_id=messages[-1].id, options=options or Options())
        self.client.answers["GET /api/conversations/1"] = stored
        self.client.answers["PATCH /api/conversations/1"] = self.patched
        self.page.open_conversation(1)
        self.wait(Phase.READY)
        settle(self.qtbot, self.page.transcript)

    def patched(self, request: Request) -> object:
        assert isinstance(request.body, dict)
        return {**_builtins(self.client.answers["GET /api/conversations/1"]), **request.body}

    def wait(self, phase: Phase) -> None:
        self.qtbot.waitUntil(lambda: self.page.conversation.phase is phase, timeout=PATIENCE_MS)

    def rows(self, message_id: int, kind: type[Row]) -> list[Row]:
        return [row for row in self.page.transcript.rows(message_id) if isinstance(row, kind)]

    def states(self, message_id: int = 2) -> list[CallState]:
        cards = self.rows(message_id, ToolCard)
        return [card.state for card in cards if isinstance(card, ToolCard)]

    def cards(self, message_id: int = 2) -> list[ToolCardRow]:
        settle(self.qtbot, self.page.transcript)
        return [each for each in self.page.transcript.widgets(message_id) if isinstance(each, ToolCardRow)]

    def note(self, message_id: int = 2) -> NoteRow:
        settle(self.qtbot, self.page.transcript)
        return next(each for each in self.page.transcript.widgets(message_id) if isinstance(each, NoteRow))


def _builtins(value: object) -> dict[str, object]:
    made = msgspec.to_builtins(value)
    assert isinstance(made, dict)
    return made


@pytest.fixture
def talk(qtbot: QtBot, client: FakeClient) -> Talk:
    client.answers["GET /api/models"] = [SEEING]
    client.answers["GET /api/tools"] = [ToolSpec(name="clock")]
    library = Library(client)
    page = ChatPage(client, library)
    qtbot.addWidget(page)
    page.resize(1000, 800)
    with qtbot.waitExposed(page):
        page.show()
    library.take_event(
        Hello(client_id="x", status=Status(version="1", pid=1, home="", uptime_s=0, clients=1, answering=0))
    )
    qtbot.waitUntil(lambda: library.fetched, timeout=PATIENCE_MS)
    return Talk(page, client, qtbot)


# ---------------------------------------------------------------- tools


def test_nothing_runs_before_every_call_has_its_word(talk: Talk) -> None:
    talk.open(question(1), CALLING)
    assert talk.states() == [CallState.ASKING, CallState.ASKING]
    talk.cards()[1].refuse.click()
    assert talk.states() == [CallState.ASKING, CallState.DECIDED]
    assert talk.client.asked("POST", "/api/messages/2/tools") == []
    after = message(5, parent_id=4, state=MessageState.STREAMING)
    talk.client.answers["POST /api/messages/2/tools"] = Started(conversation=conversation(leaf_id=5), answer=after)
    noon = message(3, role=Role.TOOL, text='{"time": "noon"}', tool_call_id="c1")
    refused = message(4, role=Role.TOOL, text="refused", tool_call_id="c2")
    give(talk.client, question(1), CALLING, noon, refused, after)
    talk.cards()[0].allow.click()
    assert talk.states() == [CallState.RUNNING, CallState.RUNNING]
    talk.wait(Phase.ANSWERING)
    assert talk.client.asked("POST", "/api/messages/2/tools") == [{"allowed": ("c1",)}]
    assert talk.states() == [CallState.DONE, CallState.DONE]
    assert [each.id for each in talk.page.conversation.messages] == [1, 2, 3, 4, 5]


def test_always_is_kept_with_the_conversation_and_asks_no_more(talk: Talk) -> None:
    talk.open(question(1), replace(CALLING, tool_calls=(CLOCK, replace(CLOCK, id="c3"))))
    talk.client.answers["POST /api/messages/2/tools"] = AppError("busy")
    talk.cards()[0].always.click()
    talk.qtbot.waitUntil(lambda: bool(talk.client.asked("POST", "/api/messages/2/tools")))
    assert talk.client.asked("POST", "/api/messages/2/tools") == [{"allowed": ("c1", "c3")}]
    changes = talk.client.asked("PATCH", "/api/conversations/1")
    assert changes == [{"system_prompt": "", "options": {"allowed_tools": ("clock",)}}]
    asked = [f"{each.verb} {each.path}" for each in talk.client.requests]
    assert asked.index("PATCH /api/conversations/1") < asked.index("POST /api/messages/2/tools")


def test_a_consent_that_comes_to_nothing_is_asked_for_again(talk: Talk) -> None:
    talk.open(question(1), replace(CALLING, tool_calls=(CLOCK,)))
    talk.client.answers["POST /api/messages/2/tools"] = AppError("busy")
    talk.cards()[0].allow.click()
    talk.qtbot.waitUntil(lambda: talk.states() == [CallState.ASKING])
    assert child(talk.page.problem, ErrorCard).accessibleName() == "An answer is still being written here"


def test_calls_of_an_answer_that_was_passed_over_ask_nothing(talk: Talk) -> None:
    talk.open(question(1), CALLING, question(3, "Never mind"), message(4, text="Fine."))
    assert talk.states() == [CallState.IDLE, CallState.IDLE]
    assert not talk.cards()[0].allow.isVisible()


def test_a_result_unfolds_and_is_that_of_its_own_answer(talk: Talk) -> None:
    result = message(3, role=Role.TOOL, text='{"time":"noon"}', tool_call_id="c1")
    again = message(4, tool_calls=(CLOCK,), stats=stats(FinishReason.TOOL_CALLS))
    talk.open(question(1), replace(CALLING, tool_calls=(CLOCK,)), result, again)
    assert talk.states(2) == [CallState.DONE]
    assert talk.states(4) == [CallState.ASKING]  # the same id, another call
    card = talk.cards()[0]
    assert "noon" not in texts(card)
    before = card.height()
    card.fold.click()
    settle(talk.qtbot, talk.page.transcript)
    assert '{\n  "time": "noon"\n}' in texts(card)
    talk.qtbot.waitUntil(lambda: card.height() > before)
    card.fold.click()
    assert "noon" not in texts(card)


def test_a_card_says_what_it_wants_with_its_arguments(talk: Talk) -> None:
    talk.open(question(1), CALLING)
    said = texts(talk.cards()[1])
    assert "remove" in said
    assert '"path": "/x"' in said
    assert "Do you allow it?" in said
    assert talk.cards()[1].accessibleName() == "Tool call: remove"


@pytest.mark.parametrize("told_first", [True, False])
def test_tools_that_need_no_word_lead_on_by_themselves(talk: Talk, told_first: bool) -> None:
    """The backend runs them and begins the next answer; whichever of its two messages comes first, it is followed."""
    trusting = Options(tools=("clock",), allowed_tools=("clock",))
    writing = message(2, parent_id=1, state=MessageState.STREAMING)
    give(talk.client, question(1), writing)
    talk.client.answers["GET /api/conversations/1"] = conversation(options=trusting)
    talk.page.open_conversation(1)
    talk.wait(Phase.ANSWERING)
    called = replace(CALLING, tool_calls=(CLOCK,))
    result = message(3, role=Role.TOOL, text="noon", tool_call_id="c1")
    after = message(4, parent_id=3, state=MessageState.STREAMING)
    give(talk.client, question(1), called, result, after)
    led_on = conversation(leaf_id=4, options=trusting)
    talk.client.answers["GET /api/conversations/1"] = led_on
    stream = talk.client.streams["/api/messages/2/stream"]
    if told_first:
        talk.page.take_event(ConversationChanged(conversation=led_on))
    stream.received.emit(AnswerFinished(message=called))
    if not told_first:
        talk.page.take_event(ConversationChanged(conversation=led_on))
    talk.qtbot.waitUntil(lambda: "/api/messages/4/stream" in talk.client.streams)
    assert talk.states() == [CallState.DONE]
    assert talk.client.asked("POST", "/api/messages/2/tools") == []


# ---------------------------------------------------------------- cuts, queue, context


def test_an_answer_that_was_cut_goes_on_in_its_place(talk: Talk) -> None:
    talk.open(question(1), CUT)
    talk.client.answers["POST /api/messages/2/continue"] = Started(conversation=conversation(), answer=GOING_ON)
    button(talk.note(), "Continue").click()
    talk.wait(Phase.ANSWERING)
    assert [each.text for each in talk.page.conversation.messages] == ["Why?", "Half"]
    whole = replace(CUT, text="Half and half", stats=stats())
    talk.client.streams["/api/messages/2/stream"].received.emit(AnswerFinished(message=whole))
    assert talk.rows(2, Note) == []


def test_what_failed_after_some_words_goes_on_too(talk: Talk) -> None:
    failed = message(2, text="Half", state=MessageState.FAILED, error=ErrorInfo(code="busy"))
    talk.open(question(1), failed)
    talk.client.answers["POST /api/messages/2/continue"] = AppError("no_model")
    button(talk.note(), "Continue").click()
    talk.qtbot.waitUntil(talk.page.problem.isVisible)
    assert talk.page.conversation.phase is Phase.READY


def test_a_full_context_goes_on_without_the_oldest(talk: Talk) -> None:
    talk.open(question(1), replace(CUT, stats=stats(FinishReason.CONTEXT_FULL)))
    dropping = conversation(options=Options(context_policy=ContextPolicy.DROP_OLDEST))
    talk.client.answers["POST /api/messages/2/continue"] = Started(conversation=dropping, answer=GOING_ON)
    button(talk.note(), "Leave out the oldest and continue").click()
    talk.wait(Phase.ANSWERING)
    assert talk.client.asked("PATCH", "/api/conversations/1") == [
        {"system_prompt": "", "options": {"context_policy": "drop_oldest"}}
    ]
    assert "oldest messages are left out" in talk.page.composer.note.text()


def test_only_the_last_answer_goes_on(talk: Talk) -> None:
    talk.open(question(1), CUT, question(3), message(4, text="Whole.", stats=stats()))
    assert [each.text() for each in talk.note().findChildren(Button) if each.isVisible()] == ["Write it again"]


def test_queue_and_prefill_are_told_until_the_first_word(talk: Talk) -> None:
    waiting = message(2, parent_id=1, state=MessageState.STREAMING)
    give(talk.client, question(1), waiting)
    talk.page.open_conversation(1)
    talk.wait(Phase.ANSWERING)
    stream = talk.client.streams["/api/messages/2/stream"]

    def said() -> str:
        settle(talk.qtbot, talk.page.transcript)
        return texts(next(each for each in talk.page.transcript.widgets(2) if isinstance(each, WaitingRow)))

    assert said() == "Getting ready…"
    stream.received.emit(AnswerQueued(position=3))
    assert said() == "Waiting: 2 answers first."
    stream.received.emit(AnswerQueued(position=1))
    assert said() == "Waiting: this answer is next."
    stream.received.emit(AnswerPrefill(done=1_200, total=2_400))
    assert said() == "Reading the conversation: 1,200 of 2,400 tokens…"
    stream.received.emit(AnswerPrefill(done=1_200, total=2_400, eta_s=12))
    assert said() == "Reading the conversation: 1,200 of 2,400 tokens  ·  12 s left"
    done = replace(waiting, state=MessageState.COMPLETE, text="Yes.", stats=stats())
    stream.received.emit(AnswerFinished(message=done))
    assert talk.rows(2, Waiting) == []


def test_what_was_left_out_is_marked_for_the_newest_answer_alone(talk: Talk) -> None:
    talk.open(
        question(1), message(2, text="A"), question(3), message(4, text="B", context_from=2), question(5),
        message(6, text="C", context_from=3),
    )  # fmt: skip
    assert [each.id for each in talk.page.conversation.messages if talk.rows(each.id, LeftOut)] == [3]
    settle(talk.qtbot, talk.page.transcript)
    assert "has not read it" in texts(talk.page.transcript)


# ---------------------------------------------------------------- pictures


def picture(width: int = 40, height: int = 30) -> QImage:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor("#2C6E60"))
    return image


def test_a_picture_is_sent_with_its_message(talk: Talk) -> None:
    talk.open(question(1), CUT)
    talk.client.answers["POST /api/images"] = {"id": "p1"}
    composer = talk.page.composer
    data = QMimeData()
    data.setImageData(picture())
    composer.field.plain.insertFromMimeData(data)
    assert not composer.send_button.isEnabled()  # the backend does not have it yet
    talk.qtbot.waitUntil(composer.send_button.isEnabled)
    begun = message(4, parent_id=3, state=MessageState.STREAMING)
    asked = question(3, "", images=("p1",))
    talk.client.answers["POST /api/conversations/1/messages"] = Started(
        conversation=conversation(leaf_id=4), question=asked, answer=begun
    )
    composer.send_button.click()
    talk.wait(Phase.ANSWERING)
    assert talk.client.asked("POST", "/api/conversations/1/messages") == [{"text": "", "images": ("p1",)}]
    assert composer.attachments.held == ()
    settle(talk.qtbot, talk.page.transcript)
    gallery = next(each for each in talk.page.transcript.widgets(3) if isinstance(each, GalleryRow))
    shown = child(gallery, PictureButton)
    assert shown.isEnabled()  # what was just sent needs no fetching
    shown.click()
    dialog = next(each for each in talk.page.window().findChildren(QDialog))
    assert dialog.windowTitle() == "Picture 1"
    dialog.close()


def test_pictures_of_a_stored_message_are_fetched(talk: Talk) -> None:
    talk.client.answers["GET /api/images/p1"] = prepared(picture()).content.data
    talk.open(question(1, images=("p1",)), CUT)
    gallery = next(each for each in talk.page.transcript.widgets(1) if isinstance(each, GalleryRow))
    talk.qtbot.waitUntil(child(gallery, PictureButton).isEnabled)
    assert len([each for each in talk.client.requests if each.path == "/api/images/p1"]) == 1


def test_a_message_that_was_refused_brings_its_pictures_back(talk: Talk) -> None:
    talk.open(question(1), CUT)
    talk.client.answers["POST /api/images"] = {"id": "p1"}
    talk.client.answers["POST /api/conversations/1/messages"] = AppError("busy")
    composer = talk.page.composer
    composer.attachments.add_image(picture())
    composer.field.set_text("Look")
    talk.qtbot.waitUntil(composer.send_button.isEnabled)
    composer.send_button.click()
    talk.qtbot.waitUntil(lambda: composer.field.text() == "Look")
    assert composer.attachments.ids == ("p1",)


def test_a_model_that_does_not_see_is_given_none(talk: Talk) -> None:
    talk.client.answers["GET /api/models"] = [replace(SEEING, sees=False)]
    talk.page._library.fetch()
    composer = talk.page.composer
    talk.qtbot.waitUntil(lambda: not composer.attachments.button.isVisible())
    data = QMimeData()
    data.setImageData(picture())
    composer.field.plain.insertFromMimeData(data)
    assert "cannot see pictures" in texts(child(talk.page, Toast))
    assert composer.attachments.held == ()


def test_what_is_no_picture_is_refused_kindly(talk: Talk, tmp_path: Path) -> None:
    path = tmp_path / "fake.png"
    path.write_bytes(b"not a picture")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    talk.page.composer.field.plain.insertFromMimeData(data)
    assert "no picture that can be read" in texts(child(talk.page, Toast))


def test_a_picture_the_backend_refuses_goes_and_says_why(talk: Talk) -> None:
    talk.client.answers["POST /api/images"] = AppError("disk_full", folder="/x")
    talk.page.composer.attachments.add_image(picture())
    assert len(talk.page.composer.attachments.held) == 1
    talk.qtbot.waitUntil(lambda: not talk.page.composer.attachments.held)
    assert "The disk is full" in texts(child(talk.page, Toast))


def test_pictures_stay_with_their_draft_even_while_on_their_way(talk: Talk) -> None:
    talk.open(question(1), CUT)
    talk.client.answers["POST /api/images"] = {"id": "p1"}
    attachments = talk.page.composer.attachments
    attachments.add_image(picture())
    talk.page.new_conversation()
    assert attachments.held == ()
    talk.qtbot.waitUntil(lambda: talk.client.answered == len(talk.client.requests))
    talk.page.open_conversation(1)
    talk.wait(Phase.READY)
    assert attachments.ids == ("p1",)
    named(attachments, "Remove picture 1").click()
    assert attachments.held == ()


def test_a_message_can_have_so_many_pictures(talk: Talk) -> None:
    talk.client.answers["POST /api/images"] = {"id": "p"}
    for _ in range(9):
        talk.page.composer.attachments.add_image(picture())
    assert len(talk.page.composer.attachments.held) == 8
    assert "8 pictures" in texts(child(talk.page, Toast))


# ---------------------------------------------------------------- the panel in its place


def test_the_panel_stands_beside_the_conversation_or_over_it(talk: Talk) -> None:
    side = talk.page.side
    side.button.click()
    assert side.panel is not None
    assert side.shown
    assert talk.page.transcript.mapTo(talk.page, talk.page.transcript.rect().topRight()).x() < 1000
    talk.qtbot.waitUntil(lambda: talk.page.composer.width() <= 1000 - side.panel.width())  # type: ignore[union-attr]
    talk.page.resize(600, 800)
    assert not side.shown
    assert side.wanted
    QTest.keySequence(talk.page, "Ctrl+Shift+P")
    side.show(True)
    assert side.shown
    assert side.panel.geometry().right() == talk.page.width() - 1
    talk.page.resize(1000, 800)
    assert side.shown
    side.show(False)
    assert not side.wanted
    talk.page.resize(600, 800)
    talk.page.resize(1000, 800)
    assert not side.shown


def test_closing_the_panel_leaves_the_keyboard_to_the_composer(talk: Talk) -> None:
    talk.page.activateWindow()
    talk.qtbot.waitUntil(talk.page.isActiveWindow)
    talk.page.side.toggle()
    panel = talk.page.side.panel
    assert panel is not None
    assert panel.presets.choice.hasFocus()
    QTest.keyClick(panel.presets.choice, Qt.Key.Key_Escape)
    assert not talk.page.side.shown
    assert talk.page.composer.field.plain.hasFocus()


def test_tools_and_presets_reach_the_panel_whenever_it_is_made(talk: Talk) -> None:
    talk.page.side.set_presets([Preset(name="Calm")])
    talk.page.side.show(True)
    panel = talk.page.side.panel
    assert panel is not None
    talk.qtbot.waitUntil(lambda: "clock" in panel.tools.offered)
    assert panel.presets.choice.findText("Calm") > 0
    given: list[object] = []
    talk.page.side.presets_changed.connect(given.append)
    panel.presets.save_as("Mine")
    assert len(given) == 1


def test_the_prompt_is_shown_as_the_model_would_read_it(talk: Talk) -> None:
    talk.open(question(1), CUT)
    talk.client.answers["POST /api/conversations/1/preview"] = PromptPreview(
        text="<|user|>Why?", tokens=1_234, context_length=4_096
    )
    talk.page.answers.set_system_prompt("Be brief.")
    talk.page.composer.field.set_text("And now?")
    talk.page.side.prompt_asked.emit()
    talk.qtbot.waitUntil(lambda: talk.page.window().findChild(PromptDialog) is not None)
    dialog = child(talk.page.window(), PromptDialog)
    talk.qtbot.waitUntil(dialog.copy_button.isEnabled)
    assert dialog.text.toPlainText() == "<|user|>Why?"
    assert "1,234 tokens of 4,096" in dialog.length.text()
    dialog.copy_button.click()
    assert QApplication.clipboard().text() == "<|user|>Why?"
    asked = talk.client.asked("POST", "/api/conversations/1/preview")
    assert asked == [{"text": "And now?", "system_prompt": "Be brief.", "options": {}}]
    dialog.accept()


def test_a_prompt_that_cannot_be_made_is_explained(talk: Talk) -> None:
    talk.client.answers["POST /api/preview"] = AppError("template_failed", reason="it loops")
    talk.page.side.prompt_asked.emit()
    dialog = child(talk.page.window(), PromptDialog)
    talk.qtbot.waitUntil(lambda: dialog.findChild(ErrorCard) is not None)
    assert "it loops" in texts(dialog)
    dialog.accept()


def test_thinking_that_the_panel_has_settled_is_no_question_any_more(talk: Talk) -> None:
    talk.client.answers["GET /api/models"] = [replace(SEEING, supports_thinking=True)]
    talk.page._library.fetch()
    think = talk.page.composer.think_button
    talk.qtbot.waitUntil(think.isVisible)
    talk.page.answers.change(thinking=False)
    assert not think.isVisible()
