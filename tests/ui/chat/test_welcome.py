"""Tests of what a new conversation shows."""

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.chat.look import Look
from app.ui.chat.welcome import Welcome
from app.ui.widgets import Label


def test_nothing_is_squeezed_where_there_is_little_room(qtbot: QtBot, look: Look) -> None:
    page = QWidget()
    welcome = Welcome(page)
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    for height, labels, questions in ((600, 2, 3), (180, 2, 0), (80, 1, 0), (600, 2, 3)):
        welcome.resize(700, height)
        assert len(visible(welcome.findChildren(Label))) == labels
        assert len(visible(welcome.suggestions)) == questions


def visible(widgets: Sequence[QWidget]) -> list[QWidget]:
    return [widget for widget in widgets if widget.isVisible()]
