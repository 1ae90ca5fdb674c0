"""Remembers the tokens of long texts piece by piece: the next turn of a conversation tokenises what is new in it.

Tokenisers of the byte-pair kind cut a text at its control tokens first and treat what lies between on its own, so the
pieces between can be tokenised one by one and kept. Cuts are made before a control token only.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Collection

SHORT = 256
"""Characters of a text up to which it is tokenised as it is: that takes no longer than looking it up."""
KEPT = 4_000_000
"""Characters of all texts that are remembered."""


class Fragments:
    """Tokenises with `tokenize`, as if the whole text were given to it.

    `marks` are the texts of control tokens, `others` those of further tokens that are looked for in a text as a whole.
    Used by one thread.
    """

    def __init__(
        self, tokenize: Callable[[str], list[int]], marks: Collection[str], others: Collection[str] = ()
    ) -> None:
        self._tokenize = tokenize
        self._cut = None if not marks or _entangled(marks, others) else _before(marks)
        self._known: OrderedDict[str, list[int]] = OrderedDict()
        self._size = 0

    def tokens(self, text: str) -> list[int]:
        """The tokens of the text, control tokens parsed."""
        if self._cut is None or len(text) <= SHORT:
            return self._tokenize(text)
        tokens: list[int] = []
        for piece in self._cut.split(text):
            tokens += self._tokenize(piece) if len(piece) <= SHORT else self._remembered(piece)
        return tokens

    def _remembered(self, piece: str) -> list[int]:
        known = self._known.get(piece)
        if known is not None:
            self._known.move_to_end(piece)
            return known
        tokens = self._known[piece] = self._tokenize(piece)
        self._size += len(piece)
        while self._size > KEPT:
            forgotten, _ = self._known.popitem(last=False)
            self._size -= len(forgotten)
        return tokens


def _before(marks: Collection[str]) -> re.Pattern[str]:
    return re.compile(f"(?={'|'.join(map(re.escape, marks))})")


def _entangled(marks: Collection[str], others: Collection[str]) -> bool:
    """Whether a mark can begin inside another token's text: which of them is found then depends on the order."""
    beginnings = {mark[:end] for mark in marks for end in range(1, len(mark) + 1)}
    texts = (*marks, *others)
    return any(text[start:] in beginnings for text in texts for start in range(1, len(text))) or any(
        text.find(mark, 1) > 0 for text in texts for mark in marks
    )
