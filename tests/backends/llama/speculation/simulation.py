"""An answer written with speculation, on paper: what each step would cost on a machine that was measured."""

from bisect import bisect_left
from collections.abc import Callable, Sequence

from app.backends.llama.speculation.length import DraftLength
from app.backends.llama.speculation.speculator import Drafter, Speculator

_TWO_CORES = ((1, 0.0193), (4, 0.0484), (8, 0.0692), (16, 0.1087), (32, 0.1880))
"""(tokens of a step, seconds), 0.5B shape on two cores; the last by extension."""
_GRAPHICS_CARD = ((1, 0.0100), (32, 0.0110))

CostOf = Callable[[int], float]


def two_cores(tokens: int) -> float:
    return _between(_TWO_CORES, tokens)


def graphics_card(tokens: int) -> float:
    return _between(_GRAPHICS_CARD, tokens)


def _between(table: Sequence[tuple[int, float]], tokens: int) -> float:
    at = max(1, bisect_left([row[0] for row in table], tokens))
    (low, low_s), (high, high_s) = table[at - 1], table[at]
    return low_s + (high_s - low_s) * (tokens - low) / (high - low)


class Guess:
    """A drafter that says what it is told: at each position of the answer the tokens the function gives."""

    free = False

    def __init__(self, guess: Callable[[int, int], list[int]]) -> None:
        self._guess = guess
        self._position = 0
        self.asked = 0
        self.closed = False

    def extend(self, tokens: Sequence[int]) -> None:
        self._position += len(tokens)

    def draft(self, most: int) -> list[int]:
        self.asked += 1
        return self._guess(self._position, most)

    def close(self) -> None:
        self.closed = True


def speed_up(
    answer: Sequence[int], drafter: Drafter, cost: CostOf = two_cores, length: DraftLength | None = None
) -> float:
    """How many times faster the answer is written than a token at a time. Drafting itself costs nothing here."""
    speculator, position, spent = Speculator([(drafter, length or DraftLength())]), 0, 0.0
    while position < len(answer):
        written = verified(answer[position:], speculator.draft(room=64))
        seconds = cost(1 + len(speculator.pending))
        speculator.observe(written, seconds)
        position += len(written)
        spent += seconds
    return len(answer) * cost(1) / spent


def verified(coming: Sequence[int], draft: Sequence[int]) -> Sequence[int]:
    """What a step writes: the drafted tokens that are right, and the one the model chooses after them."""
    pairs = zip(draft, coming, strict=False)
    right = next((index for index, (guess, token) in enumerate(pairs) if guess != token), min(len(draft), len(coming)))
    return coming[: right + 1]
