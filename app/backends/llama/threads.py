"""How many threads each step of the engine uses, so that it is fast alone and bears others beside it.

llama.cpp's threads meet after every operation, some seven hundred times a step, and wait for each other awake. With one
thread more than there are free processors, all of them wait at every meeting for one that does not run: a step takes
ten or a hundred times as long. The number can be changed between two steps (`llama_set_n_threads`, free of cost).

What the system counts as idle, read a few times a second, says how many threads would run undisturbed: the number
follows what others leave, in both directions. Counters can be wrong, in containers or beside other virtual machines:
where steps take much longer than usual, half of the threads are tried for some steps, and what was faster stays.
"""

import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Protocol, TypeAlias

import psutil

from app.backends.llama.cores import allowed_processors

ONE_THREAD_BYTES = 32 * 1024 * 1024
"""Weights below this are decoded by one thread: meeting at every step costs several more than they save."""

_WINDOW_S = 0.15
"""Shortest time between two readings of the system's counters, which advance in hundredths of a second."""
_REST_S = 0.1
"""After so long without a step, what was read before says nothing about now."""
_LOOKS, _LOOK_S = 3, 0.001
"""How often, and how long apart, is looked whether others run before the first step after a rest."""
_TOLERANCE = 0.45
"""Part of a processor that others may use while a thread there still pays."""
_HYSTERESIS = 0.15
"""Kept from both sides of that limit, lest the number goes up and down."""
_SLACK = 1.3
"""Times the usual that a step may take before it counts as slow."""
_PATIENCE = 3.0
"""Usual steps' time that may be lost in slow ones before fewer threads are tried."""
_MOST_LOST = 1.2
"""What one step can add to that: a single knock, however hard, is none of the threads' doing."""
_RECENT = 8
"""Steps whose mean cost is what fewer threads have to beat."""
_FORGIVEN = 0.7
"""Part of the time lost that is remembered after a step that was not slow."""
_LEARNING, _LEARNING_FASTER = 0.05, 0.5
"""Weight in what is usual of a step that took longer, and of one that did not."""
_TRIAL_STEPS, _LONGEST_TRIAL = 3, 9
"""Steps that decide about fewer threads, and those after which it is given up where too few can be compared."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 32.0
"""How long the outcome of a trial stands; doubled each time that it comes out the same soon after."""
_SMALL_STEP = 16
"""Tokens up to which a step's time is kept for just that number; above, times are kept per token."""

Clock: TypeAlias = Callable[[], float]


class Load(Protocol):
    """What the rest of the machine does."""

    def restart(self) -> float | None:
        """Look from now on; what `available` would say for this very moment, None where that cannot be known."""

    def available(self) -> float | None:
        """How many processors this process could have used since the last reading: those it used and those nobody did.

        None where that is too short a time ago; else the next reading begins now.
        """


@dataclass
class Trial:
    """Fewer threads are tried. Costs are compared in usual ones of a step's size, since sizes change meanwhile."""

    threads: int
    """Used before."""
    size: int
    """Of the step that was slow last."""
    cost: float
    """Of the steps before, with those threads."""
    costs: list[float] = field(default_factory=list)
    """With fewer threads."""
    steps: int = 0
    """With fewer threads, those of sizes that were never seen before among them."""

    @property
    def is_over(self) -> bool:
        return len(self.costs) == _TRIAL_STEPS or self.steps == _LONGEST_TRIAL

    @property
    def is_better(self) -> bool:
        return len(self.costs) == _TRIAL_STEPS and median(self.costs) < self.cost


class ThreadGovernor:
    """Chooses the threads of each step: ask `threads_for` before it, tell `observe` after it.

    Never more than `most`; just that many where `adaptive` is False, as a person wants it who has given the number.
    With `small`, the model is so small that steps of few tokens take one thread. Used by one thread, but for
    `set_most`.
    """

    def __init__(
        self,
        most: int,
        *,
        small: bool = False,
        adaptive: bool = True,
        load: Load | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._most = max(1, most)
        self._count = self._most
        self._small = small
        self._adaptive = adaptive
        self._load = load or SystemLoad()
        self._clock = clock
        self._usual: dict[tuple[int, int], float] = {}
        """Cost of an undisturbed step, by threads and size."""
        self._lost = 0.0
        """Time lost in slow steps, in usual steps' times."""
        self._recent: deque[float] = deque(maxlen=_RECENT)
        """Costs of the last steps with this number of threads, in usual ones of their size."""
        self._trial: Trial | None = None
        self._pause_s = _FIRST_PAUSE_S
        self._judged = -_LONGEST_PAUSE_S
        """When a trial ended last."""
        self._ended = -_REST_S
        """When a step ended last."""

    @property
    def most(self) -> int:
        return self._most

    def set_most(self, most: int) -> None:
        """The part of the machine's threads this worker has from the next step on. May be called by any thread."""
        self._most = max(1, most)

    def threads_for(self, tokens: int) -> int:
        """Threads for a step of that many tokens, which begins now."""
        if not self._adaptive:
            self._count = self._most
        elif self._clock() - self._ended >= _REST_S:
            self._follow(self._load.restart())
        if self._count > self._most:
            self._set_count(self._most)
        return 1 if self._is_single(tokens) else self._count

    def observe(self, tokens: int, seconds: float) -> None:
        """A step of that many tokens took so long with the threads asked for."""
        if not self._adaptive or tokens < 1:
            return
        self._ended = self._clock()
        if not self._is_single(tokens):
            self._compare(_size(tokens), seconds if tokens <= _SMALL_STEP else seconds / tokens)
        self._follow(self._load.available())

    def _is_single(self, tokens: int) -> bool:
        return self._small and tokens <= _SMALL_STEP

    def _set_count(self, count: int) -> None:
        self._count = min(max(1, count), self._most)
        self._lost = 0.0
        self._recent.clear()
        self._trial = None

    # ------------------------------------------------------------ by the system's counters

    def _follow(self, available: float | None) -> None:
        """Go to as many threads as there are processors for; up only where no trial has just said otherwise."""
        if available is None:
            return
        fewer = int(available + _TOLERANCE + _HYSTERESIS)
        more = int(available + _TOLERANCE - _HYSTERESIS)
        if fewer < self._count:
            self._set_count(fewer)
        elif more > self._count and self._trial is None and self._clock() - self._judged >= self._pause_s:
            self._set_count(more)

    # ------------------------------------------------------------ by the time of steps

    def _compare(self, size: int, cost: float) -> None:
        """Take note of a step's cost; start or go on with a trial where it says so."""
        if self._trial is not None:
            self._trial.steps += 1
            if (usual := self._usual_cost(size, self._trial.threads)) is not None:
                self._trial.costs.append(cost / usual)
            if self._trial.is_over:
                self._decide(self._trial)
            return
        usual = self._usual_cost(size, self._count) or cost
        self._learn(size, cost)
        self._recent.append(cost / usual)
        if cost <= _SLACK * usual or self._count == 1:
            self._lost *= _FORGIVEN
            return
        self._lost += min(cost / usual - 1.0, _MOST_LOST)
        if self._lost > _PATIENCE and self._clock() - self._judged >= self._pause_s:
            trial = Trial(self._count, size, fmean(self._recent))
            self._set_count(self._count // 2)
            self._trial = trial

    def _usual_cost(self, size: int, most: int) -> float | None:
        """Of a step of that size with the best number of threads up to `most`; None where there was none."""
        found = (cost for (threads, of_size), cost in self._usual.items() if of_size == size and threads <= most)
        return min(found, default=None)

    def _learn(self, size: int, cost: float) -> None:
        """A slow step counts as no more than twice the usual one, so that one hard knock does not pass for usual."""
        usual = self._usual.setdefault((self._count, size), cost)
        weight = _LEARNING_FASTER if cost < usual else _LEARNING
        self._usual[self._count, size] = usual + weight * (min(cost, 2 * usual) - usual)

    def _decide(self, trial: Trial) -> None:
        """Keep what was faster, and for longer where the trial before was not long ago."""
        now = self._clock()
        soon = now - self._judged < 4 * self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S) if soon else _FIRST_PAUSE_S
        self._judged = now
        fewer = self._count
        if trial.is_better:
            self._set_count(fewer)
            return
        usual = self._usual_cost(trial.size, trial.threads)
        for threads in range(1, trial.threads + 1):
            if usual is not None and (threads, trial.size) in self._usual:
                self._usual[threads, trial.size] = max(trial.cost * usual, self._usual[threads, trial.size])
        self._set_count(trial.threads)


class SystemLoad:
    """The load of this machine, from the system's own counters."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._begin()

    def restart(self) -> float | None:
        self._begin()
        running = lastingly_running()
        return None if running is None else len(allowed_processors()) - max(0, running - 1)

    def available(self) -> float | None:
        since, idle, own = self._time, self._idle, self._own
        if self._clock() - since < _WINDOW_S:
            return None
        self._begin()
        return (max(0.0, self._idle - idle) + self._own - own) / (self._time - since)

    def _begin(self) -> None:
        self._time, self._idle, self._own = self._clock(), _idle_seconds(), time.process_time()


def lastingly_running() -> int | None:
    """As `running_threads`, less those that were about to sleep: who has just handed over a request, for example."""
    running = running_threads()
    for _ in range(_LOOKS - 1):
        if running is None or running <= 1:
            return running
        time.sleep(_LOOK_S)
        running = min(running, running_threads() or running)
    return running


def running_threads(path: str = "/proc/loadavg") -> int | None:
    """How many threads of the machine run or could run now, this one among them; None where nobody tells."""
    if len(allowed_processors()) != (os.cpu_count() or 1):
        return None  # others may run on processors that are not ours
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read().split()[3].partition("/")[0])
    except (OSError, ValueError, IndexError):
        return None


def _idle_seconds() -> float:
    """Seconds the processors this process may run on have been idle, all together, since some moment."""
    allowed = allowed_processors()
    if len(allowed) == (os.cpu_count() or 1):
        times = [psutil.cpu_times()]
    else:
        times = [time for number, time in enumerate(psutil.cpu_times(percpu=True)) if number in allowed]
    return sum(float(time.idle) + float(getattr(time, "iowait", 0.0)) for time in times)


def _size(tokens: int) -> int:
    """Steps of the same size are compared: their number of tokens, or for large ones its power of two."""
    return tokens if tokens <= _SMALL_STEP else _SMALL_STEP + tokens.bit_length()
