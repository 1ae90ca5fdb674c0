"""Completes constrained output that met a limit: walks through its grammar by single bytes until it may end."""

import random
import time
from collections.abc import Callable, Collection, Sequence

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher

_MOST_STEPS = 4000
"""Of all tries together: 10 to 50 µs each."""
_MOST_LENGTH = 1500
_MOST_TIME_S = 0.5
"""For grammars whose single steps are slow; all other answers wait meanwhile."""
_TRIES = 16
_FREE_TEXT = 60
"""Where more bytes than these may follow, we are in a string: its end comes first."""

Picker = Callable[[list[int]], int]


def _ranks(*groups: str) -> dict[int, int]:
    """The rank of each byte: those named first, then the rest in their order, what opens something and space last."""
    named = [ord(character) for group in groups for character in group]
    late = [byte for byte in b"-.eE\\(<[{ \n\t\r" if byte not in named]
    rest = [byte for byte in range(256) if byte not in named and byte not in late]
    return {byte: rank for rank, byte in enumerate([*named, *rest, *late])}


_STRUCTURE = _ranks("}])>,:", "0123456789", '"', "nft[{")
_OTHER_STRUCTURE = _ranks("}])>,:", '"', "1987654320", "nft[{")
_TEXT = _ranks('"', "a0 ")


def shortest_closing(
    matcher: LLMatcher, single: npt.NDArray[np.intp], ends: Collection[int], bytes_of: Sequence[bytes]
) -> bytes | None:
    """The bytes after which the matcher may end, None where none were found within the limits.

    `single` names the token of each byte, `ends` those that end answers. The first try prefers what closes JSON; later
    ones stray from that path more and more, by chance that is the same each time. The matcher itself is not moved.
    """
    chance = random.Random(0)
    until = time.perf_counter() + _MOST_TIME_S
    steps = _MOST_STEPS
    for attempt in range(_TRIES):
        walk = _Walk(matcher.deep_copy(), single, ends, bytes_of)
        found = walk.run(_picker(attempt, chance), min(steps, _MOST_LENGTH), until)
        if found is not None:
            return found
        steps -= walk.steps
        if steps <= 0 or time.perf_counter() > until:
            break
    return None


def _picker(attempt: int, chance: random.Random) -> Picker:
    structure = _STRUCTURE if attempt % 2 == 0 else _OTHER_STRUCTURE
    straying = 0.0 if attempt < 2 else attempt / _TRIES

    def pick(allowed: list[int]) -> int:
        if straying and chance.random() < straying:
            return chance.choice(allowed)
        ranks = _TEXT if len(allowed) > _FREE_TEXT else structure
        return min(allowed, key=ranks.__getitem__)

    return pick


class _Walk:
    """One try: a copy of the matcher that is fed byte by byte."""

    def __init__(
        self,
        matcher: LLMatcher,
        single: npt.NDArray[np.intp],
        ends: Collection[int],
        bytes_of: Sequence[bytes],
    ) -> None:
        self.steps = 0
        self._matcher = matcher
        self._single = single
        self._ends = ends
        self._bytes_of = bytes_of

    def run(self, pick: Picker, limit: int, until: float) -> bytes | None:
        """What was fed until it may end; None where that does not come within the limits of steps and time."""
        text = bytearray()
        while not self._matcher.is_accepting():
            token = self._next(pick)
            if token is None or self.steps >= limit or time.perf_counter() > until:
                return None
            if not self._matcher.consume_token(token):
                return None
            text += self._bytes_of[token]
            self.steps += 1
        return bytes(text)

    def _next(self, pick: Picker) -> int | None:
        """The token of the byte picked; where none may follow alone, the shortest token: of a text without choice
        llguidance allows whole tokens only.
        """
        mask = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        tokens = self._single
        bits = mask[tokens >> 3] >> (tokens & 7).astype(np.uint8) & 1
        allowed = np.flatnonzero((bits == 1) & (tokens >= 0)).tolist()
        if allowed:
            return int(tokens[pick(allowed)])
        others = [token for token in np.flatnonzero(np.unpackbits(mask, bitorder="little")) if token not in self._ends]
        return min(map(int, others), key=lambda token: len(self._bytes_of[token]), default=None)
