"""Unguessable stand-ins for what a template must not see as it is: texts of control tokens, and pictures.

What this cannot cover: a template that deletes text from the middle of a message could join a control token there.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

_PRIVATE_USE = range(0xE000, 0xF8FF)
_NONCE_LENGTH = 9
"""Characters of 12.6 bits each: 113 bits nobody can guess."""


@dataclass(frozen=True)
class Picture:
    """An encoded picture in its place among the tokens. `key` tells pictures apart by content."""

    data: bytes
    key: str

    @classmethod
    def of(cls, data: bytes) -> "Picture":
        return cls(data, sha256(data).hexdigest())


def special_pattern(texts: Iterable[str]) -> re.Pattern[str] | None:
    """Matches any of the texts, the longest first; None where there are none."""
    ordered = sorted({text for text in texts if text}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered))) if ordered else None


class Veil:
    """The stand-ins of one prompt."""

    def __init__(self, pattern: re.Pattern[str] | None) -> None:
        self._pattern = pattern
        self._nonce = "".join(chr(secrets.choice(_PRIVATE_USE)) for _ in range(_NONCE_LENGTH))
        self._hidden: list[str | Picture] = []
        self._numbers: dict[str | Picture, int] = {}

    def hide(self, content: str) -> str:
        """The text with stand-ins for the texts of control tokens in it."""
        return self._pattern.sub(lambda match: self._stand_in(match.group()), content) if self._pattern else content

    def hide_deep(self, value: Any) -> Any:
        """The same for all texts in a value made of lists, mappings and scalars, keys too."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, Mapping):
            return {self.hide_deep(key): self.hide_deep(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.hide_deep(item) for item in value]
        return value

    def picture(self, data: bytes) -> str:
        """The stand-in of a picture."""
        return self._stand_in(Picture.of(data))

    def mark(self) -> str:
        """A text that comes from nowhere else and stands for nothing."""
        return self._stand_in("")

    def split(self, text: str) -> list[tuple[str | Picture, bool]]:
        """The pieces of a rendered text in order, each with whether it was hidden."""
        if not self._hidden:
            return [(text, False)] if text else []
        pieces: list[tuple[str | Picture, bool]] = []
        for index, part in enumerate(re.split(f"{self._nonce}(.)", text, flags=re.DOTALL)):
            piece = self._hidden[ord(part) - _PRIVATE_USE.start] if index % 2 else part
            if piece:
                pieces.append((piece, bool(index % 2)))
        return pieces

    def _stand_in(self, hidden: str | Picture) -> str:
        number = self._numbers.get(hidden)
        if number is None:
            number = self._numbers[hidden] = len(self._hidden)
            self._hidden.append(hidden)
        return self._nonce + chr(_PRIVATE_USE.start + number)
