"""The gate: every route of both ports against every way of knocking that is not allowed."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.server.access import BODY_LIMIT
from tests.conftest import add_model
from tests.processes import JSON, ROOT, EventStream, RunningBackend, running_backend

KEY = "kéy-of-the-test"


def private_routes() -> list[tuple[str, str]]:
    """Every method and path of the table in docs/architecture.md."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    routes = []
    for row in re.findall(r"^\| ((?:GET|POST|PATCH|DELETE)[^|]*)\|", text, re.MULTILINE):
        for group in row.split("·"):
            methods = re.findall(r"GET|POST|PATCH|DELETE", group)
            path = re.search(r"`(/[^`?]*)", group)
            if path:
                routes += [(method, re.sub(r"\{id\}", "1", path[1])) for method in methods]
    return routes


PRIVATE = [*private_routes(), ("GET", "/"), ("GET", "/api/none"), ("OPTIONS", "/api/status"), ("PUT", "/api/settings")]
PUBLIC = [
    ("GET", "/v1/models"),
    ("GET", "/v1/models/tiny"),
    ("POST", "/v1/chat/completions"),
    ("OPTIONS", "/v1/chat/completions"),
    ("GET", "/nothing"),
]
REFUSED: list[tuple[str, dict[str, str], int]] = [
    ("foreign host", {"host": "evil.example"}, 403),
    ("host with our name in front", {"host": "127.0.0.1.evil.example"}, 403),
    ("host with a dot behind", {"host": "localhost."}, 403),
    ("empty host", {"host": ""}, 403),
    ("origin", {"origin": "https://evil.example"}, 403),
    ("null origin", {"origin": "null"}, 403),
    ("own origin", {"origin": "http://127.0.0.1:8484"}, 403),
    ("extension", {"origin": "chrome-extension://abc"}, 403),
    ("cross site", {"sec-fetch-site": "cross-site"}, 403),
    ("no key", {"authorization": ""}, 401),
    ("wrong key", {"authorization": "Bearer wrong"}, 401),
    ("basic", {"authorization": "Basic QTpC"}, 401),
    ("key of other letters", {"authorization": "Bearer ключ"}, 401),
]


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBackend]:
    home: Path = tmp_path_factory.mktemp("access")
    add_model(home)
    with running_backend(home, ALCOVE_FAKE_ENGINE="0") as running:
        yield running


@pytest.fixture(scope="module")
def serve(backend: RunningBackend) -> Iterator[EventStream]:
    with backend.present("serve") as stream:
        yield stream


@pytest.fixture(scope="module")
def public(backend: RunningBackend, serve: EventStream) -> str:
    """Address of the open port, which wants a key."""
    body = {"port": 0, "api_key": KEY}
    state = backend.http.post("/api/port", json=body, headers={"x-alcove-client": serve.client_id}).json()
    assert state["needs_key"] is True
    return f"http://127.0.0.1:{state['port']}"


def knock(address: str, key: str, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> httpx.Response:
    encoded = {"authorization": f"Bearer {key}"} | headers
    pairs = [(name.encode(), value.encode()) for name, value in encoded.items()]
    with httpx.Client(trust_env=False, timeout=30) as client:
        return client.request(method, address + path, headers=pairs, content=body)


def test_the_table_of_the_architecture_was_read() -> None:
    assert len(PRIVATE) >= 36
    assert ("DELETE", "/api/port") in PRIVATE


@pytest.mark.parametrize(("name", "headers", "status"), REFUSED, ids=[name for name, _, _ in REFUSED])
def test_the_private_port_refuses_on_every_route(
    backend: RunningBackend, name: str, headers: dict[str, str], status: int
) -> None:
    before = backend.http.get("/api/conversations").json()
    for method, path in PRIVATE:
        response = knock(str(backend.http.base_url), backend.handshake.token, method, path, headers)
        assert response.status_code == status, (method, path)
        assert "access-control-allow-origin" not in response.headers
        assert set(response.json()) <= {"code", "values"}
    assert backend.http.get("/api/conversations").json() == before


@pytest.mark.parametrize(("name", "headers", "status"), REFUSED, ids=[name for name, _, _ in REFUSED])
def test_the_public_port_refuses_on_every_route(public: str, name: str, headers: dict[str, str], status: int) -> None:
    for method, path in PUBLIC:
        response = knock(public, KEY, method, path, headers)
        assert response.status_code == status, (method, path)
        assert "access-control-allow-origin" not in response.headers
        assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def test_the_right_knock_is_let_in(backend: RunningBackend, public: str) -> None:
    assert backend.http.get("/api/status").status_code == 200
    assert knock(public, KEY, "GET", "/v1/models", {}).status_code == 200
    assert knock(public, KEY, "GET", "/v1/models", {"host": "localhost:1"}).status_code == 200
    assert knock(public, KEY, "GET", "/v1/models", {"host": "[::1]"}).status_code == 200


def test_every_route_of_the_table_exists(fake_backend_process: RunningBackend) -> None:
    for method, path in private_routes():
        if path == "/api/events":
            continue
        response = fake_backend_process.http.request(method, path.replace("/api/models/1", "/api/models/tiny"))
        code = response.json().get("code") if response.content.startswith(b'{"code"') else ""
        assert code not in ("route_not_found", "method_not_allowed", "internal"), (method, path, code)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_only_json_is_read(backend: RunningBackend, public: str, kind: str) -> None:
    headers = {"content-type": kind}
    private = knock(str(backend.http.base_url), backend.handshake.token, "POST", "/api/conversations", headers, b"{}")
    assert (private.status_code, private.json()["code"]) == (415, "not_json")
    assert knock(public, KEY, "POST", "/v1/chat/completions", headers, b"{}").status_code == 415


def test_a_body_too_large_is_refused_declared_or_not(backend: RunningBackend, public: str) -> None:
    declared = JSON | {"host": "localhost", "authorization": f"Bearer {KEY}", "content-length": str(BODY_LIMIT + 1)}
    with httpx.Client(trust_env=False) as client:
        assert raw(public, "POST /v1/chat/completions", declared).startswith("HTTP/1.1 413")
        chunks = (b"x" * 65536 for _ in range(BODY_LIMIT // 65536 + 1))
        headers = JSON | {"authorization": f"Bearer {backend.handshake.token}"}
        response = client.post(f"{backend.http.base_url}/api/conversations", content=chunks, headers=headers)
        assert (response.status_code, response.json()["code"]) == (413, "request_too_large")


def raw(address: str, line: str, headers: dict[str, str], *more: str) -> str:
    """What a hand-written request is answered: httpx would mend it."""
    host, port = address.removeprefix("http://").split(":")
    lines = [f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), *more, "Connection: close"]
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return connection.makefile("rb").read().decode(errors="replace")


def test_a_request_without_host_or_with_two_is_refused(public: str) -> None:
    key = {"Authorization": f"Bearer {KEY}"}
    assert raw(public, "GET /v1/models", key).split()[1] in ("400", "403")
    assert raw(public, "GET /v1/models", key | {"Host": "127.0.0.1"}, "Host: evil.example").split()[1] in ("400", "403")
    assert raw(public, "GET http://evil.example/v1/models", key | {"Host": "evil.example"}).split()[1] in ("400", "403")
    assert raw(public, "GET /v1/models", key | {"Host": "127.0.0.1"}).split()[1] == "200"


def test_two_lengths_or_two_keys_are_no_request(public: str) -> None:
    local = JSON | {"Host": "127.0.0.1"}
    smuggled = raw(public, "POST /v1/chat/completions", local | {"Content-Length": "5", "Transfer-Encoding": "chunked"})
    assert smuggled.split()[1] == "400"
    two_keys = raw(public, "GET /v1/models", local, f"Authorization: Bearer {KEY}", "Authorization: Bearer other")
    assert two_keys.split()[1] == "401"


def test_an_upgrade_to_a_websocket_passes_the_same_gate(public: str) -> None:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "x", "Sec-WebSocket-Version": "13"}
    assert raw(public, "GET /v1/models", upgrade | {"Host": "evil.example"}).split()[1] == "403"
