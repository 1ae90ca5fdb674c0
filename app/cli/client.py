"""The command line's way to the backend: attaches to it or starts it, is present there, asks, and reads streams."""

from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, TypeVar

import msgspec

from app.cli.connection import SILENCE_S, events, faults_of, request, url_of
from app.cli.presence import Presence
from app.paths import Paths
from app.protocol import Event

T = TypeVar("T")


class Client:
    """A connection that is present at the backend as long as it is open, and comes back when the backend was killed.

    Every method raises AppError: what the backend says, what starting it says, "backend_gone" or "backend_silent".
    """

    def __init__(
        self,
        paths: Paths,
        name: str,
        on_event: Callable[[Event], None] = lambda _event: None,
        on_other_version: Callable[[str], None] = lambda _version: None,
    ) -> None:
        """`on_other_version`: told the version of a backend that is not ours and that others are using."""
        self._presence = Presence(paths, name, on_event, on_other_version)

    def __enter__(self) -> "Client":
        self._presence.start()
        self.attached()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._presence.close()

    def attached(self, after: int = 0) -> int:
        """Wait for an attachment later than number `after`; returns its number. They count up from 1."""
        return self._presence.attached(after)

    @property
    def number(self) -> int:
        """How many times it has attached so far. Raises what made it give up."""
        return self._presence.number

    def get(self, path: str, kind: type[T], **query: str | int) -> T:
        """The decoded answer to a GET."""
        answer: T = self._ask("GET", url_of(path, query), kind)
        return answer

    def post(self, path: str, kind: type[T], body: object = None, **query: str | int) -> T:
        """The decoded answer to a POST."""
        answer: T = self._ask("POST", url_of(path, query), kind, body)
        return answer

    def delete(self, path: str, kind: type[T]) -> T:
        """The decoded answer to a DELETE."""
        answer: T = self._ask("DELETE", path, kind)
        return answer

    def stream(self, path: str, kind: Any, **query: str | int) -> Generator[Any, None, None]:
        """The events of a stream until it ends; `kind` may be a union. Closing the generator closes the connection."""
        with self._presence.connection(SILENCE_S) as (connection, handshake, _):
            response = request(connection, handshake, "GET", url_of(path, query))
            yield from events(connection, handshake, response, kind)

    def _ask(self, method: str, url: str, kind: Any, body: object = None) -> Any:
        """The answer, however long it takes: loading a large model may take minutes."""
        with self._presence.connection(None) as (connection, handshake, client_id):
            response = request(connection, handshake, method, url, body, {"X-Alcove-Client": client_id})
            with faults_of(connection, handshake):
                said = response.read()
            return msgspec.json.decode(said, type=kind)
