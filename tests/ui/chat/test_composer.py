"""Tests of the composer: keys, input methods, enormous pastes, drafts, and its one button."""

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.ui.chat.composer import SHARE, Composer
from app.ui.chat.look import Look
from app.ui.chat.message_field import is_unwieldy
from app.ui.chat.pictures import Pictures
from tests.ui.chat.conftest import PATIENCE_MS
from tests.ui.fake_client import FakeClient


@pytest.fixture
def composer(qtbot: QtBot, look: Look, client: FakeClient) -> Composer:
    """A composer that may send, in a page 600 high."""
    made = Composer(Pictures(client))
    qtbot.addWidget(made)
    made.resize(700, 200)
    made.set_room(600)
    with qtbot.waitExposed(made):
        made.show()
    return made


def sent(composer: Composer) -> list[tuple[str, bool]]:
    """What is sent from now on."""
    texts: list[tuple[str, bool]] = []
    composer.sent.connect(lambda text, thinking, _images: texts.append((text, thinking)))
    return texts


def paste(composer: Composer, text: str) -> None:
    data = QMimeData()
    data.setText(text)
    composer.field.plain.insertFromMimeData(data)


def compose(composer: Composer, preedit: str, commit: str = "") -> None:
    """What an input method does: show what is being composed, or commit it."""
    event = QInputMethodEvent(preedit, [])
    if commit:
        event.setCommitString(commit)
    QApplication.sendEvent(composer.field.plain, event)


def test_enter_sends_and_empties(composer: Composer) -> None:
    texts = sent(composer)
    QTest.keyClicks(composer.field.plain, "Why")
    QTest.keyClick(composer.field.plain, Qt.Key.Key_Return)
    assert texts == [("Why", False)]
    assert composer.field.is_empty()


def test_shift_enter_breaks_the_line(composer: Composer) -> None:
    texts = sent(composer)
    QTest.keyClicks(composer.field.plain, "a")
    QTest.keyClick(composer.field.plain, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(composer.field.plain, "b")
    assert texts == []
    QTest.keyClick(composer.field.plain, Qt.Key.Key_Enter)
    assert texts == [("a\nb", False)]


def test_white_space_alone_is_not_sent(composer: Composer) -> None:
    texts = sent(composer)
    QTest.keyClicks(composer.field.plain, "   ")
    QTest.keyClick(composer.field.plain, Qt.Key.Key_Return)
    assert texts == []


def test_enter_while_chinese_is_composed_never_sends(composer: Composer) -> None:
    texts = sent(composer)
    compose(composer, "liang")
    QTest.keyClick(composer.field.plain, Qt.Key.Key_Return)
    assert texts == []
    compose(composer, "", "量化")
    assert composer.field.text() == "量化"
    QTest.keyClick(composer.field.plain, Qt.Key.Key_Return)
    assert texts == [("量化", False)]


def test_escape_stops_only_an_answer(composer: Composer) -> None:
    stops: list[bool] = []
    composer.stopped.connect(lambda: stops.append(True))
    QTest.keyClick(composer.field.plain, Qt.Key.Key_Escape)
    assert stops == []
    composer.set_state(answering=True, sendable=False)
    QTest.keyClick(composer.field.plain, Qt.Key.Key_Escape)
    assert stops == [True]


def test_the_button_sends_or_stops(composer: Composer) -> None:
    texts, stops = sent(composer), []
    composer.stopped.connect(lambda: stops.append(True))
    assert composer.send_button.text() == "Send"
    assert not composer.send_button.isEnabled()
    composer.field.set_text("Why")
    composer.send_button.click()
    composer.set_state(answering=True, sendable=False)
    assert composer.send_button.text() == "Stop"
    composer.send_button.click()
    assert texts == [("Why", False)]
    assert stops == [True]


def test_the_keyboard_stays_in_the_field_after_the_button(qtbot: QtBot, composer: Composer) -> None:
    composer.activateWindow()
    qtbot.waitUntil(composer.isActiveWindow)
    composer.set_state(answering=True, sendable=True)
    composer.send_button.setFocus()
    composer.send_button.click()
    composer.set_state(answering=False, sendable=True)
    assert composer.field.plain.hasFocus()


def test_nothing_is_sent_while_an_answer_is_written(composer: Composer) -> None:
    texts = sent(composer)
    composer.set_state(answering=True, sendable=False)
    composer.field.set_text("More")
    QTest.keyClick(composer.field.plain, Qt.Key.Key_Return)
    assert texts == []
    assert composer.field.text() == "More"


def test_thinking_is_asked_for_where_the_model_can(composer: Composer) -> None:
    texts = sent(composer)
    composer.set_thinking(True)
    composer.think_button.setChecked(True)
    composer.field.set_text("Why")
    composer.send_button.click()
    composer.set_thinking(False)
    composer.field.set_text("Why")
    composer.send_button.click()
    assert texts == [("Why", True), ("Why", False)]


def test_it_grows_with_the_text_up_to_its_share(qtbot: QtBot, composer: Composer) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    column = QVBoxLayout(holder)
    column.addStretch()
    column.addWidget(composer)
    holder.resize(700, 600)
    with qtbot.waitExposed(holder):
        holder.show()
    heights = [composer.height()]
    for lines in (2, 4, 200):
        composer.field.set_text("a\n" * lines)
        qtbot.waitUntil(lambda: composer.height() > heights[-1], timeout=PATIENCE_MS)
        heights.append(composer.height())
    assert heights[-1] <= 600 * SHARE + 1
    composer.field.set_text("")
    qtbot.waitUntil(lambda: composer.height() == heights[0], timeout=PATIENCE_MS)
    composer.setParent(None)


def test_every_conversation_keeps_its_draft(composer: Composer) -> None:
    composer.field.set_text("for a new one")
    composer.set_conversation(1)
    assert composer.field.is_empty()
    composer.field.set_text("for the first")
    composer.set_conversation(2)
    composer.set_conversation(1)
    assert composer.field.text() == "for the first"
    composer.set_conversation(None)
    assert composer.field.text() == "for a new one"


def test_what_is_typed_on_goes_with_the_conversation_that_was_just_stored(composer: Composer) -> None:
    composer.field.set_text("typed meanwhile")
    composer.adopt(7)
    assert composer.field.text() == "typed meanwhile"
    composer.set_conversation(None)
    assert composer.field.is_empty()
    composer.set_conversation(7)
    assert composer.field.text() == "typed meanwhile"


@pytest.mark.parametrize("text", ["word and more " * 14_300, "x" * 200_000, "量化让模型变小" * 28_000], ids=len)
def test_a_paste_of_one_enormous_line_is_put_aside_whole(composer: Composer, text: str) -> None:
    texts = sent(composer)
    composer.field.set_text("Sum this up:")
    paste(composer, text)
    assert composer.field.plain.toPlainText() == "Sum this up:"
    assert composer.field._aside_label.text() == f"Pasted text, {len(text):,} characters"
    assert composer.field._aside_row.isVisible()
    composer.send_button.click()
    assert texts == [(f"Sum this up:\n\n{text.strip()}", False)]
    assert not composer.field._aside_row.isVisible()


def test_a_paste_of_many_lines_stays_editable_and_is_counted(composer: Composer) -> None:
    text = "a line of seventy characters that stands for many others of its kind\n" * 2_900
    paste(composer, text)
    assert composer.field.plain.toPlainText() == text
    assert composer._count.text() == f"{len(text):,} characters"
    assert composer._count.isVisible()


def test_pasted_text_can_be_removed_again(composer: Composer) -> None:
    paste(composer, "x" * 200_000)
    composer.field._remove.click()
    assert composer.field.is_empty()
    assert not composer.send_button.isEnabled()


def test_what_was_put_aside_is_part_of_the_draft(composer: Composer) -> None:
    paste(composer, "x" * 200_000)
    composer.set_conversation(1)
    composer.set_conversation(None)
    assert composer.field.text() == "x" * 200_000


def test_only_plain_text_is_pasted(composer: Composer) -> None:
    data = QMimeData()
    data.setText("plain")
    data.setHtml("<b>rich</b>")
    composer.field.plain.insertFromMimeData(data)
    assert composer.field.text() == "plain"


def test_unwieldy_is_what_has_a_very_long_line() -> None:
    assert is_unwieldy("x" * 5_000)
    assert not is_unwieldy("x\n" * 5_000)
    assert not is_unwieldy("x")


def test_up_in_an_empty_field_recalls_the_last_question(composer: Composer) -> None:
    recalled: list[bool] = []
    composer.recalled.connect(lambda: recalled.append(True))
    QTest.keyClick(composer.field.plain, Qt.Key.Key_Up)
    composer.field.set_text("a\nb")
    QTest.keyClick(composer.field.plain, Qt.Key.Key_Up)
    assert recalled == [True]


def test_page_keys_belong_to_the_transcript(composer: Composer) -> None:
    pages: list[int] = []
    composer.paged.connect(pages.append)
    QTest.keyClick(composer.field.plain, Qt.Key.Key_PageUp)
    QTest.keyClick(composer.field.plain, Qt.Key.Key_PageDown)
    assert pages == [-1, 1]


def test_the_context_is_shown_where_it_is_known(composer: Composer) -> None:
    assert not composer.meter.isVisible()
    composer.meter.show_use(1_204, 8_192)
    assert composer.meter.label.text() == "1,204 of 8,192"
    assert composer.meter.ring.accessibleName() == "Context used: 1,204 of 8,192 tokens"
    composer.meter.show_use(None, None)
    assert not composer.meter.isVisible()


def test_every_control_has_a_name_and_tab_goes_through_them(composer: Composer) -> None:
    composer.set_thinking(True)
    composer.field.set_text("Why")
    assert composer.field.plain.accessibleName() == "Message"
    composer.activateWindow()
    composer.focus()
    visited = []
    for _ in range(3):
        focused = QApplication.focusWidget()
        assert focused is not None
        visited.append(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    assert visited == [composer.field.plain, composer.think_button, composer.send_button]
