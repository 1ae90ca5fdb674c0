"""The connection against real backends that really die."""

import os
import signal
from pathlib import Path

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.launch import Launch, process_start
from app.paths import Paths
from app.protocol import Handshake, Hello, Status
from app.ui.client import Client
from app.ui.connection import Connection, ConnectionState
from tests.processes import running_backend, until


@pytest.fixture
def fake_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCOVE_FAKE_ENGINE", "0")


def wait_connected(qtbot: QtBot, connection: Connection) -> Status:
    with qtbot.waitSignal(connection.connected, timeout=30_000) as told:
        connection.start()
    assert told.args is not None
    status = told.args[0]
    assert isinstance(status, Status)
    return status


def test_it_starts_a_backend_and_leaves_none_behind(qtbot: QtBot, home: Path, fake_engine: None) -> None:
    connection = Connection(Client(), Launch(Paths.current()))
    events: list[object] = []
    connection.event_received.connect(events.append)
    status = wait_connected(qtbot, connection)
    assert connection.state is ConnectionState.CONNECTED
    qtbot.waitUntil(lambda: bool(events))
    assert isinstance(events[0], Hello)
    assert connection.client.client_id == events[0].client_id
    connection.stop()
    until(lambda: process_start(status.pid) is None, "the end of the backend")


def test_it_attaches_to_the_backend_that_runs(qtbot: QtBot, home: Path, fake_engine: None) -> None:
    with running_backend(home) as backend:
        connection = Connection(Client(), Launch(Paths.current()))
        assert wait_connected(qtbot, connection).pid == backend.handshake.pid
        connection.stop()


def test_after_a_kill_it_has_another_backend(qtbot: QtBot, home: Path, fake_engine: None) -> None:
    connection = Connection(Client(), Launch(Paths.current()))
    first = wait_connected(qtbot, connection)
    lost: list[bool] = []
    connection.lost.connect(lambda: lost.append(True))
    with qtbot.waitSignal(connection.connected, timeout=30_000) as told:
        os.kill(first.pid, signal.SIGKILL)
    assert told.args is not None
    assert told.args[0].pid != first.pid
    assert lost == [True]
    connection.stop()


def test_a_backend_that_cannot_start_is_told_and_can_be_tried_again(
    qtbot: QtBot, home: Path, fake_engine: None
) -> None:
    (home / "alcove.db").write_bytes(b"this is no database" * 100)
    connection = Connection(Client(), Launch(Paths.current()))
    with qtbot.waitSignal(connection.failed, timeout=30_000) as told:
        connection.start()
    assert told.args is not None
    assert told.args[0].code == "database_damaged"
    assert connection.state is ConnectionState.FAILED
    (home / "alcove.db").unlink()
    wait_connected(qtbot, connection)
    connection.stop()


def pretend_version(version: str) -> None:
    """Let the running backend be another version's, as its handshake says."""
    path = Paths.current().handshake
    handshake = msgspec.json.decode(path.read_bytes(), type=Handshake)
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(handshake, version=version)))


def test_a_backend_of_another_version_makes_way_where_nobody_is_there(
    qtbot: QtBot, home: Path, fake_engine: None
) -> None:
    with running_backend(home, present=False) as old:
        pretend_version("0.0.1")
        connection = Connection(Client(), Launch(Paths.current()))
        said: list[AppError] = []
        connection.client.failed.connect(said.append)
        assert wait_connected(qtbot, connection).pid != old.handshake.pid
        assert said == []
        assert old.wait_ended() == 0
        connection.stop()


def test_a_backend_of_another_version_that_others_use_stays_and_is_named(
    qtbot: QtBot, home: Path, fake_engine: None
) -> None:
    with running_backend(home) as old:
        first = Connection(Client(), Launch(Paths.current()))
        wait_connected(qtbot, first)
        pretend_version("0.0.1")
        second = Connection(Client(), Launch(Paths.current()))
        said: list[AppError] = []
        second.client.failed.connect(said.append)
        assert wait_connected(qtbot, second).pid == old.handshake.pid
        assert [error.code for error in said] == ["backend_other_version"]
        assert said[0].values["backend_version"] == "0.0.1"
        second.stop()
        first.stop()


class DeadLaunch(Launch):
    """Always names a backend that does not answer."""

    def __init__(self) -> None:
        pass

    def poll(self) -> Handshake | None:
        return Handshake(port=1, token="t", pid=1, version="", created=0)


def test_it_gives_up_on_a_backend_that_never_answers(qtbot: QtBot) -> None:
    connection = Connection(Client(), DeadLaunch())
    lost: list[bool] = []
    connection.lost.connect(lambda: lost.append(True))
    with qtbot.waitSignal(connection.failed, timeout=30_000) as told:
        connection.start()
    assert told.args is not None
    assert isinstance(told.args[0], AppError)
    assert lost == []  # it never was there
