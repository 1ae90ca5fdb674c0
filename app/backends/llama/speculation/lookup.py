"""Drafts from the text itself: what followed the last few tokens when they stood there before.

One history is searched: the prediction, if there is one, then the prompt, then the answer. A source, a position in
that history, is followed as long as it foresees the tokens, and over a few it did not: where a text is repeated with
changes, one token replaced by another leaves the rest in step.
"""

from array import array
from collections.abc import Sequence

SHORTEST_MATCH = 2
"""Tokens a source must share with the end of the text."""
LONGEST_MATCH = 8
"""Matches are compared up to this length."""
MOST_CANDIDATES = 24
"""Earlier places of the same two tokens that are looked at, newest first."""
MOST_TRUST = 8
"""A source gains trust with each token it foresaw, up to this; without any left it is given up."""
MISS_COSTS = 2
PROVEN = 2
"""With this much trust left after a difference, only a match of three tokens or more leads elsewhere."""

_BORDER = -1
"""Stands between prediction and prompt, and for what is no token: no draft crosses it."""
_NOWHERE = -1


class LookupDrafter:
    """Drafts for one answer. Every token costs the same to add, however long the text is; so does a draft.

    Numbers below 0, which stand for pictures, are never drafted.
    """

    free = True
    """Asking costs so little that drafts nobody verifies are worth making."""

    def __init__(self, prompt: Sequence[int], prediction: Sequence[int] = ()) -> None:
        border = [_BORDER] if prediction else []
        self._history = array("q", [*prediction, *border, *(max(token, _BORDER) for token in prompt)])
        self._last: dict[int, int] = {}
        """Where each pair of tokens was last followed by something: the position of that next token."""
        self._earlier = array("q")
        """For each position, the next earlier one that follows the same pair."""
        self._source = 0 if prediction else _NOWHERE
        """The position in the history expected to come next."""
        self._trust = MOST_TRUST if prediction else 0
        self._in_step = bool(prediction)
        """Whether the source foresaw the last token."""

    def extend(self, tokens: Sequence[int]) -> None:
        """These tokens were read or written."""
        for token in tokens:
            self._follow(token)
            self._history.append(token)

    def draft(self, most: int) -> list[int]:
        """What probably comes next, at most that many tokens; empty where nothing is known."""
        if not (self._in_step and self._trust >= PROVEN):
            self._find_source()
        return self._read(most) if self._source != _NOWHERE else []

    def close(self) -> None:
        """Nothing is held; here because drafters that hold something have it."""

    def _follow(self, token: int) -> None:
        """Move the source one on, and give it up once it has been wrong too often."""
        if self._source == _NOWHERE:
            return
        self._in_step = self._history[self._source] == token
        self._trust = min(self._trust + 1, MOST_TRUST) if self._in_step else self._trust - MISS_COSTS
        self._source += 1
        at_border = self._source < len(self._history) and self._history[self._source] == _BORDER
        if self._trust <= 0 or at_border:
            self._source, self._trust, self._in_step = _NOWHERE, 0, False

    def _find_source(self) -> None:
        """Go to the longest match; a proven source is left for one of three tokens or more only."""
        self._index()
        length, position = self._longest_match()
        if length > SHORTEST_MATCH or (length == SHORTEST_MATCH and self._trust < PROVEN):
            self._source, self._trust, self._in_step = position, length, True

    def _longest_match(self) -> tuple[int, int]:
        """Length of the longest match found, and the position behind it; among equals the one nearest to the source."""
        best, best_position = 0, _NOWHERE
        position = self._last.get(_pair(self._history, len(self._history)), _NOWHERE)
        for _ in range(MOST_CANDIDATES):
            if position == _NOWHERE:
                break
            length = self._match_length(position)
            nearer = abs(position - self._source) < abs(best_position - self._source)
            if length > best or (length == best and self._source != _NOWHERE and nearer):
                best, best_position = length, position
            position = self._earlier[position]
        return best, best_position

    def _match_length(self, position: int) -> int:
        history, end, length = self._history, len(self._history), 0
        limit = min(LONGEST_MATCH, position)
        while length < limit and history[position - 1 - length] == history[end - 1 - length] != _BORDER:
            length += 1
        return length

    def _index(self) -> None:
        """Enter every position that has a token before the end; done when first needed, then token by token."""
        history, last, earlier = self._history, self._last, self._earlier
        for position in range(len(earlier), len(history)):
            if position < SHORTEST_MATCH or history[position] == _BORDER:
                earlier.append(_NOWHERE)
                continue
            pair = _pair(history, position)
            earlier.append(last.get(pair, _NOWHERE))
            last[pair] = position

    def _read(self, most: int) -> list[int]:
        """The tokens from the source on. A source near the end is a cycle: it goes on with what is drafted itself."""
        found = self._history[self._source : self._source + most].tolist()
        if _BORDER in found:
            return found[: found.index(_BORDER)]
        period = len(self._history) - self._source
        while len(found) < most:
            found.append(found[-period])
        return found


def _pair(history: Sequence[int], position: int) -> int:
    """The two tokens before that position as one number."""
    return (history[position - 2] << 32 | history[position - 1]) if position >= SHORTEST_MATCH else _NOWHERE
