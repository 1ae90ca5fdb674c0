"""The whole window with a client in memory."""

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.paths import Paths
from app.protocol import (
    Conversation,
    ConversationChanged,
    ConversationRemoved,
    Event,
    Handshake,
    Hello,
    MessagePage,
    ModelEntry,
    Preset,
    SearchHit,
    Status,
)
from app.settings import LanguageChoice, Settings
from app.ui.connection import Connection, ConnectionState
from app.ui.hardware import HardwarePage
from app.ui.models import ModelsPage
from app.ui.places import Place
from app.ui.server.page import ServerPage
from app.ui.settings import SettingsPage
from app.ui.shortcuts import ShortcutsDialog
from app.ui.translate import translations
from app.ui.widgets import Toast
from app.ui.window import Window
from tests.ui.fake_client import FakeClient
from tests.ui.finding import button, child, texts

STATUS = Status(version="1", pid=1, home="", uptime_s=0, clients=1, answering=0)
STARTER = ModelEntry(id="starter", name="Starter", path="/x", size=10**7, quantization="Q8_0", builtin=True)


class NoLaunch:
    """A backend is there at once."""

    def poll(self) -> Handshake | None:
        return Handshake(port=1, token="t", pid=1, version="1", created=0)


class Shown:
    """A window on an in-memory backend, connected and filled."""

    def __init__(self, qtbot: QtBot, client: FakeClient, folder: Path, *conversations: Conversation) -> None:
        self.qtbot, self.client, self.folder = qtbot, client, folder
        client.answers["GET /api/conversations"] = list(conversations)
        client.answers["GET /api/models"] = [STARTER]
        client.answers["GET /api/settings"] = Settings()
        for each in conversations:
            client.answers[f"GET /api/conversations/{each.id}"] = each
            client.answers[f"GET /api/conversations/{each.id}/messages"] = MessagePage(messages=[])
        self.connection = Connection(client, NoLaunch())  # type: ignore[arg-type] # all that is asked of it
        self.window = self.make()
        qtbot.addWidget(self.window)
        self.window.resize(1280, 800)
        self.window.show()
        self.connection.start()
        qtbot.waitUntil(lambda: bool(client.streams))
        self.tell(Hello(client_id="me", status=STATUS))
        qtbot.waitUntil(lambda: self.window.conversations.loaded)

    def make(self) -> Window:
        paths = Paths(data=self.folder, cache=self.folder / "cache", logs=self.folder / "logs")
        geometry = QSettings(str(self.folder / "window.ini"), QSettings.Format.IniFormat)
        return Window(self.client, self.connection, paths, Settings(), geometry)

    def tell(self, event: Event) -> None:
        self.client.streams["/api/events?client=window"].received.emit(event)

    def page(self) -> QWidget:
        page = self.window.pages.currentWidget()
        assert page is not None
        return page

    def press(self, keys: str) -> None:
        QTest.keySequence(self.window, QKeySequence(keys))


def conversation(number: int, title: str) -> Conversation:
    return Conversation(id=number, title=title, created=0, updated=time.time() - number)


@pytest.fixture
def shown(qtbot: QtBot, client: FakeClient, tmp_path: Path) -> Shown:
    return Shown(qtbot, client, tmp_path, conversation(1, "First"), conversation(2, "Second"))


def test_it_fills_when_the_backend_answers(shown: Shown) -> None:
    assert shown.connection.state is ConnectionState.CONNECTED
    assert shown.client.client_id == "me"
    model = shown.window.sidebar.conversations.model()
    shown.qtbot.waitUntil(lambda: model.rowCount() == 3)
    assert [each.name for each in shown.window.library.entries] == ["Starter"]


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        (Place.MODELS, ModelsPage),
        (Place.COMPUTER, HardwarePage),
        (Place.SERVER, ServerPage),
        (Place.SETTINGS, SettingsPage),
    ],
)
def test_every_page_opens_from_the_sidebar_and_is_made_once(shown: Shown, place: Place, kind: type[QWidget]) -> None:
    shown.window.sidebar.navigation.chosen.emit(place)
    page = shown.page()
    assert isinstance(page, kind)
    shown.window.show_place(Place.CHAT)
    assert shown.page() is shown.window.chat
    shown.window.show_place(place)
    assert shown.page() is page


def test_a_conversation_opens_with_its_title(shown: Shown) -> None:
    shown.window.show_place(Place.MODELS)
    shown.window.sidebar.conversation_chosen.emit(2)
    assert shown.page() is shown.window.chat
    shown.qtbot.waitUntil(lambda: shown.window.windowTitle().startswith("Second"))
    assert shown.window.sidebar.conversations.currentIndex().data() == "Second"
    shown.window.begin_conversation()
    assert shown.window.windowTitle() == "Alcove"
    assert not shown.window.sidebar.conversations.selectedIndexes()


def test_a_hit_opens_its_conversation(shown: Shown) -> None:
    shown.window.sidebar.hit_chosen.emit(SearchHit(conversation_id=1, title="First", snippet="", created=0))
    shown.qtbot.waitUntil(lambda: shown.window.windowTitle().startswith("First"))


def test_deleting_the_open_conversation_leaves_a_new_one(shown: Shown) -> None:
    shown.window.open_conversation(1)
    shown.qtbot.waitUntil(lambda: shown.window.windowTitle().startswith("First"))
    shown.tell(ConversationRemoved(conversation_id=1))
    shown.qtbot.waitUntil(lambda: shown.window.windowTitle() == "Alcove")


def test_a_new_title_reaches_list_and_window(shown: Shown) -> None:
    shown.window.open_conversation(1)
    shown.qtbot.waitUntil(lambda: shown.window.windowTitle().startswith("First"))
    shown.tell(ConversationChanged(conversation=conversation(1, "Renamed")))
    shown.qtbot.waitUntil(lambda: shown.window.windowTitle().startswith("Renamed"))


# ---------------------------------------------------------------- keys


def test_keys_of_the_window(shown: Shown) -> None:
    window = shown.window
    window.activateWindow()
    shown.qtbot.waitUntil(window.isActiveWindow)
    shown.press("Ctrl+,")
    assert isinstance(shown.page(), SettingsPage)
    shown.press("Ctrl+N")
    assert shown.page() is window.chat
    shown.press("Ctrl+K")
    assert window.sidebar.field.hasFocus()
    shown.press("Ctrl+B")
    assert not window.sidebar.isVisible()
    assert window.rail.isVisible()
    shown.press("Ctrl+K")
    assert window.sidebar.isVisible()
    shown.press("F1")
    dialog = child(window, ShortcutsDialog)
    for keys, words in dialog.entries():
        assert QKeySequence(keys).toString()
        assert words in texts(dialog)
    dialog.accept()


def test_composer_has_the_keyboard_at_start(shown: Shown) -> None:
    shown.window.activateWindow()
    shown.qtbot.waitUntil(shown.window.isActiveWindow)
    focused = QApplication.focusWidget()
    assert focused is not None
    assert shown.window.chat.composer.isAncestorOf(focused)


def test_a_hidden_sidebar_leaves_the_keyboard_to_the_page(shown: Shown) -> None:
    window = shown.window
    window.activateWindow()
    shown.qtbot.waitUntil(window.isActiveWindow)
    window.side.search()
    window.side.toggle()
    assert window.chat.composer.isAncestorOf(window.focusWidget())
    window.side.search()
    window.resize(window.minimumSize())
    assert not window.sidebar.isVisible()
    assert window.chat.composer.isAncestorOf(window.focusWidget())


def test_the_keys_fit_the_screen_at_any_text_size(shown: Shown) -> None:
    shown.window.preferences.change(text_size=200)
    shown.press("F1")
    dialog = child(shown.window, ShortcutsDialog)
    assert dialog.height() <= dialog.screen().availableGeometry().height()
    dialog.accept()


# ---------------------------------------------------------------- sizes


def test_a_narrow_window_folds_the_sidebar_and_gives_it_back(shown: Shown) -> None:
    window = shown.window
    assert window.sidebar.isVisible()
    window.resize(800, 600)
    assert not window.sidebar.isVisible()
    assert window.rail.isVisible()
    window.rail.show_asked.emit()
    assert window.sidebar.isVisible()
    window.sidebar.place_chosen.emit(Place.MODELS)
    assert not window.sidebar.isVisible()  # chosen: the page needs the room
    window.resize(1280, 800)
    assert window.sidebar.isVisible()


@pytest.mark.parametrize("size", [(800, 600), (1280, 800)])
@pytest.mark.parametrize("language", [LanguageChoice.ENGLISH, LanguageChoice.CHINESE])
def test_every_page_fits(shown: Shown, size: tuple[int, int], language: LanguageChoice, qapp: QApplication) -> None:
    translations().use(language)
    shown.window.resize(*size)
    for place in Place:
        shown.window.show_place(place)
        qapp.processEvents()
        assert (shown.window.width(), shown.window.height()) == size
        for label in shown.page().findChildren(QPushButton):
            if label.isVisible() and label.text():
                assert label.width() >= label.fontMetrics().horizontalAdvance(label.text()), label.text()


def test_the_panel_is_remembered(shown: Shown) -> None:
    shown.press("Ctrl+Shift+P")
    assert shown.window.chat.side.shown
    shown.window.close()
    again = shown.make()
    shown.qtbot.addWidget(again)
    again.resize(1280, 800)
    again.show()
    assert again.chat.side.shown


def test_presets_are_settings(shown: Shown) -> None:
    preset = Preset(name="Calm", system_prompt="Be calm.")
    shown.client.answers["PATCH /api/settings"] = Settings(presets=(preset,))
    shown.window.chat.side.show(True)
    panel = shown.window.chat.side.panel
    assert panel is not None
    shown.window.chat.answers.set_system_prompt("Be calm.")
    panel.presets.save_as("Calm")
    assert shown.client.asked("PATCH", "/api/settings") == [
        {"presets": [{"name": "Calm", "system_prompt": "Be calm.", "options": {}}]}
    ]
    shown.qtbot.waitUntil(lambda: shown.window.preferences.settings.presets == (preset,))
    assert panel.presets.choice.currentText() == "Calm"


def test_geometry_and_sidebar_are_remembered(shown: Shown) -> None:
    shown.window.side.toggle()
    shown.window.resize(760, 560)  # the screen of the offscreen platform is 800 x 800
    shown.window.close()
    assert shown.connection.state is ConnectionState.IDLE
    again = shown.make()
    shown.qtbot.addWidget(again)
    again.show()
    assert (again.width(), again.height()) == (760, 560)
    again.resize(1280, 800)
    assert not again.sidebar.isVisible()


# ---------------------------------------------------------------- faults


def test_a_lost_backend_is_told_until_it_is_back(shown: Shown) -> None:
    window = shown.window
    shown.client.streams["/api/events?client=window"].failed.emit(AppError("backend_gone"))
    assert window.banner.isVisible()
    assert "starting its background process again" in texts(window.banner)
    shown.qtbot.waitUntil(lambda: shown.connection.state is ConnectionState.GREETING)
    shown.tell(Hello(client_id="again", status=STATUS))
    assert not window.banner.isVisible()
    assert shown.client.client_id == "again"


def test_a_backend_that_cannot_start_is_explained_with_a_way_out(shown: Shown) -> None:
    shown.connection.failed.emit(AppError("database_newer", path="/x/alcove.db"))
    assert "newer" in texts(shown.window.banner)
    retried: list[bool] = []
    shown.window.banner.retry_asked.connect(lambda: retried.append(True))
    button(shown.window.banner, "Try again").click()
    assert retried == [True]
    assert not shown.window.banner.isVisible()


def test_an_error_nobody_expected_is_told_in_words(shown: Shown) -> None:
    shown.client.failed.emit(AppError("disk_full", folder="/x"))
    toast = child(shown.window, Toast)
    assert "The disk is full" in texts(toast)
    assert "disk_full" not in texts(toast)


def test_it_comes_forward(shown: Shown) -> None:
    shown.window.setWindowState(Qt.WindowState.WindowMinimized)
    shown.window.come_forward()
    assert not shown.window.isMinimized()
    assert shown.window.isVisible()


def test_it_speaks_chinese_without_a_restart(shown: Shown, qapp: QApplication) -> None:
    for place in Place:
        shown.window.show_place(place)
    translations().use(LanguageChoice.CHINESE)
    qapp.processEvents()
    assert shown.window.sidebar.new_button.text() == "新对话"
    assert shown.window.sidebar.field.placeholderText() == "搜索"
    assert [page.title.text() for page in shown.window.pages.findChildren(SettingsPage)] == ["设置"]
    assert not shown.window.findChildren(QDialog)
