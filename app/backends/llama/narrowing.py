"""How much of what is due a step may compute once a decode has failed: half of it, and half again, until it succeeds.

So the one at fault ends up in a step of its own, and where only the size was too much everybody goes on in smaller
steps. Whoever was computed longest ago goes first. After some good steps the limit doubles; should that fail, after
twice as many the next time: a failure costs those whose memory cannot be cut all they have read, and they must get
through between two.
"""

from collections.abc import Sequence

WIDEN_AFTER, WIDEN_AFTER_MOST = 8, 1 << 16
"""Good steps before the limit doubles, at first and after many failures."""


class Narrowing:
    """The limit of a step's tokens; none until a decode fails."""

    def __init__(self) -> None:
        self._limit = 0
        """0: none."""
        self._failed = 0
        """Tokens of the smallest step that is known to have failed."""
        self._good = 0
        self._patience = WIDEN_AFTER
        """Good steps before the limit doubles."""
        self._widened = False
        """It has doubled since the last failure."""
        self._clock = 0
        self._computed: dict[int, int] = {}
        """When each was computed last, as a count."""

    @property
    def limited(self) -> bool:
        return self._limit > 0

    def fail(self, tokens: int) -> bool:
        """A decode of that many tokens failed. False where it cannot be smaller: then there is somebody at fault."""
        if tokens <= 1:
            self._lift()
            self._patience, self._widened = WIDEN_AFTER, False
            return False
        if self._widened:
            self._patience, self._widened = min(2 * self._patience, WIDEN_AFTER_MOST), False
        self._limit, self._failed, self._good = tokens // 2, tokens, 0
        return True

    def allot(self, wanted: Sequence[tuple[int, int]]) -> list[int]:
        """The tokens each may have of those it wants, by (number, tokens); most get none while the limit is low."""
        allotted = [0] * len(wanted)
        left = self._limit
        for index in sorted(range(len(wanted)), key=lambda index: self._computed.get(wanted[index][0], 0)):
            allotted[index] = min(wanted[index][1], left)
            left -= allotted[index]
        return allotted

    def succeed(self, numbers: Sequence[int]) -> None:
        """A limited step with a part of each of these was computed."""
        self._clock += 1
        self._computed.update(dict.fromkeys(numbers, self._clock))
        self._good += 1
        if self._good >= self._patience:
            self._limit, self._good, self._widened = 2 * self._limit, 0, True
            if self._limit > self._failed:
                self._lift()

    def _lift(self) -> None:
        self._limit = self._failed = self._good = 0
        self._computed.clear()
