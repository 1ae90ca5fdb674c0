"""How many tokens of prompts ride along in a step, so that running answers keep most of their speed."""

SHARE = 0.36
"""Of the time, for prompts while others are writing: those keep more than 60 % of their speed."""
CHUNK_S = 0.12
"""What a chunk of a prompt may cost while others are writing: the longest pause of their answers."""
ALONE_CHUNK_S = 0.6
"""The same while nobody is writing: how long a newcomer waits."""
FIRST_CHUNK = 64
"""Tokens of a chunk before any was measured."""
LEAST_CHUNK = 16
_GRAIN = 16
_WEIGHT = 0.4
"""Of the newest measurement in a running mean."""


class Pace:
    """Learns what a prompt's token and a step cost. Times in seconds."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.token_s: float | None = None
        """Cost of one token of a prompt."""
        self._steps: dict[int, float] = {}
        """Cost of a step that only writes, by the number of its tokens."""
        self._credit = 0.0
        """Time prompts have coming while others write; negative while they took more than their share."""

    def chunk(self, writing: int) -> int:
        """Tokens of prompts that may be in the next step, while that many tokens of answers are; 0: none now."""
        if writing and self._credit < 0:
            return 0
        if self.token_s is None:
            return min(FIRST_CHUNK, self._most)
        tokens = int((CHUNK_S if writing else ALONE_CHUNK_S) / self.token_s)
        return min(self._most, max(LEAST_CHUNK, tokens // _GRAIN * _GRAIN))

    def step_s(self, writing: int) -> float | None:
        """What a step costs that only writes that many tokens; None where no such step was seen."""
        return self._steps.get(writing)

    def eta(self, tokens: int, writing: int) -> float | None:
        """Time until that many tokens of prompts are read; None before anything was measured."""
        if self.token_s is None:
            return None
        return tokens * self.token_s / (SHARE if writing else 1.0)

    def observe(self, prompt: int, writing: int, seconds: float, without: float | None = None) -> None:
        """A step took that long, with that many tokens of prompts and of answers.

        `without`: what it would have taken without the prompts, where that is not what a step costs that only writes,
        as with drafts in it.
        """
        if not prompt:
            if without is None:
                self._steps[writing] = _mean(self._steps.get(writing), seconds)
            gain = seconds * SHARE / (1 - SHARE)
            self._credit = min(self._credit, 0.0) + gain
            return
        if without is None:
            without = self._steps.get(writing, 0.0) if writing else 0.0
        extra = max(0.0, seconds - without)
        if prompt >= LEAST_CHUNK:
            self.token_s = _mean(self.token_s, extra / prompt)
        self._credit = self._credit - extra if writing else 0.0


def _mean(old: float | None, new: float) -> float:
    return new if old is None else old + _WEIGHT * (new - old)
