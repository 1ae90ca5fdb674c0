"""The real window as a process of its own: killed in mid-answer, started twice, and beside `serve` and two chats."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.launch import own_command, read_handshake
from app.protocol import AnswerDelta, AnswerSnapshot, Handshake, MessageState
from tests.cli.running import running
from tests.conftest import add_model
from tests.gguf import TinyModel, write_tiny_model
from tests.processes import ROOT, RunningBackend, alive, end, paths_of, running_backend, until

KILLS = 20
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and /proc are POSIX")


@contextlib.contextmanager
def window(home: Path, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`alcove` without a screen, for that home."""
    process = subprocess.Popen(
        own_command(),
        cwd=ROOT,
        env=os.environ | {"ALCOVE_HOME": str(home), "QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":none"} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        end(process)


@contextlib.contextmanager
def backend_of(window: "subprocess.Popen[bytes]", home: Path) -> Iterator[RunningBackend]:
    """The backend that this window started and is present at; its own process is nobody's child here."""

    def there() -> Handshake | None:
        assert window.poll() is None, f"the window ended with {window.returncode}"
        return read_handshake(paths_of(home))

    handshake = until(there, "the window's backend")
    assert handshake is not None
    backend = RunningBackend(home, window, handshake)
    with contextlib.closing(backend):
        until(lambda: backend.status().clients, "the window's presence")
        yield backend


@pytest.fixture
def endless(home: Path) -> Path:
    """A home whose model, on the real engine, writes until its context is full."""
    folder = home / "models"
    folder.mkdir()
    write_tiny_model(folder / "endless.gguf", TinyModel(script=[f"{number} " for number in range(50)], repeat=True))
    return home


def lose_window(home: Path, wait_s: float) -> None:
    """Kill the only window so long after an answer's first word: nothing keeps running, and the words are stored."""
    text, due = "", 0
    with window(home) as process, backend_of(process, home) as backend:
        started = backend.ask(backend.new_conversation().id, "Count!", model="endless")
        with backend.reading(started.answer.id) as events:
            deadline: float | None = None
            while deadline is None or time.monotonic() < deadline:
                event = next(events)
                if isinstance(event, AnswerSnapshot):
                    text += event.message.text
                elif isinstance(event, AnswerDelta):
                    text += event.text
                if text and deadline is None:
                    deadline = time.monotonic() + wait_s
            due = len(text)
            (worker,) = backend.status().worker_pids
            process.kill()
            pid = backend.handshake.pid
            until(lambda: not alive(pid), "the backend's end")
    until(lambda: not alive(worker), "the worker's end")
    with running_backend(home) as backend:
        answer = backend.messages(started.conversation.id)[-1]
        assert answer.state is MessageState.STOPPED
        assert answer.text.startswith(text)
        assert len(answer.text) >= due


def test_a_killed_window_leaves_nothing_running_and_loses_nothing(endless: Path) -> None:
    lose_window(endless, 0.3)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_windows_killed_at_random_moments(endless: Path) -> None:
    moments = random.Random(8)
    for _ in range(KILLS):
        lose_window(endless, moments.uniform(0, 1.5))


def test_a_second_window_leaves_the_first_in_charge(home: Path) -> None:
    with window(home, ALCOVE_FAKE_ENGINE="0:10") as first, backend_of(first, home) as backend:
        with window(home, ALCOVE_FAKE_ENGINE="0:10") as second:
            assert second.wait(30) == 0
        assert first.poll() is None
        assert backend.status().clients == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("victim", ["window", "serve", "one"])
def test_window_serve_and_two_chats_share_one_backend_and_survive_each_other(home: Path, victim: str) -> None:
    add_model(home)
    slow = {"ALCOVE_FAKE_ENGINE": "200:40000"}
    with (
        window(home, **slow) as shown,
        backend_of(shown, home) as backend,
        running(home, "serve", "--port", "0", **slow) as serve,
        running(home, "chat", "one", "-m", "tiny", **slow) as one,
        running(home, "chat", "other", "-m", "tiny", **slow) as other,
    ):
        serve.wait_for("Ctrl+C")
        until(lambda: len(one.said) > 200 or len(other.said) > 200, "an answer")
        assert backend.status().clients == 4
        processes = {"window": shown, "serve": serve.process, "one": one.process}
        os.kill(processes[victim].pid, signal.SIGKILL)
        until(lambda: backend.status().clients == 3, "its absence")
        before = len(one.said) + len(other.said)
        until(lambda: len(one.said) + len(other.said) > before, "more of an answer")
        for process in (*processes.values(), other.process):
            process.kill()
        pid = backend.handshake.pid
        until(lambda: not alive(pid), "the backend's end")
