"""Tests of the title at the top, and of what a new conversation shows."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.settings import LanguageChoice
from app.ui.chat.look import Look
from app.ui.chat.title_field import TitleField
from app.ui.chat.welcome import Welcome
from app.ui.translate import translations
from tests.ui.chat.conftest import PATIENCE_MS


@pytest.fixture
def title(qtbot: QtBot, look: Look) -> Iterator[TitleField]:
    """A title in a window, with something else that can take the keyboard."""
    holder = QWidget()
    qtbot.addWidget(holder)
    column = QVBoxLayout(holder)
    made = TitleField()
    made.set_title("Old", stored=True)
    column.addWidget(made)
    with qtbot.waitExposed(holder):
        holder.show()
    holder.activateWindow()
    made.setFocus()
    qtbot.waitUntil(made.hasFocus, timeout=PATIENCE_MS)
    yield made
    holder.close()


def type_over(title: TitleField, text: str) -> None:
    title.selectAll()
    QTest.keyClicks(title, text)


def test_enter_renames(qtbot: QtBot, title: TitleField) -> None:
    type_over(title, " New ")
    with qtbot.waitSignal(title.renamed) as renamed:
        QTest.keyClick(title, Qt.Key.Key_Return)
    assert renamed.args == ["New"]


def test_escape_puts_the_old_title_back(qtbot: QtBot, title: TitleField) -> None:
    renamed: list[str] = []
    title.renamed.connect(renamed.append)
    type_over(title, "New")
    QTest.keyClick(title, Qt.Key.Key_Escape)
    assert title.text() == "Old"
    assert renamed == []


@pytest.mark.parametrize("text", ["Old", "   "])
def test_nothing_or_the_same_renames_nothing(title: TitleField, text: str) -> None:
    renamed: list[str] = []
    title.renamed.connect(renamed.append)
    type_over(title, text)
    QTest.keyClick(title, Qt.Key.Key_Return)
    assert renamed == []


def test_a_title_being_typed_is_not_overwritten(title: TitleField) -> None:
    type_over(title, "Half a ti")
    title.set_title("From elsewhere", stored=True)
    assert title.text() == "Half a ti"


def test_a_title_that_only_has_the_keyboard_is_brought_up_to_date(title: TitleField) -> None:
    title.set_title("From elsewhere", stored=True)
    assert title.text() == "From elsewhere"


def test_a_conversation_that_is_not_stored_cannot_be_named(title: TitleField) -> None:
    title.set_title("", stored=False)
    assert not title.isEnabled()
    assert title.placeholderText() == "New conversation"


def test_the_welcome_asks_what_it_says_in_every_language(qtbot: QtBot, look: Look) -> None:
    welcome = Welcome()
    qtbot.addWidget(welcome)
    english = [chip.text() for chip in welcome.suggestions]
    translations().use(LanguageChoice.CHINESE)
    qtbot.waitUntil(lambda: welcome.suggestions[0].text() != english[0], timeout=PATIENCE_MS)
    for chip in welcome.suggestions:
        with qtbot.waitSignal(welcome.asked) as asked:
            chip.click()
        assert asked.args == [chip.text()]
    assert len({chip.text() for chip in welcome.suggestions} | set(english)) == 6
