"""What an answer is made of once it is read: text, thinking, and calls of tools."""

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

_ID_LETTERS = string.ascii_letters + string.digits
_ID_LENGTH = 9
"""Mistral's templates take ids of just this length; every other takes any."""


@dataclass(frozen=True)
class TextPart:
    text: str


@dataclass(frozen=True)
class ThinkingPart:
    text: str


@dataclass(frozen=True)
class CallPart:
    """A piece of a call. The first of each `index` has its id and name; pieces of `arguments` add up to JSON text."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


OutputPart: TypeAlias = TextPart | ThinkingPart | CallPart


def new_call_id() -> str:
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))


class Parts:
    """Collects parts between two looks at them; neighbours of one kind become one."""

    def __init__(self) -> None:
        self.calls = 0
        """Calls begun so far."""
        self._done: list[OutputPart] = []
        self._kind: type[TextPart] | type[ThinkingPart] = TextPart
        self._texts: list[str] = []

    def text(self, text: str) -> None:
        self._add(TextPart, text)

    def thinking(self, text: str) -> None:
        self._add(ThinkingPart, text)

    def begin_call(self, name: str, call_id: str = "") -> None:
        self._flush()
        self._done.append(CallPart(self.calls, id=call_id or new_call_id(), name=name))
        self.calls += 1

    def arguments(self, text: str) -> None:
        """More of the arguments of the call begun last."""
        if not text:
            return
        last = self._done[-1] if self._done and not self._texts else None
        if isinstance(last, CallPart):
            self._done[-1] = CallPart(last.index, last.id, last.name, last.arguments + text)
        else:
            self._flush()
            self._done.append(CallPart(self.calls - 1, arguments=text))

    def take(self) -> list[OutputPart]:
        """The parts since the last look."""
        self._flush()
        done, self._done = self._done, []
        return done

    def _add(self, kind: type[TextPart] | type[ThinkingPart], text: str) -> None:
        if kind is not self._kind:
            self._flush()
            self._kind = kind
        if text:
            self._texts.append(text)

    def _flush(self) -> None:
        if self._texts:
            self._done.append(self._kind("".join(self._texts)))
            self._texts = []


class Trimmer:
    """Passes text on without the white space at its ends; inner white space comes with what follows it."""

    def __init__(self, emit: Callable[[str], None], *, left: bool = True) -> None:
        self._emit = emit
        self._left = left
        self._held: list[str] = []

    def feed(self, text: str) -> None:
        if self._left:
            text = text.lstrip()
        kept = text.rstrip()
        if kept:
            self._emit("".join([*self._held, kept]))
            self._held, self._left = [], False
        if len(kept) < len(text):
            self._held.append(text[len(kept) :])

    def take_held(self) -> str:
        """The white space just read, which is then this caller's to pass on."""
        held, self._held = "".join(self._held), []
        return held

    def trim_next(self) -> None:
        """Leave out white space before whatever comes next."""
        self._held, self._left = [], True

    def flush(self) -> None:
        """Pass on the white space just read after all."""
        if held := self.take_held():
            self._emit(held)
