"""The governor of threads, on a simulated machine: what a step costs there follows from who else wants to run."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.backends.llama import threads
from app.backends.llama.cores import allowed_processors
from app.backends.llama.threads import SystemLoad, ThreadGovernor

SERIAL = 0.4
"""Part of a step that more threads do not make faster: 36 and 51 tok/s with one and two threads."""


@dataclass
class Machine:
    """Processors, and what other programs use of them. Steps take their time on its clock."""

    processors: int = 2
    others: float = 0.0
    shown: float | None = None
    """What the counters show of the others; None: all."""
    work: float = 0.027
    """Seconds a token takes with one thread."""
    now: float = 0.0
    read: float = 0.0

    def clock(self) -> float:
        return self.now

    def step(self, count: int, tokens: int = 1) -> float:
        """Let that many threads compute a step; returns its seconds."""
        free = self.processors - self.others
        seconds = self.work * tokens * (SERIAL + (1 - SERIAL) / count)
        if count > free + 1e-9 and count > 1:
            seconds *= 1 + 4 * (count - free)  # they wait for each other at every meeting
        elif count > free:
            seconds *= 2
        self.now += seconds
        return seconds

    def restart(self) -> float | None:
        self.read = self.now
        return None

    def available(self) -> float | None:
        if self.now - self.read < 0.15:
            return None
        self.read = self.now
        return self.processors - (self.others if self.shown is None else self.shown)


class Engine:
    """A governed engine on that machine."""

    def __init__(self, machine: Machine, most: int | None = None, small: bool = False) -> None:
        self.machine = machine
        self.governor = ThreadGovernor(most or machine.processors, small=small, load=machine, clock=machine.clock)
        self.written = 0
        self.used: list[int] = []

    def write(self, seconds: float, tokens: int = 1) -> float:
        """Write for that long; returns tokens a second."""
        begun, written = self.machine.now, self.written
        while self.machine.now - begun < seconds:
            self.step(tokens)
        return (self.written - written) / (self.machine.now - begun)

    def step(self, tokens: int = 1) -> None:
        count = self.governor.threads_for(tokens)
        self.used.append(count)
        self.governor.observe(tokens, self.machine.step(count, tokens))
        self.written += tokens


def best_fixed(machine: Machine) -> float:
    """Tokens a second with the best number of threads, as the machine is now."""
    return max(1 / machine.step(count) for count in range(1, machine.processors + 1))


@pytest.mark.parametrize("processors", [1, 2, 4, 8])
def test_alone_it_uses_every_thread_all_the_time(processors: int) -> None:
    engine = Engine(Machine(processors))
    assert engine.write(60) == pytest.approx(best_fixed(engine.machine), rel=0.001)
    assert set(engine.used) == {processors}


@pytest.mark.parametrize("processors", [2, 4, 8])
def test_beside_a_busy_program_it_leaves_that_its_processor(processors: int) -> None:
    engine = Engine(Machine(processors))
    engine.write(5)
    engine.machine.others = 1.0
    assert engine.write(10) > 0.95 * best_fixed(engine.machine)
    assert engine.used[-1] == processors - 1


def test_it_takes_threads_back_once_the_other_has_gone() -> None:
    engine = Engine(Machine(4, others=3.0))
    engine.write(10)
    assert engine.used[-1] == 1
    engine.machine.others = 0.0
    engine.write(1)
    assert engine.used[-1] == 4


def test_a_program_that_uses_little_costs_no_thread() -> None:
    engine = Engine(Machine(2))
    engine.write(5)
    engine.used.clear()
    engine.machine.shown = 0.2
    for step in range(300):  # now and then it wants a whole processor
        engine.machine.others = 1.0 if step % 20 == 0 else 0.0
        engine.step()
    assert set(engine.used) == {2}


def test_no_coming_and_going_at_the_border() -> None:
    engine = Engine(Machine(2))
    for wobble in (1.5, 1.6, 1.45, 1.55, 1.5, 1.65):
        engine.governor._follow(wobble)
        assert engine.governor.threads_for(1) == 2
    engine.governor._follow(1.0)
    for wobble in (1.5, 1.6, 1.45, 1.55, 1.5, 1.65):
        engine.governor._follow(wobble)
        assert engine.governor.threads_for(1) == 1


def test_two_engines_share_the_processors() -> None:
    """Each is the other's load; both begin with all threads."""
    machine = Machine(2)
    first, second = (ThreadGovernor(2, load=machine, clock=machine.clock) for _ in range(2))
    counts = [2, 2]
    for turn in range(200):
        index, governor = turn % 2, (first, second)[turn % 2]
        machine.others = 2 * counts[1 - index] / sum(counts)
        machine.read = -1.0
        counts[index] = governor.threads_for(1)
        governor.observe(1, machine.step(counts[index]))
    assert counts == [1, 1]


# ---------------------------------------------------------------- counters that show nothing


def test_steps_that_take_long_make_it_try_fewer_threads() -> None:
    engine = Engine(Machine(4))
    engine.write(5)
    engine.machine.others, engine.machine.shown = 2.0, 0.0
    engine.write(5)
    assert engine.used[-1] == 2
    assert engine.write(20) > 0.85 * best_fixed(engine.machine)


def test_it_looks_ever_more_rarely_whether_more_threads_pay_again() -> None:
    engine = Engine(Machine(2))
    engine.write(5)
    engine.machine.others, engine.machine.shown = 1.0, 0.0
    engine.write(60)
    engine.used.clear()
    assert engine.write(120) > 0.95 * best_fixed(engine.machine)
    raised = sum(after > before for before, after in zip(engine.used, engine.used[1:], strict=False))
    assert 1 <= raised <= 6
    engine.machine.others, engine.machine.shown = 0.0, 0.0
    engine.write(40)
    assert engine.used[-1] == 2


def test_a_context_that_grows_costs_no_threads() -> None:
    engine = Engine(Machine(2))
    engine.write(5)
    for work in (0.04, 0.08, 0.03, 0.16, 0.027, 0.2):
        engine.machine.work = work
        engine.write(20)
    assert sum(count == 2 for count in engine.used) > 0.98 * len(engine.used)


def test_one_slow_step_says_nothing() -> None:
    engine = Engine(Machine(2))
    engine.write(5)
    engine.governor.observe(1, 0.06)
    assert engine.governor.threads_for(1) == 2


def test_steps_of_other_sizes_do_not_disturb_a_trial() -> None:
    engine = Engine(Machine(2))
    engine.write(5)
    engine.machine.others, engine.machine.shown = 1.0, 0.0
    while engine.governor.threads_for(1) == 2:
        engine.step()
    engine.step(tokens=300)
    engine.step(tokens=8)
    assert engine.governor.threads_for(1) == 1
    engine.write(0.3)
    assert engine.governor.threads_for(1) == 1


def test_a_trial_that_meets_no_size_it_knows_is_given_up() -> None:
    engine = Engine(Machine(2))
    engine.write(5)
    engine.machine.others, engine.machine.shown = 1.0, 0.0
    while engine.governor.threads_for(1) == 2:
        engine.step()
    engine.machine.others = 0.0
    for tokens in range(2, 17):
        engine.step(tokens)
    assert engine.governor.threads_for(17) == 2


def test_steps_of_several_known_sizes_decide_together() -> None:
    engine = Engine(Machine(2))
    for tokens in (1, 2, 3):
        engine.write(5, tokens)
    engine.machine.others, engine.machine.shown = 1.0, 0.0
    while engine.governor.threads_for(1) == 2:
        engine.step()
    for tokens in (1, 2, 3):
        engine.step(tokens)
    assert engine.governor._trial is None
    assert engine.governor.threads_for(1) == 1


# ---------------------------------------------------------------- limits


def test_never_more_than_its_part_of_the_budget() -> None:
    engine = Engine(Machine(8))
    engine.write(1)
    engine.governor.set_most(3)
    assert engine.governor.threads_for(1) == 3
    engine.write(5)
    assert set(engine.used[-20:]) == {3}
    engine.governor.set_most(8)
    engine.write(5)
    assert engine.used[-1] == 8


def test_a_number_a_person_gave_stays() -> None:
    machine = Machine(2, others=2.0)
    governor = ThreadGovernor(2, adaptive=False, load=machine, clock=machine.clock)
    for _ in range(100):
        governor.observe(1, machine.step(governor.threads_for(1)))
    assert governor.threads_for(1) == 2
    governor.set_most(1)
    assert governor.threads_for(1) == 1
    governor.set_most(2)
    assert governor.threads_for(1) == 2


def test_a_small_model_writes_with_one_thread_and_reads_with_all() -> None:
    engine = Engine(Machine(4), small=True)
    engine.write(1)
    assert set(engine.used) == {1}
    assert engine.governor.threads_for(512) == 4


@pytest.mark.parametrize("most", [0, -1])
def test_there_is_always_one_thread(most: int) -> None:
    assert ThreadGovernor(most, load=Machine()).threads_for(1) == 1


# ---------------------------------------------------------------- the system


class Counters:
    """The system's counters, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.idle = self.own = 0.0
        monkeypatch.setattr(threads, "_idle_seconds", lambda: self.idle)
        monkeypatch.setattr(time, "process_time", lambda: self.own)

    def clock(self) -> float:
        return self.now

    def advance(self, seconds: float, idle: float, own: float) -> None:
        self.now += seconds
        self.idle += idle
        self.own += own


def test_what_is_idle_and_what_it_used_is_available(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = Counters(monkeypatch)
    load = SystemLoad(counters.clock)
    counters.advance(0.2, idle=0.2, own=0.1)
    assert load.available() == pytest.approx(1.5)
    counters.advance(0.1, idle=0.2, own=0.0)
    assert load.available() is None, "too soon to read again"
    counters.advance(0.1, idle=-0.5, own=0.2)  # some kernels let an idle counter go back
    assert load.available() == pytest.approx(1.0)


def test_after_a_rest_the_past_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = Counters(monkeypatch)
    load = SystemLoad(counters.clock)
    counters.advance(100, idle=200, own=0)
    load.restart()
    counters.advance(0.2, idle=0.0, own=0.2)
    assert load.available() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("text", "running"),
    [("0.52 0.58 0.59 3/602 29743", 3), ("0 0 0", None), ("", None), ("a b c d/e f", None)],
)
def test_reads_how_many_threads_run_now(text: str, running: int | None, whole_machine: None, tmp_path: Path) -> None:
    path = tmp_path / "loadavg"
    path.write_text(text)
    assert threads.running_threads(str(path)) == running


def test_a_system_without_that_file_is_no_fault(whole_machine: None, tmp_path: Path) -> None:
    assert threads.running_threads(str(tmp_path / "missing")) is None


@pytest.mark.parametrize(("looks", "running"), [([3, 1], 1), ([1], 1), ([3, 2, 3], 2), ([2, 2, 2], 2), ([None], None)])
def test_who_is_about_to_sleep_is_not_counted(
    looks: list[int | None], running: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(looks)
    monkeypatch.setattr(threads, "running_threads", lambda: next(answers))
    assert threads.lastingly_running() == running


def test_what_runs_elsewhere_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "allowed_processors", lambda: frozenset({0}))
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert threads.running_threads() is None


@pytest.fixture
def whole_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "allowed_processors", lambda: frozenset({0, 1}))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def test_the_real_counters_make_sense() -> None:
    load = SystemLoad(_quick_clock())
    load.restart()
    available = load.available()
    assert available is not None
    assert available >= 0.0
    assert 1 <= len(allowed_processors()) <= (os.cpu_count() or 1)


def _quick_clock() -> Callable[[], float]:
    """Time that passes with every look at it."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 1.0
        return now

    return clock
