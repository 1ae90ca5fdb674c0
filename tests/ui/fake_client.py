"""A client in memory: it speaks the private API's types, answers from a table, and remembers what it was asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from PySide6.QtCore import QObject, QTimer

from app.errors import AppError
from app.ui.client import TIMEOUT_MS, Call, Client, OnError, Stream

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    verb: str
    path: str
    body: object


class FakeClient(Client):
    """`answers` maps "VERB path" (without query) to a value, an AppError, or a function of the `Request`.

    Bodies and answers go through JSON, so that what the backend could not read or send fails here too.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.answers: dict[str, object] = {}
        self.requests: list[Request] = []
        self.streams: dict[str, Stream] = {}
        self.answered = 0
        """How many requests have had their answer."""

    def request(
        self,
        verb: bytes,
        path: str,
        body: object,
        type_: type[T],
        on_done: Callable[[T], None],
        on_error: OnError | None,
        limit_ms: int = TIMEOUT_MS,
    ) -> Call:
        asked = Request(verb.decode(), path, msgspec.to_builtins(body))
        self.requests.append(asked)
        call = Call(self)

        def reply() -> None:
            if call.aborted:
                return
            answer = self.answers.get(
                f"{asked.verb} {path.split('?', maxsplit=1)[0]}", AppError("internal", reason=path, folder="")
            )
            answer = answer(asked) if callable(answer) else answer
            if isinstance(answer, AppError):
                (on_error or self.failed.emit)(answer)
            else:
                on_done(msgspec.json.decode(msgspec.json.encode(answer), type=type_))
            self.answered += 1

        QTimer.singleShot(0, call, reply)
        return call

    def stream(self, path: str, event_type: object) -> Stream:
        self.streams[path] = Stream(self, None, msgspec.json.Decoder(event_type))
        return self.streams[path]

    def asked(self, verb: str, path: str) -> list[object]:
        """The bodies of all requests of that verb and path (without query)."""
        return [each.body for each in self.requests if each.verb == verb and each.path.split("?")[0] == path]
