"""The piece of a text that shows why it was found, with the found words marked.

The full-text index holds no text, so the words are found again here, in the same sense: capitals and accents do not
count, a word matches from its beginning, and Chinese matches anywhere.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from app.store.segments import CJK

WIDTH = 140
"""Characters of a snippet, apart from the signs of omission."""
LEAD = 30
"""Characters shown before the first found word."""
_FIRST_LOOK = 4000
"""Characters of a long text that are looked at first; most texts say what they are about early."""

_WORD_SIGN = f"[^\\W_{CJK}]"
_pieces = re.compile(f"[{CJK}]|{_WORD_SIGN}+")
_ACCENTS = "[\u0300-\u036f]*"


@dataclass(frozen=True)
class Word:
    """A word, or several that must stand together. With `prefix` its end may be missing: it is still being typed."""

    text: str
    prefix: bool = False


class _Folding(dict[int, str]):
    """Each character in small and, below U+2000 (Latin, Greek, Cyrillic), without its accent; lengths stay the same."""

    def __missing__(self, code: int) -> str:
        small = chr(code).lower()
        if code < 0x2000:
            apart = unicodedata.normalize("NFD", small)
            small = apart if all(map(unicodedata.combining, apart[1:])) else small
        self[code] = small[0]
        return small[0]


_folding = _Folding()


class Highlighter:
    """Finds the words of one query, at least one, in texts."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._words = [re.compile(_pattern(word)) for word in words]
        self._anchors = [re.compile(_pattern(together(words))), *self._words]

    def snippet(self, text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
        """At most WIDTH characters round the first found word, on one line, and the ranges of all found words in it."""
        anchor = self._anchor(text)
        start = max(0, anchor - LEAD)
        if start:
            start = max(start, text.find(" ", start, anchor) + 1)
        piece = " ".join(text[start : start + 2 * WIDTH].split())
        left_out = len(piece) > WIDTH or len(text) > start + 2 * WIDTH
        snippet = ("…" if start else "") + piece[:WIDTH] + ("…" if left_out else "")
        return snippet, self.marks(snippet)

    def marks(self, text: str) -> tuple[tuple[int, int], ...]:
        """The ranges of all found words, in order, overlapping ones joined."""
        folded = _fold(text)
        ranges = sorted(match.span() for pattern in self._words for match in pattern.finditer(folded))
        joined: list[tuple[int, int]] = []
        for start, end in ranges:
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            elif end > start:
                joined.append((start, end))
        return tuple(joined)

    def _anchor(self, text: str) -> int:
        """Where all words stand together, else where the first of them is found, else the beginning."""
        for part in (text[:_FIRST_LOOK], text) if len(text) > _FIRST_LOOK else (text,):
            folded = _fold(part)
            for pattern in self._anchors:
                if match := pattern.search(folded):
                    return match.start()
        return 0


def together(words: Sequence[Word]) -> Word:
    """All words as one: they must follow each other."""
    return Word(" ".join(word.text for word in words), words[-1].prefix)


def has_signs(text: str) -> bool:
    """Whether the text holds anything that is indexed at all."""
    return _pieces.search(text) is not None


def _fold(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_folding)


def _pattern(word: Word) -> str:
    """A regular expression over folded text: the word's pieces, with nothing but other signs between them."""
    pieces = _pieces.findall(_fold(unicodedata.normalize("NFC", word.text)))
    ends = [False] * (len(pieces) - 1) + [word.prefix]
    return r"[\W_]*".join(_piece_pattern(piece, open_end) for piece, open_end in zip(pieces, ends, strict=False))


def _piece_pattern(piece: str, open_end: bool) -> str:
    if re.fullmatch(f"[{CJK}]", piece):
        return piece
    letters = _ACCENTS.join(map(re.escape, piece))
    return f"(?<!{_WORD_SIGN}){letters}{_ACCENTS}" + ("" if open_end else f"(?!{_WORD_SIGN})")
