"""How many tokens to draft: as many as save time, none where none do.

A draft of d tokens makes a step that computes d tokens more and, with the chance p that one is right, yields
p + p² + … + p^d more. What a step of n tokens costs is learnt by watching; so is p.
"""

from bisect import bisect_left

ANY_LENGTHS = (1, 2, 3, 5, 7, 11, 15, 23, 31)
"""Lengths to choose from; with the token before the draft these fill batches of 2, 3, 4, 6, 8, 12, 16, 24, 32."""
MOST_DRAFTED = 15
"""Measured on processors: batches of up to 32 tokens give the logits that single tokens give, bit by bit."""
ASSUMED_SLOPE = 0.12
"""Share of a plain step that a further token is taken to cost until it is known."""
FLATTENING = 0.7
"""Further tokens cost less than those before: this share of their mean."""
SMOOTHING = 0.25
OUTLIER = 3.0
"""A step of more than this many times what was expected was disturbed: it counts as this many times."""

MEMORIES = (0.9, 0.97)
"""Weights of what is known of p against one more token: the quick one sees a quotation begin."""
MOST_FAILURES = 2
"""After as many drafts in a row of which nothing was right, the next is of one token."""
ALLOWANCE = 0.012
"""Share of the time that useless drafts may cost in the long run."""
CREDIT = 1.0
"""Plain steps they may cost at once."""
MOST_SAVED = 8.0
"""Plain steps of earlier savings that may be spent on drafts that became useless."""
FORGIVING_RUN = 5
"""As many unverified tokens in a row that were right allow drafts again, whatever earlier ones cost."""
FIRST_PAUSE, LONGEST_PAUSE = 24, 384
"""Steps between two tries while drafting does not pay; doubled after each that failed."""


class StepTimes:
    """What a step of so many tokens takes, learnt from the steps there were. Shared by all answers of a context.

    It depends on the number of threads: what was learnt with another number is kept apart.
    """

    def __init__(self) -> None:
        self._by_threads: dict[int, tuple[dict[int, float], list[int]]] = {}
        self._seconds: dict[int, float] = {}
        self._known: list[int] = []
        self.use(0)

    def use(self, threads: int) -> None:
        """From now on steps have that many threads."""
        self._seconds, self._known = self._by_threads.setdefault(threads, ({}, []))

    def observe(self, tokens: int, seconds: float) -> None:
        """A step of that many tokens took so long."""
        if tokens < 1 or seconds <= 0:
            return
        before = self._seconds.get(tokens)
        if before is None:
            self._known.insert(bisect_left(self._known, tokens), tokens)
            self._seconds[tokens] = seconds
        else:
            self._seconds[tokens] = before + SMOOTHING * (min(seconds, OUTLIER * before) - before)

    @property
    def known(self) -> bool:
        """Whether any step has been seen."""
        return bool(self._known)

    def expected(self, tokens: int) -> float:
        """Seconds of such a step: between two that are known, or beyond them; 1.0 and more where nothing is known, so
        that proportions are right all the same."""
        if not self._known:
            return _assumed(1.0, 1, tokens)
        at = bisect_left(self._known, tokens)
        if at < len(self._known) and self._known[at] == tokens:
            return self._seconds[tokens]
        if 0 < at < len(self._known):
            return self._between(self._known[at - 1], self._known[at], tokens)
        return self._beyond(tokens)

    def _beyond(self, tokens: int) -> float:
        first, last = self._known[0], self._known[-1]
        if first == last or tokens < first:
            return _assumed(self._seconds[first], first, tokens)
        slope = max(0.0, (self._seconds[last] - self._seconds[first]) / (last - first))
        return self._seconds[last] + FLATTENING * slope * (tokens - last)

    def _between(self, lower: int, upper: int, tokens: int) -> float:
        share = (tokens - lower) / (upper - lower)
        return self._seconds[lower] * (1 - share) + self._seconds[upper] * share


def _assumed(seconds: float, at: int, tokens: int) -> float:
    """Seconds of a step of `tokens`, from one of `at` tokens."""
    return seconds * (1 + ASSUMED_SLOPE * (tokens - 1)) / (1 + ASSUMED_SLOPE * (at - 1))


class DraftLength:
    """Decides for one answer. `times` may be shared and is then fed by its owner; else `observe` feeds its own."""

    def __init__(self, times: StepTimes | None = None, most: int = MOST_DRAFTED) -> None:
        self._own_times = times is None
        self._times = times or StepTimes()
        self._lengths = [length for length in ANY_LENGTHS if length <= most]
        self._chances = [_Chance(memory) for memory in MEMORIES]
        self._failures = 0
        """Drafts in a row of which nothing was right."""
        self._run = 0
        """Unverified tokens in a row that were right."""
        self._debt = 0.0
        """Plain steps that drafts cost more than they saved; forgiven little by little."""
        self._draft_seconds = 0.0
        """What making a draft takes, for each token."""
        self._pause = FIRST_PAUSE
        self._waiting = 0
        """Steps until drafting is tried again though it does not seem to pay."""
        self._beside = 0

    @property
    def acceptance(self) -> float:
        """The chance that a drafted token is right, as far as it is known; begins hopeful."""
        return max(chance.value for chance in self._chances)

    def next(self, beside: int = 0) -> int:
        """How many tokens to draft now, 0 for none. `beside`: tokens of other answers in the same step."""
        self._beside = beside
        if not self._lengths or self._debt > CREDIT or not self._times.known:
            return 0
        shortest = self._lengths[0]
        best = self._best()
        if best:
            return shortest if self._untried or self._failures >= MOST_FAILURES else best
        return shortest if self._waiting <= 0 else 0

    def foresee(self, right: bool) -> None:
        """A token that was drafted but not verified turned out right or wrong: what this teaches costs nothing."""
        self._learn(int(right), int(not right))
        self._run = self._run + 1 if right else 0
        if self._run >= FORGIVING_RUN:
            self._debt = min(self._debt, CREDIT)

    def observe(
        self, drafted: int, accepted: int, seconds: float, plain_seconds: float | None = None, draft_seconds: float = 0
    ) -> None:
        """A step is done. `seconds` it took, `plain_seconds` it would have taken without this answer's draft, and
        `draft_seconds` more went into making the draft."""
        if self._own_times:
            self._times.observe(self._beside + 1 + drafted, seconds)
        self._debt -= ALLOWANCE
        if not drafted:
            self._waiting -= 1
            self._debt = max(self._debt, -MOST_SAVED)
            return
        self._draft_seconds += SMOOTHING * (draft_seconds / drafted - self._draft_seconds)
        plain = plain_seconds or self._times.expected(self._beside + 1)
        self._settle(accepted, (seconds + draft_seconds) / plain - 1)
        self._learn(accepted, int(accepted < drafted))
        self._failures = 0 if accepted else self._failures + 1
        self._pause = FIRST_PAUSE if self._best() else min(self._pause * 2, LONGEST_PAUSE)
        self._waiting = self._pause

    @property
    def _untried(self) -> bool:
        return self._chances[0].trials == 0

    def _settle(self, accepted: int, extra: float) -> None:
        """Book what the draft cost, in plain steps, and what it saved: a token is worth its share of a plain step."""
        self._debt += min(extra, OUTLIER) - accepted / (self._beside + 1)
        self._debt = min(max(self._debt, -MOST_SAVED), 2 * CREDIT)

    def _learn(self, right: int, wrong: int) -> None:
        for chance in self._chances:
            chance.learn(right, wrong)
        if right:
            self._failures = 0

    def _best(self) -> int:
        """The length that yields most tokens a second; 0 where none beats a plain step."""
        return max((0, *self._lengths), key=self._rate)

    def _rate(self, length: int) -> float:
        p, tokens = min(self.acceptance, 0.995), self._beside + 1
        gained = p * (1 - p**length) / (1 - p)
        return (tokens + gained) / (self._times.expected(tokens + length) + length * self._draft_seconds)


class _Chance:
    """The share of tokens that were right, older ones weighing less."""

    def __init__(self, memory: float) -> None:
        self._memory = memory
        self._right = 0.0
        self.trials = 0.0

    @property
    def value(self) -> float:
        return (self._right + 1.2) / (self.trials + 1.5)

    def learn(self, right: int, wrong: int) -> None:
        for outcome in [1] * right + [0] * wrong:
            self._right = self._right * self._memory + outcome
            self.trials = self.trials * self._memory + 1
