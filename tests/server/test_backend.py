"""The life of the backend process: its start, its clients, its end."""

import json
import shutil
import signal
import socket
import stat
from pathlib import Path

import httpx
import msgspec
import pytest

import app
from app.launch import process_start
from app.protocol import ErrorInfo, Hello, PortChanged, SettingsChanged
from tests.conftest import add_model
from tests.processes import (
    JSON,
    RunningBackend,
    end,
    paths_of,
    running_backend,
    start_backend_process,
    wait_for_handshake,
)


def test_the_handshake_is_secret_and_names_the_process(home: Path) -> None:
    with running_backend(home) as backend:
        file = paths_of(home).handshake
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert backend.handshake.pid == backend.process.pid
        assert backend.handshake.version == app.__version__
        assert process_start(backend.process.pid) == pytest.approx(backend.handshake.created)
        assert len(backend.handshake.token) >= 32
        status = backend.status()
        assert (status.pid, status.home, status.clients) == (backend.process.pid, str(home), 1)


def test_each_start_has_a_fresh_token(home: Path) -> None:
    with running_backend(home) as first:
        token = first.handshake.token
    with running_backend(home) as second:
        assert second.handshake.token != token


def test_it_ends_when_its_last_client_has_gone(home: Path) -> None:
    with running_backend(home, present=False) as backend:
        with backend.present("window"), backend.present("chat"):
            assert backend.status().clients == 2
        assert backend.wait_ended() == 0
        assert not paths_of(home).handshake.exists()


def test_a_client_that_comes_back_in_time_keeps_it(home: Path) -> None:
    with running_backend(home, present=False) as backend:
        with backend.present():
            pass
        with backend.present():
            with pytest.raises(Exception, match="timed out"):
                backend.process.wait(3)
            assert backend.status().clients == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_when_told(home: Path, number: signal.Signals) -> None:
    with running_backend(home) as backend:
        backend.process.send_signal(number)
        assert backend.wait_ended() == 0
        assert not paths_of(home).handshake.exists()


def test_a_second_one_leaves_the_first_alone(home: Path) -> None:
    with running_backend(home) as backend:
        before = paths_of(home).handshake.read_bytes()
        second = start_backend_process(home)
        assert second.wait(30) == 0
        end(second)
        assert paths_of(home).handshake.read_bytes() == before
        assert backend.status().pid == backend.process.pid


def test_of_two_started_at_once_one_stays(home: Path) -> None:
    racers = [start_backend_process(home) for _ in range(3)]
    try:
        while len([racer for racer in racers if racer.poll() is None]) > 1:
            for racer in racers:
                if racer.poll() is not None:
                    assert racer.returncode == 0
        (winner,) = [racer for racer in racers if racer.poll() is None]
        assert wait_for_handshake(home, winner).pid == winner.pid
    finally:
        for racer in racers:
            end(racer)


def test_a_file_left_by_a_dead_backend_is_replaced(home: Path) -> None:
    with running_backend(home) as backend:
        backend.process.kill()
        backend.wait_ended()
    assert paths_of(home).handshake.exists()
    with running_backend(home) as next_one:
        assert next_one.status().pid == next_one.process.pid


def test_the_first_event_says_who_one_is(fake_backend_process: RunningBackend) -> None:
    http = fake_backend_process.http
    with http.stream("GET", "/api/events", params={"client": "window"}) as response:
        first = next(response.iter_lines())
        hello = msgspec.json.decode(first.removeprefix("data: "), type=Hello)
        assert hello.client_id.startswith("window-")
        assert hello.status.pid == fake_backend_process.process.pid


def test_settings_are_changed_stored_and_told(home: Path) -> None:
    with running_backend(home, present=False) as backend, backend.present() as events:
        changed = backend.http.patch("/api/settings", json={"text_size": 120})
        assert changed.json()["text_size"] == 120
        events.wait_for(SettingsChanged)
        assert json.loads(paths_of(home).settings.read_text())["text_size"] == 120
        refused = backend.http.patch("/api/settings", json={"text_size": 5})
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
        assert backend.http.patch("/api/settings", json={"nonsense": 1}).status_code == 400
        assert backend.http.get("/api/settings").json()["text_size"] == 120


def test_another_model_folder_shows_its_models_at_once(home: Path, tmp_path: Path) -> None:
    model = add_model(tmp_path / "elsewhere", "far")
    with running_backend(home) as backend:
        assert "far" not in [entry.id for entry in backend.models()]
        backend.http.patch("/api/settings", json={"model_folder": str(model.parent)})
        assert "far" in [entry.id for entry in backend.models()]


def test_the_machine_and_the_checkup_are_told(fake_backend_process: RunningBackend) -> None:
    machine = fake_backend_process.http.get("/api/hardware").json()
    assert machine["ram_total"] > machine["ram_available"] > 0
    codes = {check["code"] for check in fake_backend_process.http.get("/api/doctor").json()}
    assert {"python", "database", "memory", "backend", "port_off"} <= codes


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/nothing", 404, "route_not_found"),
        ("/api/conversations/999", 404, "conversation_not_found"),
        ("/api/messages/999/stream", 404, "message_not_found"),
        ("/api/models/nobody", 404, "model_not_found"),
        ("/api/conversations?limit=many", 400, "bad_request"),
        ("/api/messages/1/stop", 405, "method_not_allowed"),
    ],
)
def test_every_refusal_is_an_error_with_its_status(
    fake_backend_process: RunningBackend, path: str, status: int, code: str
) -> None:
    response = fake_backend_process.http.get(path)
    assert (response.status_code, msgspec.json.decode(response.content, type=ErrorInfo).code) == (status, code)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"title": 5}', b"\xff"])
def test_a_body_that_does_not_fit_is_a_bad_request(fake_backend_process: RunningBackend, body: bytes) -> None:
    response = fake_backend_process.http.post("/api/conversations", content=body, headers=JSON)
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "params", [{"context_length": -5}, {"context_length": 0}, {"threads": 0}, {"gpu_layers": -1}, {"threads": 10**30}]
)
def test_a_load_no_engine_can_do_is_refused(fake_backend_process: RunningBackend, params: dict[str, int]) -> None:
    response = fake_backend_process.http.post("/api/models/tiny/load", json=params)
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")
    assert next(iter(params)) in response.json()["values"]["reason"]


# ---------------------------------------------------------------- faults at the start


def refusal(home: Path) -> ErrorInfo:
    """Start a backend that must not run; what it says."""
    process = start_backend_process(home)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 3
    assert not paths_of(home).handshake.exists()
    return msgspec.json.decode(output, type=ErrorInfo)


def test_damaged_settings_are_refused_and_kept(home: Path) -> None:
    paths_of(home).settings.write_text("{")
    assert refusal(home).code == "settings_damaged"
    assert paths_of(home).settings.read_text() == "{"


def test_a_damaged_database_is_refused(home: Path) -> None:
    paths_of(home).database.write_bytes(b"this is no database, whatever its name may be" * 100)
    assert refusal(home).code == "database_damaged"


# ---------------------------------------------------------------- the public port's life


def test_the_port_opens_for_a_client_and_ends_with_it(fake_backend_process: RunningBackend) -> None:
    backend = fake_backend_process
    with backend.present("window") as window:
        with backend.present("serve") as serve:
            opened = open_port(backend, serve.client_id)
            port = opened.json()["port"]
            assert backend.status().port is not None
            window.wait_for(PortChanged, lambda event: event.port is not None)
            assert httpx.get(f"http://127.0.0.1:{port}/v1/models").status_code == 200
        window.wait_for(PortChanged, lambda event: event.port is None)
        assert backend.status().port is None
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/v1/models")


def open_port(backend: RunningBackend, client: str, **fields: object) -> httpx.Response:
    return backend.http.post("/api/port", json={"port": 0} | fields, headers={"x-alcove-client": client})


def test_a_port_in_use_is_told_with_the_next_free_one(fake_backend_process: RunningBackend) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, fake_backend_process.present() as serve:
        port = taken.getsockname()[1]
        refused = open_port(fake_backend_process, serve.client_id, port=port)
        assert refused.status_code == 409
        assert refused.json()["code"] == "port_in_use"
        assert refused.json()["values"]["port"] == port
        assert refused.json()["values"]["next_port"] > port
        assert fake_backend_process.status().port is None


def test_the_port_of_another_client_is_left_alone(fake_backend_process: RunningBackend) -> None:
    with fake_backend_process.present() as first, fake_backend_process.present() as second:
        opened = open_port(fake_backend_process, first.client_id).json()
        refused = open_port(fake_backend_process, second.client_id)
        assert (refused.status_code, refused.json()["code"]) == (409, "port_open")
        assert open_port(fake_backend_process, first.client_id, port=opened["port"]).json() == opened
        assert fake_backend_process.http.delete("/api/port").status_code == 200
        assert open_port(fake_backend_process, second.client_id).status_code == 200


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"host": "0.0.0.0"}, "key_required"),
        ({"host": "::"}, "key_required"),
        ({"host": "no such host"}, "key_required"),
        ({"host": "203.0.113.7", "api_key": "k"}, "port_not_allowed"),
        ({"port": 70000}, "port_not_allowed"),
        ({"port": -1}, "port_not_allowed"),
    ],
)
def test_addresses_that_cannot_be_opened_are_refused(
    fake_backend_process: RunningBackend, fields: dict[str, object], code: str
) -> None:
    with fake_backend_process.present() as serve:
        refused = open_port(fake_backend_process, serve.client_id, **fields)
        assert (refused.status_code, refused.json()["code"]) == (400, code)


def test_only_who_is_present_opens_the_port(fake_backend_process: RunningBackend) -> None:
    assert open_port(fake_backend_process, "nobody-1").status_code == 400


def test_a_port_that_cannot_be_changed_stays_open(fake_backend_process: RunningBackend) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, fake_backend_process.present() as serve:
        opened = open_port(fake_backend_process, serve.client_id).json()
        refused = open_port(fake_backend_process, serve.client_id, port=taken.getsockname()[1])
        assert refused.json()["code"] == "port_in_use"
        assert httpx.get(f"http://127.0.0.1:{opened['port']}/v1/models").status_code == 200
        changed = open_port(fake_backend_process, serve.client_id).json()
        assert changed["port"] != opened["port"]
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{opened['port']}/v1/models")


def test_everyone_is_told_when_opening_the_port_anew_fails(fake_backend_process: RunningBackend) -> None:
    backend = fake_backend_process
    with backend.present("window") as window, backend.present("serve") as serve:
        port = open_port(backend, serve.client_id).json()["port"]
        window.wait_for(PortChanged, lambda event: event.port is not None)
        body = {"host": "203.0.113.7", "api_key": "k", "port": port}
        assert open_port(backend, serve.client_id, **body).json()["code"] == "port_not_allowed"
        window.wait_for(PortChanged, lambda event: event.port is None)
        assert backend.status().port is None


def test_what_it_makes_is_for_its_user_alone(home: Path) -> None:
    fresh = home / "not" / "yet"
    with running_backend(fresh, ALCOVE_FAKE_ENGINE="0") as backend:
        backend.new_conversation(title="Private")
        folders = [fresh, *(path for path in fresh.rglob("*") if path.is_dir() and path.name != "models")]
        assert fresh / "logs" in folders
        assert {oct(path.stat().st_mode & 0o777) for path in folders[1:]} == {"0o700"}
        files = [path for path in fresh.iterdir() if path.is_file() and path.name != "backend.lock"]
        assert len(files) >= 3
        assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}


def test_the_log_is_written_and_holds_no_token(home: Path) -> None:
    with running_backend(home) as backend:
        token = backend.handshake.token
    log = (home / "logs" / "backend.log").read_text()
    assert "listening" in log
    assert token not in log
    shutil.rmtree(home)
