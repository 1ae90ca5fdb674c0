"""What is asked of the backend while one conversation is open."""

from collections.abc import Callable
from typing import TypeVar

from app.ui.client import Client, OnError

T = TypeVar("T")


class Visit:
    """Requests whose replies are dropped once the visit has ended: another conversation is open then."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._ended = False

    def end(self) -> None:
        self._ended = True

    def get(self, path: str, type_: type[T], done: Callable[[T], None], fail: OnError) -> None:
        self._client.get(path, type_, self._now(done), self._now(fail))

    def post(self, path: str, body: object, type_: type[T], done: Callable[[T], None], fail: OnError) -> None:
        self._client.post(path, body, type_, self._now(done), self._now(fail))

    def patch(self, path: str, body: object, type_: type[T], done: Callable[[T], None], fail: OnError) -> None:
        self._client.patch(path, body, type_, self._now(done), self._now(fail))

    def delete(self, path: str, type_: type[T], done: Callable[[T], None], fail: OnError) -> None:
        self._client.delete(path, type_, self._now(done), self._now(fail))

    def _now(self, act: Callable[[T], None]) -> Callable[[T], None]:
        def guarded(value: T) -> None:
            if not self._ended:
                act(value)

        return guarded
