from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QFileDialog, QTextBrowser
from pytestqt.qtbot import QtBot

from app import __version__
from app.errors import AppError
from app.paths import Paths
from app.protocol import SettingsChanged
from app.settings import Accent, LanguageChoice, Settings, Theme, change_settings
from app.ui.preferences import Preferences
from app.ui.settings import SettingsPage
from app.ui.settings.about import licence_text
from app.ui.theme import theme_source
from app.ui.translate import language
from app.ui.widgets import ErrorCard
from tests.ui.fake_client import FakeClient, Request
from tests.ui.finding import child, named, texts


class Backend:
    """Keeps settings as the real one does."""

    def __init__(self, client: FakeClient) -> None:
        self.settings = Settings()
        client.answers["PATCH /api/settings"] = self.patch
        client.answers["GET /api/settings"] = lambda _: self.settings

    def patch(self, request: Request) -> Settings | AppError:
        import msgspec  # noqa: PLC0415

        try:
            self.settings = change_settings(self.settings, msgspec.json.encode(request.body))
        except AppError as error:
            return error
        return self.settings


@pytest.fixture
def backend(client: FakeClient) -> Backend:
    return Backend(client)


@pytest.fixture
def preferences(client: FakeClient, backend: Backend) -> Preferences:
    return Preferences(client, Settings())


@pytest.fixture
def page(qtbot: QtBot, preferences: Preferences, tmp_path: Path) -> SettingsPage:
    paths = Paths(data=tmp_path, cache=tmp_path / "cache", logs=tmp_path / "logs")
    page = SettingsPage(preferences, paths)
    qtbot.addWidget(page)
    page.resize(800, 600)
    page.show()
    return page


def test_the_language_applies_at_once(page: SettingsPage, qtbot: QtBot, qapp: QApplication, backend: Backend) -> None:
    page.language.picked.emit(LanguageChoice.CHINESE)
    qtbot.waitUntil(lambda: language() == "zh")
    qapp.processEvents()
    assert backend.settings.language is LanguageChoice.CHINESE
    assert page.title.text() == "设置"
    assert page.theme.itemText(0) == "跟随系统"
    assert page.language.currentData() == LanguageChoice.CHINESE


def test_the_theme_applies_at_once(page: SettingsPage, qtbot: QtBot, backend: Backend) -> None:
    page.theme.picked.emit(Theme.DARK)
    qtbot.waitUntil(lambda: theme_source().theme.dark)
    assert backend.settings.theme is Theme.DARK


def test_the_accent_applies_at_once(page: SettingsPage, qtbot: QtBot) -> None:
    before = theme_source().theme.colours.accent
    named(page, "Violet").click()
    qtbot.waitUntil(lambda: theme_source().theme.colours.accent != before)
    assert theme_source().settings.accent is Accent.VIOLET


def test_the_text_size_applies_at_once(page: SettingsPage, qtbot: QtBot) -> None:
    page.text_size.picked.emit(150)
    qtbot.waitUntil(lambda: theme_source().settings.text_size == 150)


def test_a_text_size_between_the_steps_is_shown(
    page: SettingsPage, preferences: Preferences, backend: Backend, qtbot: QtBot
) -> None:
    backend.settings = Settings(text_size=115)
    with qtbot.waitSignal(preferences.changed):
        preferences.take_event(SettingsChanged())
    assert page.text_size.currentText() == "115 %"


def test_a_change_by_another_client_arrives(
    page: SettingsPage, preferences: Preferences, backend: Backend, qtbot: QtBot
) -> None:
    backend.settings = Settings(theme=Theme.CONTRAST)
    preferences.take_event(SettingsChanged())
    qtbot.waitUntil(lambda: page.theme.currentData() == Theme.CONTRAST)


def test_a_refused_change_is_told_and_undone_on_the_page(page: SettingsPage, qtbot: QtBot) -> None:
    page.text_size.addItem("900 %", 900)
    page.text_size.set_value(900)
    page.text_size.picked.emit(900)
    qtbot.waitUntil(lambda: page.findChild(ErrorCard) is not None)
    assert page.text_size.currentData() == 100


def test_the_model_folder_is_chosen_and_reset(
    page: SettingsPage, qtbot: QtBot, backend: Backend, tmp_path: Path
) -> None:
    assert str(tmp_path / "models") in texts(page)
    named(page, "Choose the model folder").click()
    dialog = child(page, QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "elsewhere"))
    dialog.reject()
    qtbot.waitUntil(lambda: backend.settings.model_folder == str(tmp_path / "elsewhere"))
    qtbot.waitUntil(lambda: page.folder() == tmp_path / "elsewhere")
    named(page, "Reset the model folder").click()
    qtbot.waitUntil(lambda: page.folder() == tmp_path / "models")
    assert not named(page, "Reset the model folder").isVisibleTo(page)


def test_folders_open(page: SettingsPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    named(page, "Open the log folder").click()
    named(page, "Open the model folder").click()
    assert [url.toLocalFile() for url in opened] == [str(tmp_path / "logs"), str(tmp_path / "models")]


def test_about_says_version_data_and_licences(page: SettingsPage, tmp_path: Path) -> None:
    assert f"Alcove {__version__}" in texts(page)
    assert str(tmp_path) in texts(page)
    named(page, "Show licences").click()
    browser = child(page, QTextBrowser)
    for part in ("SIL OPEN FONT LICENSE", "ISC License", "llama.cpp", "LGPL"):
        assert part in browser.toPlainText()


def test_every_shipped_font_and_icon_set_has_its_licence() -> None:
    text = licence_text()
    assert "Inter" in text
    assert "JetBrains Mono" in text
    assert "Lucide" in text
