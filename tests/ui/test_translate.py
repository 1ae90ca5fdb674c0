import pytest
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QLabel
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.settings import LanguageChoice
from app.ui.translate import Retranslated, language, translations, words_of
from app.ui.widgets import ErrorCard


class Speaking(Retranslated, QLabel):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def retranslate(self) -> None:
        self.said.append(language())


def test_a_switch_reaches_every_widget_while_it_runs(qtbot: QtBot, qapp: QApplication) -> None:
    widget = Speaking()
    qtbot.addWidget(widget)
    translations().use(LanguageChoice.CHINESE)
    qapp.processEvents()
    assert widget.said[-1] == "zh"
    translations().use(LanguageChoice.ENGLISH)
    qapp.processEvents()
    assert widget.said[-1] == "en"


def test_the_same_language_again_disturbs_nobody(qtbot: QtBot, qapp: QApplication) -> None:
    widget = Speaking()
    qtbot.addWidget(widget)
    translations().use(LanguageChoice.ENGLISH)
    qapp.processEvents()
    assert widget.said == []


def test_qts_own_words_follow(qtbot: QtBot, qapp: QApplication) -> None:
    translations().use(LanguageChoice.CHINESE)
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
    qtbot.addWidget(box)
    assert "取消" in box.button(QDialogButtonBox.StandardButton.Cancel).text()
    assert QLocale().language() is QLocale.Language.Chinese


def test_system_follows_the_environment(monkeypatch: pytest.MonkeyPatch, qapp: QApplication) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    translations().use(LanguageChoice.SYSTEM)
    assert language() == "zh"
    monkeypatch.setenv("LC_ALL", "C")
    translations().use(LanguageChoice.SYSTEM)
    assert language() == "en"


def test_errors_speak_the_language_of_the_window(qtbot: QtBot, qapp: QApplication) -> None:
    error = AppError("disk_full", folder="/x")
    card = ErrorCard(error)
    qtbot.addWidget(card)
    english = card.accessibleName()
    translations().use(LanguageChoice.CHINESE)
    qapp.processEvents()
    assert card.accessibleName() != english
    assert card.accessibleName() == words_of(error).title
