"""HTTP to the private port, blocking: one connection for each request, faults raised as AppError."""

import contextlib
import http.client
import socket
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from app.errors import AppError
from app.protocol import ErrorInfo, Handshake
from app.sse import Parser

SILENCE_S = 40.0
"""A stream sends a ping every 15 seconds; this much silence means that nobody is there, or nobody awake."""


def quoted(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")


def url_of(path: str, query: dict[str, Any]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def connect(handshake: Handshake, silence_s: float) -> http.client.HTTPConnection:
    """An open connection, on which so much silence counts as the end. Raises AppError("backend_gone")."""
    connection = http.client.HTTPConnection("127.0.0.1", handshake.port, timeout=silence_s)
    try:
        connection.connect()
    except OSError as error:
        raise AppError("backend_gone") from error
    return connection


def request(
    connection: http.client.HTTPConnection,
    handshake: Handshake,
    method: str,
    url: str,
    body: object = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> http.client.HTTPResponse:
    """The response, its body unread. Raises AppError: what the backend says, "backend_gone" or "backend_silent"."""
    content = None if body is None else msgspec.json.encode(body)
    fields = {"Authorization": f"Bearer {handshake.token}", "Content-Type": "application/json", **headers}
    with faults_of(connection, handshake):
        connection.request(method, url, content, fields)
        response = connection.getresponse()
        if response.status < 400:
            return response
        said = response.read()
    raise _refusal(said, response.status)


def events(
    connection: http.client.HTTPConnection, handshake: Handshake, response: http.client.HTTPResponse, kind: Any
) -> Iterator[Any]:
    """The events of an open stream, decoded, until it ends. Raises AppError where it breaks or falls silent."""
    parser, decoder = Parser(), msgspec.json.Decoder(kind)
    while True:
        with faults_of(connection, handshake):
            chunk = response.read1(64 * 1024)
        if not chunk:
            return
        for data in parser.feed(chunk):
            yield decoder.decode(data)


@contextlib.contextmanager
def faults_of(connection: http.client.HTTPConnection, handshake: Handshake) -> Iterator[None]:
    """Faults of the connection as AppError: it broke ("backend_gone"), or nothing came for too long."""
    try:
        yield
    except TimeoutError as error:
        raise AppError("backend_silent", backend_pid=handshake.pid, waited_s=float(connection.timeout or 0)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AppError("backend_gone") from error


def cut(connection: http.client.HTTPConnection | None) -> None:
    """Wake whoever reads from that connection: it ends."""
    if connection is not None and connection.sock is not None:
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


def _refusal(said: bytes, status: int) -> AppError:
    try:
        return AppError.from_info(msgspec.json.decode(said, type=ErrorInfo))
    except (msgspec.MsgspecError, KeyError):
        return AppError("bad_request", reason=f"the backend answered with status {status}")
