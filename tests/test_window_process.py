"""The real window as a process of its own: started twice, and beside `serve` and two chats, any of them killed."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.launch import own_command, read_handshake
from app.protocol import Handshake
from tests.cli.running import running
from tests.conftest import add_model
from tests.processes import ROOT, RunningBackend, alive, end, paths_of, until

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
