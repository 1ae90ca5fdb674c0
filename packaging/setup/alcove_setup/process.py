"""Runs the set-up's children: output to a log, progress to the reader, and no child left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue

from alcove_setup.console import Console, Describe, Progress, silence
from alcove_setup.faults import SetupError

TAIL_LINES = 15
TICK_SECONDS = 0.25
GRACE_SECONDS = 5


@dataclass(frozen=True)
class Step:
    """A command that takes long enough to need a name."""

    title: str
    command: Sequence[str]
    log: Path
    environ: Mapping[str, str] | None = None
    cwd: Path | None = None


class StepFailed(SetupError):
    """A child ended with an error; `lines` are the last ones it wrote."""

    def __init__(self, step: Step, code: int, lines: Sequence[str]) -> None:
        shown = "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])
        super().__init__(
            f"{step.title} failed (exit status {code}). Its last words:\n{shown}", f"All of it: {step.log}"
        )
        self.lines = tuple(lines)


def run_step(step: Step, console: Console, describe: Describe = silence) -> None:
    """Runs the command to its end while showing how far it is. Raises StepFailed."""
    progress = Progress(console, step.title, describe)
    tail: list[str] = []
    step.log.parent.mkdir(parents=True, exist_ok=True)
    with step.log.open("ab") as log, _child(step) as child:
        log.write(f"\n$ {' '.join(step.command)}\n".encode())
        for raw in _lines(child, progress):
            log.write(raw)
            line = raw.decode(errors="replace").rstrip()
            tail = [*tail[-200:], line]
            progress.feed(line)
        code = child.wait()
    if code:
        console.clear()
        raise StepFailed(step, code, tail)
    progress.finish()


def answer(command: Sequence[str], seconds: float = 10, environ: Mapping[str, str] | None = None) -> str | None:
    """What a quick command writes to stdout; None when it is missing, fails or hangs (as a broken GPU driver does)."""
    try:
        result = subprocess.run(
            command, capture_output=True, timeout=seconds, env=environ, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.decode(errors="replace") if result.returncode == 0 else None


@contextlib.contextmanager
def _child(step: Step) -> Iterator[subprocess.Popen[bytes]]:
    """Starts the command in a process group of its own, and ends all of that group when the block is left early."""
    child = subprocess.Popen(
        step.command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=step.environ,
        cwd=step.cwd,
        start_new_session=sys.platform != "win32",
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            _end_group(child)
        if child.stdout:
            child.stdout.close()


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """Ends a child and its own children (compilers), kindly first."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(child.pid)], capture_output=True, check=False)
        child.wait()
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_SECONDS)


def _lines(child: subprocess.Popen[bytes], progress: Progress) -> Iterator[bytes]:
    """The child's output line by line, with the progress kept moving while it says nothing."""
    queue: Queue[bytes | None] = Queue()
    threading.Thread(target=_pump, args=(child, queue), daemon=True).start()
    while True:
        try:
            line = queue.get(timeout=TICK_SECONDS)
        except Empty:
            progress.show()
            continue
        if line is None:
            return
        yield line


def _pump(child: subprocess.Popen[bytes], queue: "Queue[bytes | None]") -> None:
    """Moves output from the pipe into the queue; None says that the pipe was closed."""
    assert child.stdout is not None
    try:
        for line in child.stdout:
            queue.put(line)
    except ValueError:  # the pipe was closed under us, after an interruption
        pass
    finally:
        queue.put(None)
