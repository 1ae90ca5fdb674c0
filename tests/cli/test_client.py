"""The client of the command line: attaches, is present, comes back after a kill, and tells faults kindly."""

import os
import queue
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from app import launch
from app.cli.client import Client
from app.cli.connection import quoted
from app.errors import AppError
from app.launch import process_start, read_handshake
from app.paths import Paths
from app.protocol import (
    AnswerEvent,
    Conversation,
    Event,
    Handshake,
    Hello,
    MessagePage,
    MessageState,
    ModelEntry,
    NewMessage,
    Started,
    Status,
)
from tests.conftest import add_model
from tests.processes import paths_of, running_backend, until


@pytest.fixture
def paths(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paths]:
    """The paths of a home with a model, whose backend has ended after the test."""
    monkeypatch.setenv("ALCOVE_FAKE_ENGINE", "20:4000")
    add_model(home)
    paths = paths_of(home)
    yield paths
    if (handshake := read_handshake(paths)) is not None:
        os.kill(handshake.pid, signal.SIGTERM)
        until(lambda: process_start(handshake.pid) is None, "the backend's end")


def test_it_starts_a_backend_and_is_present(paths: Paths) -> None:
    with Client(paths, "test") as client:
        status = client.get("/api/status", Status)
        assert (client.number, status.clients) == (1, 1)
        with Client(paths, "other") as other:
            assert other.get("/api/status", Status).pid == status.pid
            assert client.get("/api/status", Status).clients == 2


def test_when_the_last_client_leaves_the_backend_ends(paths: Paths) -> None:
    with Client(paths, "test") as client:
        pid = client.get("/api/status", Status).pid
    until(lambda: process_start(pid) is None, "the backend's end")
    assert not paths.handshake.exists()


def test_it_comes_back_when_the_backend_was_killed(paths: Paths) -> None:
    seen: queue.SimpleQueue[Event] = queue.SimpleQueue()
    with Client(paths, "test", seen.put) as client:
        first = client.get("/api/status", Status).pid
        os.kill(first, signal.SIGKILL)
        assert client.attached(after=1) == 2
        assert client.get("/api/status", Status).pid != first
    hellos = []
    while not seen.empty():
        hellos += [event for event in [seen.get()] if isinstance(event, Hello)]
    assert len({hello.client_id for hello in hellos}) == 2


def test_a_stream_that_breaks_is_told(paths: Paths) -> None:
    with Client(paths, "test") as client:
        conversation = client.post("/api/conversations", Conversation, {"model": "tiny"})
        path = f"/api/conversations/{conversation.id}/messages"
        started = client.post(path, Started, NewMessage(text="hello"))
        events = client.stream(f"/api/messages/{started.answer.id}/stream", AnswerEvent)
        next(events)
        os.kill(client.get("/api/status", Status).pid, signal.SIGKILL)
        with pytest.raises(AppError) as caught:
            list(events)
        assert caught.value.code == "backend_gone"
        client.attached(after=1)
        page = client.get(f"/api/conversations/{conversation.id}/messages", MessagePage)
        assert [message.state for message in page.messages] == [MessageState.COMPLETE, MessageState.STOPPED]


def test_faults_of_the_backend_are_raised_again(paths: Paths) -> None:
    with Client(paths, "test") as client:
        with pytest.raises(AppError) as caught:
            client.get(f"/api/models/{quoted('no such model')}", ModelEntry)
        assert (caught.value.code, caught.value.values) == ("model_not_found", {"model": "no such model"})
        with pytest.raises(AppError) as caught:
            client.get("/api/nothing", Status)
        assert caught.value.code == "route_not_found"


def test_a_backend_that_cannot_start_is_told_once(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "own_command", lambda *_: ["/none"])
    client = Client(paths, "test")
    with pytest.raises(AppError) as caught, client:
        pytest.fail("nothing to attach to")
    assert caught.value.code == "backend_failed"


def test_a_backend_that_was_paused_is_told_and_not_waited_for(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cli.presence.HELLO_S", 0.3)
    with Client(paths, "test") as client:
        pid = client.get("/api/status", Status).pid
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(AppError) as caught, Client(paths, "other"):
                pytest.fail("nobody can have answered")
        finally:
            os.kill(pid, signal.SIGCONT)
    assert (caught.value.code, caught.value.values["backend_pid"]) == ("backend_silent", pid)


def test_who_waits_for_a_backend_that_falls_asleep_is_told(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cli.presence.SILENCE_S", 0.3)
    monkeypatch.setattr("app.cli.presence.HELLO_S", 0.3)
    with Client(paths, "test") as client:
        pid = client.get("/api/status", Status).pid
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(AppError) as caught:
                client.get("/api/models", list[ModelEntry])
        finally:
            os.kill(pid, signal.SIGCONT)
    assert caught.value.code == "backend_silent"


def test_a_backend_of_another_version_makes_way_where_nobody_is_there(paths: Paths) -> None:
    noted: list[str] = []
    with running_backend(paths.data, present=False) as old:
        pretend_version(paths, "0.0.1")
        with Client(paths, "test", on_other_version=noted.append) as client:
            assert client.get("/api/status", Status).pid != old.handshake.pid
            assert old.wait_ended() == 0
    assert noted == []


def test_a_backend_of_another_version_that_others_use_stays_and_is_named(paths: Paths) -> None:
    noted: list[str] = []
    with running_backend(paths.data) as old:
        pretend_version(paths, "0.0.1")
        with Client(paths, "test", on_other_version=noted.append) as client:
            assert client.get("/api/status", Status).pid == old.handshake.pid
    assert noted == ["0.0.1"]


def pretend_version(paths: Paths, version: str) -> None:
    handshake = msgspec.json.decode(paths.handshake.read_bytes(), type=Handshake)
    paths.handshake.write_bytes(msgspec.json.encode(replace(handshake, version=version)))


def test_names_become_one_part_of_a_path() -> None:
    assert quoted("a/b c?d%") == "a%2Fb%20c%3Fd%25"
