"""The window with a real backend process and its fake engine: a person's first minutes, and what survives a kill."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.launch import Launch, process_start, read_handshake
from app.paths import Paths
from app.protocol import Message, MessageState
from app.settings import Settings
from app.ui.client import Client
from app.ui.connection import Connection, ConnectionState
from app.ui.window import Window
from tests.conftest import add_model
from tests.processes import ROOT, until

PATIENCE_MS = 30_000


@pytest.fixture
def window(qtbot: QtBot, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    monkeypatch.setenv("ALCOVE_FAKE_ENGINE", "60:600")
    add_model(home)
    client = Client()
    connection = Connection(client, Launch(Paths.current()), client)
    geometry = QSettings(str(home / "window.ini"), QSettings.Format.IniFormat)
    window = Window(client, connection, Paths.current(), Settings(), geometry)
    qtbot.addWidget(window)
    window.show()
    connection.start()
    qtbot.waitUntil(lambda: window.conversations.loaded and window.library.fetched, timeout=PATIENCE_MS)
    yield window
    pid = _backend_pid(home)
    window.close()
    until(lambda: process_start(pid) is None, "the end of the backend")


def _backend_pid(home: Path) -> int:
    handshake = read_handshake(Paths(data=home, cache=home, logs=home))
    return handshake.pid if handshake is not None else 0


def write(window: Window, text: str) -> None:
    """Type into the composer and send."""
    window.chat.focus_composer()
    field = window.chat.composer.field.plain
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def messages(window: Window) -> list[Message]:
    return window.chat.conversation.messages


def test_a_first_conversation(qtbot: QtBot, window: Window) -> None:
    write(window, "What is a quantization?")
    qtbot.waitUntil(lambda: len(messages(window)) == 2, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: messages(window)[-1].state is MessageState.COMPLETE, timeout=PATIENCE_MS)
    assert messages(window)[0].text == "What is a quantization?"
    assert len(messages(window)[-1].text) > 100
    qtbot.waitUntil(lambda: len(window.conversations.all()) == 1)
    current = window.sidebar.conversations.currentIndex()
    assert current.isValid()
    opened = window.chat.conversation.id
    assert opened is not None
    window.sidebar.field.setText("quantization")
    qtbot.waitUntil(lambda: window.sidebar.results.model().rowCount() > 0, timeout=PATIENCE_MS)
    window.sidebar.field.clear()
    window.sidebar.conversations.delete(opened)
    qtbot.waitUntil(lambda: window.conversations.all() == [], timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: window.chat.conversation.id is None, timeout=PATIENCE_MS)
    window.conversations.restore(opened)
    qtbot.waitUntil(lambda: window.conversations.get(opened) is not None, timeout=PATIENCE_MS)


def test_a_killed_backend_comes_back_with_what_was_written(qtbot: QtBot, window: Window, home: Path) -> None:
    write(window, "Hello")
    qtbot.waitUntil(lambda: len(messages(window)) == 2 and len(messages(window)[-1].text) > 400, timeout=PATIENCE_MS)
    connection = window.findChild(Connection) or window._connection
    with qtbot.waitSignal(connection.connected, timeout=PATIENCE_MS):
        os.kill(_backend_pid(home), signal.SIGKILL)
    assert connection.state is ConnectionState.CONNECTED
    assert not window.banner.isVisible()
    qtbot.waitUntil(lambda: messages(window)[-1].state is MessageState.STOPPED, timeout=PATIENCE_MS)
    assert len(messages(window)[-1].text) > 100  # at most the last second is lost
    write(window, "Again")
    qtbot.waitUntil(lambda: len(messages(window)) == 4, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: messages(window)[-1].state is MessageState.COMPLETE, timeout=PATIENCE_MS)


def test_loading_shows_its_end(qtbot: QtBot, window: Window) -> None:
    model = window.library.entries[-1]
    window.library.load(model.id)
    qtbot.waitUntil(lambda: any(each.state == "loaded" for each in window.library.entries), timeout=PATIENCE_MS)


WRITER = """
import sys
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from app.ui import window as module

class Writer(module.Window):
    def _on_listed(self):
        super()._on_listed()
        if self._usable and not getattr(self, "wrote", False):
            self.wrote = True
            self.chat.conversation.branch.message_changed.connect(lambda m: print(len(m.text), flush=True))
            QTest.keyClicks(self.chat.composer.field.plain, "Tell me")
            QTest.keyClick(self.chat.composer.field.plain, Qt.Key.Key_Return)

module.Window = Writer
from app.ui.app import main
sys.exit(main())
"""


def kill_in_mid_answer(home: Path, after: int) -> tuple[int, int]:
    """Kill a writing window once it has shown so many characters; how many it had shown, and its backend's pid."""
    environment = os.environ | {"ALCOVE_HOME": str(home), "ALCOVE_FAKE_ENGINE": "100:20000"}
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    shown = 0
    try:
        for line in process.stdout:
            shown = int(line)
            if shown >= after:
                break
        backend = _backend_pid(home)
    finally:
        process.kill()
        process.communicate()
    return shown, backend


def stored_text(home: Path) -> tuple[str, str]:
    """State and text of the newest answer, read when nobody holds the database."""
    with sqlite3.connect(home / "alcove.db") as database:
        row = database.execute("select state, text from messages where role = 'assistant' order by id desc").fetchone()
    database.close()
    return str(row[0]), str(row[1])


def check_kill(home: Path, after: int) -> None:
    shown, backend = kill_in_mid_answer(home, after)
    assert backend
    until(lambda: process_start(backend) is None, "the end of the backend")
    state, text = stored_text(home)
    assert state == "stopped"
    assert len(text) >= shown  # the backend outlived the window and stored everything it had sent


def test_a_killed_window_takes_nothing_with_it(home: Path) -> None:
    add_model(home)
    check_kill(home, 200)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_twenty_killed_windows_take_nothing_with_them(home: Path) -> None:
    add_model(home)
    moments = random.Random(7)
    for _ in range(20):
        check_kill(home, moments.randint(1, 400))


def test_no_window_is_left_over(qapp: QApplication) -> None:
    assert not [each for each in qapp.topLevelWidgets() if isinstance(each, Window) and each.isVisible()]
