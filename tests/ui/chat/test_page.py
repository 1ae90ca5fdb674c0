"""Tests of the whole page with a real backend process behind it: asking, versions, deleting, losing the backend."""

import os
import signal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox

from app.backends.fake import SAMPLE
from app.protocol import MessageState, Role
from app.ui.chat.bubble import EditorRow
from app.ui.chat.conversation import Phase
from app.ui.chat.rows import Bubble, Footer, Note, Thinking, Thought
from app.ui.widgets import Button, ErrorCard, Toast
from tests.processes import running_backend
from tests.ui.chat.conftest import ChatWindow, attach

SLOW = "50:4000"
"""A fake engine that takes long enough to be interrupted."""


def test_a_new_conversation_says_what_this_is_and_suggests(window: ChatWindow) -> None:
    page = window.page
    assert page.welcome.isVisible()
    assert len(page.welcome.suggestions) == 3
    page.welcome.suggestions[0].click()
    window.answered()
    assert window.texts() == ["What is a quantization?", SAMPLE]
    assert page.transcript.isVisible()


def test_an_answer_is_shown_and_stored(window: ChatWindow) -> None:
    answer = window.ask("Why?")
    assert answer.text == SAMPLE
    assert answer.state is MessageState.COMPLETE
    conversation_id = window.page.conversation.id
    assert conversation_id is not None
    assert [each.text for each in window.backend.messages(conversation_id)] == ["Why?", SAMPLE]
    assert window.page.title.text() == "Why?"


def test_figures_and_context_are_shown(window: ChatWindow) -> None:
    answer = window.ask("Why?")
    footer = window.page.transcript.rows(answer.id)[-1]
    assert isinstance(footer, Footer)
    assert answer.stats is not None
    assert footer.stats == answer.stats
    used, length = answer.stats.context_used, answer.stats.context_length
    assert window.page.composer.meter.label.text() == f"{used:,} of {length:,}"


def test_what_was_streamed_equals_what_is_loaded(window: ChatWindow) -> None:
    answer = window.ask("Why?")
    streamed = window.page.transcript.rows(answer.id)
    conversation_id = window.page.conversation.id
    assert conversation_id is not None
    window.page.new_conversation()
    window.page.open_conversation(conversation_id)
    window.wait_ready()
    assert window.page.transcript.rows(answer.id) == streamed


@pytest.mark.parametrize("speed", [SLOW])
def test_escape_stops_the_answer_and_keeps_its_text(window: ChatWindow) -> None:
    page = window.page
    page.composer.field.set_text("Why?")
    page.composer.send_button.click()
    window.wait(lambda: page.conversation.phase is Phase.ANSWERING and len(page.conversation.messages[-1].text) > 20)
    assert page.composer.send_button.text() == "Stop"
    QTest.keyClick(page.composer.field.plain, Qt.Key.Key_Escape)
    answer = window.answered()
    assert answer.state is MessageState.STOPPED
    assert 20 < len(answer.text) < 4_000
    assert any(isinstance(row, Note) for row in page.transcript.rows(answer.id))
    assert page.composer.send_button.text() == "Send"


@pytest.mark.parametrize("speed", [SLOW])
def test_an_answer_goes_on_while_another_conversation_is_shown(window: ChatWindow) -> None:
    page = window.page
    page.composer.field.set_text("Why?")
    page.composer.send_button.click()
    window.wait(lambda: page.conversation.phase is Phase.ANSWERING and bool(page.conversation.messages[-1].text))
    conversation_id, seen = page.conversation.id, len(page.conversation.messages[-1].text)
    assert conversation_id is not None
    page.new_conversation()
    assert page.conversation.phase is Phase.EMPTY
    assert page.welcome.isVisible()
    page.open_conversation(conversation_id)
    window.wait(lambda: page.conversation.phase is Phase.ANSWERING)
    window.wait(lambda: len(page.conversation.messages[-1].text) > seen)
    page.acts.stop()
    window.answered()


def test_writing_again_makes_a_version_and_the_versions_can_be_seen(window: ChatWindow) -> None:
    first = window.ask("Why?")
    page = window.page
    page.controller.regenerate_last()
    second = window.answered()
    assert second.id != first.id
    footer = page.transcript.rows(second.id)[-1]
    assert isinstance(footer, Footer)
    assert (footer.version, footer.versions) == (2, 2)
    page.acts.show_version(second, -1)
    window.wait(lambda: page.conversation.messages[-1].id == first.id)
    footer = page.transcript.rows(first.id)[-1]
    assert isinstance(footer, Footer)
    assert (footer.version, footer.versions) == (1, 2)


def test_editing_makes_a_version_of_the_question(window: ChatWindow) -> None:
    window.ask("Why?")
    page = window.page
    page.activateWindow()
    QTest.keyClick(page.composer.field.plain, Qt.Key.Key_Up)
    editor = page.findChild(EditorRow)
    assert editor is not None
    assert editor.field.text() == "Why?"
    window.wait(editor.field.plain.hasFocus)
    editor.field.set_text("Why not?")
    QTest.keyClick(editor.field.plain, Qt.Key.Key_Return)
    window.answered()
    assert window.texts() == ["Why not?", SAMPLE]
    assert len(page.conversation.messages[0].siblings) == 2
    page.acts.show_version(page.conversation.messages[0], -1)
    window.wait(lambda: window.texts() == ["Why?", SAMPLE])


def test_escape_leaves_the_question_as_it_was(window: ChatWindow) -> None:
    window.ask("Why?")
    page = window.page
    page.activateWindow()
    page.controller.edit_last()
    editor = page.findChild(EditorRow)
    assert editor is not None
    editor.field.set_text("something else")
    QTest.keyClick(editor.field.plain, Qt.Key.Key_Escape)
    window.wait(page.composer.field.plain.hasFocus)
    assert window.texts() == ["Why?", SAMPLE]
    assert page.transcript.rows(page.conversation.messages[0].id)[0] == Bubble("Why?")


def test_a_deleted_message_can_be_brought_back(window: ChatWindow) -> None:
    window.ask("One?")
    window.ask("Two?")
    page = window.page
    page.acts.delete(page.conversation.messages[2])
    window.wait(lambda: window.texts() == ["One?", SAMPLE])
    toast = page.findChild(Toast)
    assert toast is not None
    undo = next(each for each in toast.findChildren(Button) if each.text() == "Undo")
    undo.click()
    window.wait(lambda: window.texts() == ["One?", SAMPLE, "Two?", SAMPLE])


def test_a_message_that_is_refused_is_in_the_field_again(window: ChatWindow) -> None:
    page = window.page
    page.conversation.model = "no-such-model"
    page.composer.field.set_text("Why?")
    page.composer.send_button.click()
    window.wait(lambda: page.findChild(ErrorCard) is not None)
    assert page.composer.field.text() == "Why?"
    card = page.findChild(ErrorCard)
    assert card is not None
    assert card.accessibleName() == "This model is not here"


@pytest.mark.parametrize("speed", [SLOW])
def test_a_backend_that_is_killed_costs_at_most_the_last_second(window: ChatWindow) -> None:
    page = window.page
    page.composer.field.set_text("Why?")
    page.composer.send_button.click()
    window.wait(lambda: page.conversation.phase is Phase.ANSWERING and len(page.conversation.messages[-1].text) > 400)
    os.kill(window.backend.process.pid, signal.SIGKILL)
    window.wait(lambda: page.conversation.phase is Phase.UNREACHABLE)
    shown = page.conversation.messages[-1].text
    assert len(shown) > 400
    assert not page.composer.send_button.isEnabled()
    window.backend.wait_ended()
    with running_backend(window.backend.home, ALCOVE_FAKE_ENGINE="0") as second:
        events = attach(window.client, page, page._library, second)
        page.reconnect()
        window.wait_ready()
        stored = page.conversation.messages[-1]
        assert stored.state is MessageState.STOPPED
        assert shown.startswith(stored.text)
        assert len(stored.text) > len(shown) - 50 * 4 * 2
        window.ask("Go on")
        assert window.texts()[-2:] == ["Go on", SAMPLE]
        page.conversation.begin()
        events.abort()


@pytest.mark.parametrize("speed", ["50:200"])
def test_thinking_is_folded_with_its_duration(window: ChatWindow) -> None:
    page = window.page
    page.composer.set_thinking(True)
    page.composer.think_button.setChecked(True)
    answer = window.ask("Why?")
    assert answer.thinking
    row = page.transcript.rows(answer.id)[0]
    assert isinstance(row, Thinking)
    assert not row.unfolded
    assert row.duration_s is not None
    button = page.transcript.widgets(answer.id)[0].findChildren(Button)[0]
    assert button.text().startswith("Thought for ")
    button.click()
    assert any(isinstance(each, Thought) for each in page.transcript.rows(answer.id))


def test_renaming_at_the_top_is_stored(window: ChatWindow) -> None:
    window.ask("Why?")
    page = window.page
    page.activateWindow()
    page.title.setFocus()
    page.title.selectAll()
    QTest.keyClicks(page.title, "A better title")
    QTest.keyClick(page.title, Qt.Key.Key_Return)
    conversation_id = page.conversation.id
    window.wait(
        lambda: window.backend.get(f"/api/conversations/{conversation_id}", object)["title"] == "A better title"
    )


def test_a_change_by_another_client_is_shown(window: ChatWindow) -> None:
    window.ask("Why?")
    conversation_id = window.page.conversation.id
    assert conversation_id is not None
    started = window.backend.ask(conversation_id, "From elsewhere")
    window.backend.finished(started.answer.id)
    window.wait(lambda: window.texts() == ["Why?", SAMPLE, "From elsewhere", SAMPLE])
    window.backend.http.delete(f"/api/conversations/{conversation_id}")
    window.wait(lambda: window.page.conversation.phase is Phase.EMPTY)


def test_a_message_that_was_searched_for_is_scrolled_to(window: ChatWindow) -> None:
    conversation = window.backend.new_conversation()
    first = window.backend.ask(conversation.id, "The very first")
    window.backend.finished(first.answer.id)
    for number in range(40):
        window.backend.finished(window.backend.ask(conversation.id, f"Question {number}").answer.id)
    page = window.page
    assert first.question is not None
    page.open_conversation(conversation.id, first.question.id)
    wanted = first.question.id
    window.wait(lambda: wanted in page.transcript.message_ids and bool(page.transcript.widgets(wanted)))
    window.wait(lambda: page.transcript.column.verticalScrollBar().value() < 100)


def test_older_messages_come_when_the_reader_scrolls_up(window: ChatWindow) -> None:
    conversation = window.backend.new_conversation()
    for number in range(40):
        window.backend.finished(window.backend.ask(conversation.id, f"Question {number}").answer.id)
    page = window.page
    page.open_conversation(conversation.id)
    window.wait_ready()
    assert len(page.transcript.message_ids) == 50
    page.transcript.column.verticalScrollBar().setValue(0)
    window.wait(lambda: len(page.transcript.message_ids) == 80)
    assert page.conversation.messages[0].text == "Question 0"


def test_copying_takes_the_answer_as_markdown(window: ChatWindow) -> None:
    window.ask("Why?")
    page = window.page
    page.activateWindow()
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(page.composer.field.plain, Qt.Key.Key_C, modifiers)
    window.wait(lambda: QGuiApplication.clipboard().text() == SAMPLE)


def test_control_r_writes_the_answer_again(window: ChatWindow) -> None:
    first = window.ask("Why?")
    window.page.activateWindow()
    window.page.composer.focus()
    QTest.keyClick(window.page.composer.field.plain, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert window.answered().siblings[0] == first.id


def test_tab_goes_from_the_composer_to_the_messages(window: ChatWindow) -> None:
    window.ask("Why?")
    page = window.page
    page.activateWindow()
    window.wait(lambda: page.transcript.column.is_settled)
    page.composer.focus()
    seen = []
    for _ in range(3):
        focused = QApplication.focusWidget()
        assert focused is not None
        seen.append(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    assert seen[0] is page.composer.field.plain
    assert page.transcript.isAncestorOf(seen[-1])


def test_a_finished_answer_is_announced_once(window: ChatWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(QAccessible, "updateAccessibility", lambda event: told.append(type(event).__name__))
    window.ask("Why?")
    assert told.count("QAccessibleAnnouncementEvent") == 1


def test_a_link_is_opened_only_after_its_address_was_shown(window: ChatWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    desk = window.page.transcript.desk
    desk.link_clicked.emit("https://example.org/a?b=c")
    box = window.page.findChild(QMessageBox)
    assert box is not None
    assert box.informativeText() == "https://example.org/a?b=c"
    assert opened == []
    next(each for each in box.buttons() if each.text() == "Open").click()
    assert opened == ["https://example.org/a?b=c"]


@pytest.mark.parametrize("address", ["file:///etc/passwd", "javascript:alert(1)", "smb://a/b"])
def test_other_links_do_nothing(window: ChatWindow, address: str) -> None:
    window.page.transcript.desk.link_clicked.emit(address)
    assert window.page.findChild(QMessageBox) is None


def test_the_page_speaks_of_itself_by_name(window: ChatWindow) -> None:
    window.ask("Why?")
    page = window.page
    for widget in (page.title, page.picker, page.composer.field.plain):
        assert widget.accessibleName()
    assert page.conversation.messages[-1].role is Role.ASSISTANT
    window.wait(lambda: page.picker.text().endswith("CPU"))


def test_the_window_is_told_which_conversation_is_shown(window: ChatWindow) -> None:
    told: list[int | None] = []
    window.page.conversation_opened.connect(told.append)
    window.ask("Why?")
    conversation_id = window.page.conversation.id
    window.page.new_conversation()
    assert told == [conversation_id, None]
