"""The command line's way to the backend: attaches to it or starts it, is present there, asks, and reads streams."""

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from types import MappingProxyType, TracebackType
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from app.errors import AppError
from app.launch import Launch
from app.paths import Paths
from app.protocol import ErrorInfo, Event, Handshake, Hello
from app.sse import Parser

REPLY_S = 120.0
"""How long an answer to a request may take; a graphics driver that is asked for the first time is slow."""
SILENCE_S = 60.0
"""A stream sends a ping every 15 seconds; this much silence means that nobody is there."""

_LOOK_S = 0.5
T = TypeVar("T")


class Client:
    """A connection that is present at the backend as long as it is open, and comes back when the backend was killed.

    Every method raises AppError: what the backend says, what starting it says, or "backend_gone".
    """

    def __init__(self, paths: Paths, name: str, on_event: Callable[[Event], None] = lambda _event: None) -> None:
        self._name = name
        self._on_event = on_event
        self._launch = Launch(paths)
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._handshake: Handshake | None = None
        self._client_id = ""
        self._attached = 0
        self._error: AppError | None = None
        self._stream: http.client.HTTPConnection | None = None
        self._thread = threading.Thread(target=self._be_present, name="presence", daemon=True)

    def __enter__(self) -> "Client":
        self._thread.start()
        self.attached()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        with self._changed:
            _cut(self._stream)
        self._thread.join(timeout=5)

    def attached(self, after: int = 0) -> int:
        """Wait for an attachment later than number `after`; returns its number. They count up from 1."""
        with self._changed:
            while self._handshake is None or self._attached <= after:
                self._check()
                self._changed.wait(_LOOK_S)
            return self._attached

    @property
    def number(self) -> int:
        """How many times it has attached so far. Raises what made it give up."""
        with self._changed:
            self._check()
            return self._attached

    def get(self, path: str, kind: type[T], **query: str | int) -> T:
        """The decoded answer to a GET."""
        answer: T = self._ask("GET", _url(path, query), kind)
        return answer

    def post(self, path: str, kind: type[T], body: object = None, **query: str | int) -> T:
        """The decoded answer to a POST."""
        answer: T = self._ask("POST", _url(path, query), kind, body)
        return answer

    def stream(self, path: str, kind: Any, **query: str | int) -> Generator[Any, None, None]:
        """The events of a stream until it ends; `kind` may be a union. Closing the generator closes the connection."""
        handshake, _ = self._here()
        with contextlib.closing(_connection(handshake, SILENCE_S)) as connection:
            yield from _events(_request(connection, handshake, "GET", _url(path, query)), kind)

    def _check(self) -> None:
        """Raise what ended the presence, if anything did."""
        if self._error is not None:
            raise self._error
        if not self._thread.is_alive():
            raise AppError("backend_gone")

    def _ask(self, method: str, url: str, kind: Any, body: object = None) -> Any:
        handshake, client_id = self._here()
        with contextlib.closing(_connection(handshake, REPLY_S)) as connection:
            response = _request(connection, handshake, method, url, body, {"X-Alcove-Client": client_id})
            try:
                return msgspec.json.decode(response.read(), type=kind)
            except (OSError, http.client.HTTPException) as error:
                raise AppError("backend_gone") from error

    def _here(self) -> tuple[Handshake, str]:
        """The backend we are present at, once there is one, and our id there."""
        self.attached()
        with self._changed:
            if self._handshake is None:
                raise AppError("backend_gone")
            return self._handshake, self._client_id

    # ---------------------------------------------------------------- presence, on its own thread

    def _be_present(self) -> None:
        """Hold the event stream open; when it breaks, find or start the backend again."""
        try:
            while not self._closing.is_set():
                self._visit(self._wait_for_backend())
        except AppError as error:
            with self._changed:
                self._error, self._handshake = error, None
                self._changed.notify_all()

    def _wait_for_backend(self) -> Handshake | None:
        while not self._closing.is_set():
            if (handshake := self._launch.poll()) is not None:
                return handshake
            self._closing.wait(0.01)
        return None

    def _visit(self, handshake: Handshake | None) -> None:
        """Be present at that backend until its stream ends; one that is just going away is tried again."""
        if handshake is None:
            return
        connection = _connection(handshake, SILENCE_S)
        with self._changed:
            self._stream = connection
        try:
            with contextlib.closing(connection):
                url = _url("/api/events", {"client": self._name})
                for event in _events(_request(connection, handshake, "GET", url), Event):
                    self._receive(handshake, event)
                    if self._closing.is_set():
                        return
        except AppError as error:
            if error.code != "backend_gone":
                raise
            self._closing.wait(0.02)
        finally:
            with self._changed:
                self._handshake = self._stream = None

    def _receive(self, handshake: Handshake, event: Event) -> None:
        if isinstance(event, Hello):
            with self._changed:
                self._handshake, self._client_id = handshake, event.client_id
                self._attached += 1
                self._changed.notify_all()
        self._on_event(event)


def quoted(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")


def _url(path: str, query: dict[str, Any]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _connection(handshake: Handshake, timeout_s: float) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", handshake.port, timeout=timeout_s)


def _request(
    connection: http.client.HTTPConnection,
    handshake: Handshake,
    method: str,
    url: str,
    body: object = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> http.client.HTTPResponse:
    """The response, its body unread. Raises AppError: what the backend says, or "backend_gone"."""
    content = None if body is None else msgspec.json.encode(body)
    fields = {"Authorization": f"Bearer {handshake.token}", "Content-Type": "application/json", **headers}
    try:
        connection.request(method, url, content, fields)
        response = connection.getresponse()
        if response.status < 400:
            return response
        said = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise AppError("backend_gone") from error
    raise _refusal(said, response.status)


def _refusal(said: bytes, status: int) -> AppError:
    try:
        return AppError.from_info(msgspec.json.decode(said, type=ErrorInfo))
    except (msgspec.MsgspecError, KeyError):
        return AppError("bad_request", reason=f"the backend answered with status {status}")


def _events(response: http.client.HTTPResponse, kind: Any) -> Iterator[Any]:
    """The events of an open stream, decoded, until it ends. Raises AppError("backend_gone") where it breaks."""
    parser, decoder = Parser(), msgspec.json.Decoder(kind)
    while True:
        try:
            chunk = response.read1(64 * 1024)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise AppError("backend_gone") from error
        if not chunk:
            return
        for data in parser.feed(chunk):
            yield decoder.decode(data)


def _cut(connection: http.client.HTTPConnection | None) -> None:
    """Wake whoever reads from that connection: it ends."""
    if connection is not None and connection.sock is not None:
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)
