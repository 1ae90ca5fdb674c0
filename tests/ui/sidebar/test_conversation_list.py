import time

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QInputDialog, QLineEdit, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from app.protocol import Conversation, ConversationChanged
from app.settings import LanguageChoice
from app.ui.conversations import Conversations
from app.ui.sidebar.conversation_list import ConversationList
from app.ui.translate import translations
from app.ui.widgets import Toast
from tests.ui.fake_client import FakeClient
from tests.ui.finding import child


class Shown:
    def __init__(self, qtbot: QtBot, client: FakeClient) -> None:
        self.qtbot, self.client = qtbot, client
        self.conversations = Conversations(client)
        self.view = ConversationList(self.conversations)
        qtbot.addWidget(self.view)
        self.view.resize(260, 400)
        self.view.show()

    def put(self, *conversations: Conversation) -> None:
        for each in conversations:
            self.client.answers[f"PATCH /api/conversations/{each.id}"] = each
            self.client.answers[f"DELETE /api/conversations/{each.id}"] = each
            self.client.answers[f"POST /api/conversations/{each.id}/restore"] = each
            self.conversations.take_event(ConversationChanged(conversation=each))
        with self.qtbot.waitSignal(self.conversations.changed):
            pass

    def texts(self) -> list[str]:
        model = self.view.model()
        return [str(model.index(row, 0).data()) for row in range(model.rowCount())]

    def centre(self, row: int) -> QPoint:
        return self.view.visualRect(self.view.model().index(row, 0)).center()


def conversation(number: int, title: str, *, pinned: bool = False, folder: str = "") -> Conversation:
    return Conversation(id=number, title=title, created=0, updated=time.time() - number, pinned=pinned, folder=folder)


@pytest.fixture
def shown(qtbot: QtBot, client: FakeClient) -> Shown:
    return Shown(qtbot, client)


def action(menu: QMenu, text: str) -> QAction:
    return next(each for each in menu.actions() if each.text() == text)


def test_rows_stand_in_their_groups(shown: Shown) -> None:
    shown.put(conversation(1, "One"), conversation(2, "Two", pinned=True), conversation(3, "Three", folder="Work"))
    assert shown.texts() == ["Pinned", "Two", "Work", "Three", "Today", "One"]


def test_a_conversation_without_a_title_has_a_name(shown: Shown) -> None:
    shown.put(conversation(1, ""))
    assert shown.texts() == ["Today", "New conversation"]


def test_a_click_chooses_and_a_heading_does_not(shown: Shown, qtbot: QtBot) -> None:
    shown.put(conversation(1, "One"))
    chosen: list[int] = []
    shown.view.chosen.connect(chosen.append)
    left = Qt.MouseButton.LeftButton
    QTest.mouseClick(shown.view.viewport(), left, pos=shown.centre(0))
    assert chosen == []
    QTest.mouseClick(shown.view.viewport(), left, pos=shown.centre(1))
    assert chosen[:1] == [1]


def test_keys_move_over_headings_and_choose(shown: Shown, qtbot: QtBot) -> None:
    shown.put(conversation(1, "One", pinned=True), conversation(2, "Two"))
    shown.view.setFocus()
    shown.view.show_current(1)
    QTest.keyClick(shown.view, Qt.Key.Key_Down)
    with qtbot.waitSignal(shown.view.chosen) as chosen:
        QTest.keyClick(shown.view, Qt.Key.Key_Return)
    assert chosen.args == [2]


def test_the_open_one_stays_marked_when_rows_move(shown: Shown) -> None:
    shown.put(conversation(1, "One"), conversation(2, "Two"))
    shown.view.show_current(2)
    shown.put(conversation(3, "Three", pinned=True))
    assert shown.view.currentIndex().data() == "Two"
    assert [index.data() for index in shown.view.selectedIndexes()] == ["Two"]
    shown.view.show_current(None)
    assert shown.view.selectedIndexes() == []


def test_only_another_order_resets_the_list(shown: Shown, qtbot: QtBot) -> None:
    shown.put(conversation(1, "One"))
    resets: list[bool] = []
    shown.view.model().modelReset.connect(lambda: resets.append(True))
    shown.put(conversation(1, "Renamed"))
    assert shown.texts() == ["Today", "Renamed"]
    assert resets == []


def test_rename_in_place(shown: Shown, qtbot: QtBot) -> None:
    shown.put(conversation(1, "One"))
    shown.view.rename(1)
    editor = child(shown.view, QLineEdit)
    assert editor.text() == "One"
    assert editor.accessibleName() == "Title"
    editor.setText("  Another  ")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: shown.client.asked("PATCH", "/api/conversations/1") == [{"title": "Another"}])


def test_an_empty_title_is_no_rename(shown: Shown, qtbot: QtBot) -> None:
    shown.put(conversation(1, "One"))
    shown.view.rename(1)
    editor = child(shown.view, QLineEdit)
    editor.setText(" ")
    with qtbot.waitSignal(editor.destroyed):
        QTest.keyClick(editor, Qt.Key.Key_Return)
    assert shown.client.asked("PATCH", "/api/conversations/1") == []


def test_delete_key_with_undo(shown: Shown, qtbot: QtBot) -> None:
    shown.put(conversation(1, "One"), conversation(2, "Two"))
    shown.view.show_current(1)
    with qtbot.waitSignal(shown.conversations.removed):
        QTest.keyClick(shown.view, Qt.Key.Key_Delete)
    toast = shown.view.window().findChild(Toast)
    assert toast is not None
    assert toast.isVisible()
    child(toast, QPushButton).click()
    qtbot.waitUntil(lambda: shown.conversations.get(1) is not None)
    assert not toast.isVisible()


def test_the_menu_pins_and_unpins(shown: Shown) -> None:
    shown.put(conversation(1, "One"), conversation(2, "Two", pinned=True))
    action(shown.view.menu_for(conversation(1, "One")), "Pin").trigger()
    action(shown.view.menu_for(conversation(2, "Two", pinned=True)), "Unpin").trigger()
    assert shown.client.asked("PATCH", "/api/conversations/1") == [{"pinned": True}]
    assert shown.client.asked("PATCH", "/api/conversations/2") == [{"pinned": False}]


def test_the_menu_moves_between_folders(shown: Shown, qtbot: QtBot) -> None:
    shown.put(conversation(1, "One", folder="Work"), conversation(2, "Two"))
    folders = action(shown.view.menu_for(conversation(2, "Two")), "Move to folder").menu()
    assert isinstance(folders, QMenu)
    action(folders, "Work").trigger()
    assert shown.client.asked("PATCH", "/api/conversations/2") == [{"folder": "Work"}]
    assert "Take out of folder" not in [each.text() for each in folders.actions()]
    own = action(shown.view.menu_for(conversation(1, "One", folder="Work")), "Move to folder").menu()
    assert isinstance(own, QMenu)
    action(own, "Take out of folder").trigger()
    assert shown.client.asked("PATCH", "/api/conversations/1") == [{"folder": ""}]


def test_a_new_folder_is_asked_for(shown: Shown, qtbot: QtBot) -> None:
    shown.put(conversation(1, "One"))
    folders = action(shown.view.menu_for(conversation(1, "One")), "Move to folder").menu()
    assert isinstance(folders, QMenu)
    action(folders, "New folder…").trigger()
    dialog = child(shown.view, QInputDialog)
    dialog.setTextValue(" Trips ")
    dialog.accept()
    assert shown.client.asked("PATCH", "/api/conversations/1") == [{"folder": "Trips"}]


def test_the_menu_key_opens_the_menu(shown: Shown, qtbot: QtBot, qapp: QApplication) -> None:
    shown.put(conversation(1, "One"))
    shown.view.show_current(1)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(0, 0), QPoint(0, 0))
    qapp.sendEvent(shown.view.viewport(), event)
    menu = shown.view.findChild(QMenu)
    assert menu is not None
    assert menu.isVisible()
    menu.close()


def test_headings_follow_the_language(shown: Shown, qtbot: QtBot, qapp: QApplication) -> None:
    shown.put(conversation(1, "One", pinned=True))
    translations().use(LanguageChoice.CHINESE)
    qapp.processEvents()
    assert shown.texts() == ["置顶", "One"]


def test_thousands_of_conversations_are_listed(shown: Shown) -> None:
    shown.put(*(conversation(number, f"Number {number}") for number in range(3000)))
    assert len(shown.texts()) >= 3000
    assert shown.view.grab().width() == 260
