"""With ALCOVE_OFFLINE=1 no process of Alcove opens a socket but on loopback: every address is written down.

A small library in front of the system's (`tests/sockets/recorder.c`) sees what Python, uvloop and llama.cpp do alike,
refuses what would leave the machine, and stays in all child processes but one: the template process is given a bare
environment and may open nothing (`tests/backends/llama/test_template.py`).
"""

import ipaddress
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.launch import own_command
from tests.cli.running import environment
from tests.conftest import add_model
from tests.processes import PATIENCE_S, ROOT, alive, running_backend, until

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="the recorder is preloaded, and needs a C compiler"
)
SOURCE = Path(__file__).parent / "sockets" / "recorder.c"


@dataclass(frozen=True)
class Recorder:
    """The built library, and the file it writes to."""

    library: Path
    record: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to be recorded, offline as a person would switch it on."""
        return {"LD_PRELOAD": str(self.library), "ALCOVE_TEST_SOCKETS": str(self.record), "ALCOVE_OFFLINE": "1"}

    @property
    def lines(self) -> list[tuple[int, str, str]]:
        """(process, call, address) of every socket used so far."""
        fields = [line.split() for line in self.record.read_text().splitlines()] if self.record.exists() else []
        return [(int(pid), call, address) for pid, call, address in fields]

    def strangers(self) -> list[tuple[int, str, str]]:
        return [line for line in self.lines if not ipaddress.ip_address(line[2]).is_loopback]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recorder") / "recorder.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(path), str(SOURCE), "-ldl"], check=True)
    return path


@pytest.fixture
def recorder(library: Path, tmp_path: Path) -> Recorder:
    return Recorder(library, tmp_path / "sockets.txt")


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_recorder_sees_and_refuses_what_would_leave_the_machine(recorder: Recorder, loop: str) -> None:
    """Without this the next tests could pass blindly. The address is one for documentation (RFC 5737)."""
    pytest.importorskip(loop)
    script = f"import asyncio, {loop}; {loop}.run(asyncio.open_connection('192.0.2.1', 9))"
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | recorder.environment, capture_output=True, check=False
    )
    assert b"PermissionError" in done.stderr
    assert [line[1:] for line in recorder.strangers()] == [("connect", "192.0.2.1")]


def test_backend_and_worker_use_loopback_only(recorder: Recorder, home: Path) -> None:
    add_model(home)
    with running_backend(home, True, **recorder.environment) as backend:
        answer = backend.ask(backend.new_conversation().id, "Hi", model="tiny").answer
        assert backend.finished(answer.id).text == "Hello there."
        (worker,) = backend.status().worker_pids
        assert recorder.library.name in Path(f"/proc/{worker}/maps").read_text()
        for path in ("/api/hardware", "/api/doctor", "/api/models", "/api/search?q=Hello"):
            assert backend.http.get(path).status_code == 200
    assert (backend.process.pid, "bind", "127.0.0.1") in recorder.lines
    assert recorder.strangers() == []


@pytest.mark.parametrize(
    ("arguments", "code"), [(["chat", "hello"], 0), (["list"], 0), (["show", "starter"], 0), (["hardware"], 0),
                            (["ps"], 0), (["show", "none"], 1)]
)  # fmt: skip
def test_commands_use_loopback_only(recorder: Recorder, home: Path, arguments: list[str], code: int) -> None:
    done = subprocess.run(
        own_command(*arguments), cwd=ROOT, env=environment(home, **recorder.environment), stdin=subprocess.DEVNULL,
        capture_output=True, timeout=PATIENCE_S * 2, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert bool(recorder.lines) == (arguments != ["ps"]), "ps starts nothing, all others talk to a backend"
    assert recorder.strangers() == []
    until(lambda: not any(alive(pid) for pid, *_ in recorder.lines), "the backend's end")
