"""Notices answers that go round in circles: an exact cycle, or long runs of tokens that were all written before.

The thresholds leave alone what repeats for good reason: rows of a table, arrays of zeros, a chorus, boilerplate code.
A cycle counts from `CYCLE_TOKENS` on and from eight rounds, or four where a round is long. Without an exact cycle (a
counter that moves in every round) most of the last `WINDOW` tokens must belong to runs that were written four times.
"""

from collections import deque
from collections.abc import Hashable

CYCLE_TOKENS = 400
"""The shortest cycle in all its rounds that ends an answer: one token of it may be a line of dashes."""
SHORT_ROUND = 128
ROUNDS_OF_SHORT, ROUNDS_OF_LONG = 8, 4
RUN = 12
"""Tokens that must be equal to be a repetition at all."""
WINDOW = 768
STALE_SHARE = 0.65
TIMES = 4
HISTORY = 4096
"""Tokens looked back on."""


class RepetitionFinder:
    """Told every token of an answer; a few dictionary operations for each, whatever the length."""

    def __init__(self) -> None:
        self._tokens: list[int] = []
        self._first = 0
        """The place of `_tokens[0]` in the answer."""
        self._last_run: deque[int] = deque(maxlen=RUN)
        self._runs: deque[Hashable] = deque()
        self._seen: dict[Hashable, tuple[int, int]] = {}
        """For each run in the history how often it is there, and the place of its last end."""
        self._period = 0
        self._equal = 0
        """Tokens in a row that equal the one a period before."""
        self._stale: deque[bool] = deque([False] * WINDOW, maxlen=WINDOW)
        self._stale_count = 0

    def feed(self, token: int) -> bool:
        """One more token; whether the answer repeats itself by now."""
        self._append(token)
        times, place = self._count_run()
        self._follow_cycle(token, place)
        stale = times >= TIMES
        self._stale_count += stale - self._stale[0]
        self._stale.append(stale)
        return self._is_cycle() or self._stale_count >= STALE_SHARE * WINDOW

    def _append(self, token: int) -> None:
        self._tokens.append(token)
        self._last_run.append(token)
        if len(self._tokens) > 2 * HISTORY:
            del self._tokens[:HISTORY]
            self._first += HISTORY

    def _count_run(self) -> tuple[int, int]:
        """How often the last run has been written, this time included, and where it ended before; -1 for nowhere."""
        if len(self._last_run) < RUN:
            return 0, -1
        run = tuple(self._last_run)
        times, place = self._seen.get(run, (0, -1))
        self._seen[run] = (times + 1, self._first + len(self._tokens) - 1)
        self._runs.append(run)
        if len(self._runs) > HISTORY:
            self._forget(self._runs.popleft())
        return times + 1, place

    def _forget(self, run: Hashable) -> None:
        times, place = self._seen[run]
        if times == 1:
            del self._seen[run]
        else:
            self._seen[run] = (times - 1, place)

    def _follow_cycle(self, token: int, place: int) -> None:
        """Go on with the cycle being followed, or take up the one that the last run began again."""
        at = len(self._tokens) - 1
        if self._period and at >= self._period and self._tokens[at - self._period] == token:
            self._equal += 1
        elif place >= 0:
            self._period, self._equal = self._first + at - place, RUN
        else:
            self._period = self._equal = 0

    def _is_cycle(self) -> bool:
        if not self._period:
            return False
        rounds = ROUNDS_OF_SHORT if self._period < SHORT_ROUND else ROUNDS_OF_LONG
        return self._equal + self._period >= max(CYCLE_TOKENS, rounds * self._period)
