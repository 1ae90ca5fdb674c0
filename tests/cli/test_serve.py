"""`alcove serve`: the port is open as long as it runs, and again when the backend was killed."""

import contextlib
import json
import os
import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from app.launch import process_start, read_handshake
from app.protocol import PortState
from tests.cli.running import alcove, running
from tests.conftest import add_model
from tests.processes import RunningBackend, paths_of, running_backend, until


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def models_at(port: int, key: str = "") -> list[str]:
    """Ids at /v1/models; [] where nobody listens."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/models")
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with contextlib.suppress(urllib.error.URLError, ConnectionError), opener.open(request, timeout=20) as response:
        return [model["id"] for model in json.load(response)["data"]]
    return []


def backend_ended(home: Path) -> None:
    until(lambda: read_handshake(paths_of(home)) is None, "the backend's end")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_told_to_end(home: Path, number: int) -> None:
    add_model(home)
    port = free_port()
    with running(home, "serve", "--port", str(port)) as command:
        said = command.wait_for("Ctrl+C")
        assert f"http://127.0.0.1:{port}/v1" in said
        assert "tiny" in said
        assert "No key is needed" in said
        assert "tiny" in models_at(port)
        command.process.send_signal(number)
        assert command.end() == 0
        assert "Traceback" not in command.said
    backend_ended(home)
    assert models_at(port) == []


def test_a_key_is_asked_for(home: Path) -> None:
    port = free_port()
    with running(home, "serve", "--port", str(port), ALCOVE_API_KEY="secret") as command:
        assert "Programs must send the key" in command.wait_for("Ctrl+C")
        assert models_at(port) == []
        assert models_at(port, "secret")
        assert "secret" not in command.said
    backend_ended(home)


def test_a_port_in_use_is_told_with_the_next_one(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = alcove(home, "serve", "--port", str(port))
    assert done.returncode == 1
    assert f"Port {port} is in use" in done.stderr
    assert "alcove serve --port " in done.stderr
    assert done.stdout == ""


def test_an_address_of_the_network_needs_a_key(home: Path) -> None:
    done = alcove(home, "serve", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 1
    assert "A key is needed" in done.stderr


def test_it_opens_the_port_again_when_the_backend_was_killed(home: Path) -> None:
    add_model(home)
    port = free_port()
    with running(home, "serve", "--port", str(port)) as command:
        command.wait_for("Ctrl+C")
        first = read_handshake(paths_of(home))
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)
        command.wait_for("started again")
        assert "tiny" in models_at(port)
        assert process_start(first.pid) is None
        command.process.terminate()
        assert command.end() == 0
    backend_ended(home)


@pytest.fixture
def backend(home: Path) -> Any:
    with running_backend(home, ALCOVE_FAKE_ENGINE="0") as running:
        yield running


def test_it_ends_when_somebody_else_closes_the_port(backend: RunningBackend) -> None:
    with running(backend.home, "serve", "--port", "0") as command:
        command.wait_for("Ctrl+C")
        assert backend.status().port is not None
        backend.http.delete("/api/port")
        assert command.end() == 0
        assert "closed by another part" in command.said


def test_the_port_closes_when_serve_is_killed(backend: RunningBackend) -> None:
    with running(backend.home, "serve", "--port", "0") as command:
        command.wait_for("Ctrl+C")
        state = backend.status().port
        assert isinstance(state, PortState)
        assert models_at(state.port)
        command.process.kill()
        until(lambda: backend.status().port is None, "the port's end")
        assert models_at(state.port) == []
