"""Finding and starting the backend: real processes, and backends that fail, hang, race and leave stale files."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from app import launch
from app.errors import AppError
from app.launch import Launch, own_command, process_start, read_handshake, start_backend
from app.paths import Paths
from app.protocol import ErrorInfo, Handshake
from tests.processes import alive, paths_of, until

SLEEPER = [sys.executable, "-c", "import sys; sys.stdin.read()"]


@pytest.fixture
def paths(home: Path) -> Paths:
    return paths_of(home)


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that lives until the test has ended."""
    process = subprocess.Popen(SLEEPER, stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def listener() -> Iterator[int]:
    """A port somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def write(paths: Paths, pid: int, port: int = 1234, created: float | None = None, token: str = "t") -> Handshake:
    if created is None:
        created = process_start(pid) or 0.0
    handshake = Handshake(port=port, token=token, pid=pid, version="0", created=created)
    paths.handshake.write_bytes(msgspec.json.encode(handshake))
    return handshake


def backend_is(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let this Python program stand for the backend."""
    monkeypatch.setattr(launch, "own_command", lambda *_: [sys.executable, "-c", program])


def fails(starting: Launch) -> AppError:
    with pytest.raises(AppError) as caught:
        starting.wait()
    return caught.value


# ---------------------------------------------------------------- processes and files


def test_the_start_of_a_process_is_what_psutil_says(sleeper: "subprocess.Popen[bytes]") -> None:
    started = process_start(sleeper.pid)
    assert started == pytest.approx(psutil.Process(sleeper.pid).create_time(), abs=0.05)
    assert process_start(os.getpid()) != started


def test_processes_that_do_not_live_have_no_start(sleeper: "subprocess.Popen[bytes]") -> None:
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert process_start(sleeper.pid) is None, "a zombie"
    sleeper.wait()
    assert process_start(sleeper.pid) is None
    assert process_start(0) is None
    assert process_start(-1) is None


def test_a_handshake_is_read(paths: Paths, sleeper: "subprocess.Popen[bytes]") -> None:
    assert read_handshake(paths) is None
    handshake = write(paths, sleeper.pid)
    assert read_handshake(paths) == handshake


def test_a_handshake_outlived_by_its_process_is_stale(paths: Paths, sleeper: "subprocess.Popen[bytes]") -> None:
    write(paths, sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    assert read_handshake(paths) is None


def test_a_recycled_pid_is_not_mistaken(paths: Paths, sleeper: "subprocess.Popen[bytes]") -> None:
    write(paths, sleeper.pid, created=(process_start(sleeper.pid) or 0) - 60)
    assert read_handshake(paths) is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b'{"port": 1}', b'{"port":0,"token":"t","pid":1,"version":"","created":1}']
)
def test_a_damaged_handshake_is_none(paths: Paths, content: bytes) -> None:
    paths.handshake.write_bytes(content)
    assert read_handshake(paths) is None


def test_a_handshake_without_token_is_none(paths: Paths, sleeper: "subprocess.Popen[bytes]") -> None:
    write(paths, sleeper.pid, token="")
    assert read_handshake(paths) is None


def test_a_frozen_build_runs_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_command("worker") == [sys.executable, "-m", "app", "worker"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert own_command("worker") == [sys.executable, "worker"]


def test_a_relative_home_means_the_same_for_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALCOVE_HOME", "here")
    backend_is(monkeypatch, "import os; print(os.environ['ALCOVE_HOME'], end='')")
    with start_backend(Paths.current()) as child:
        assert child.stdout is not None
        assert child.stdout.read().decode() == str(tmp_path / "here")


def test_the_child_is_in_a_session_of_its_own(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    backend_is(monkeypatch, "import os; print(os.getsid(0) == os.getpid(), end='')")
    with start_backend(paths) as child:
        assert child.stdout is not None
        assert child.stdout.read() == b"True"


# ---------------------------------------------------------------- backends that do not come up


def test_a_refusal_is_told_in_the_backends_words(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    said = msgspec.json.encode(ErrorInfo(code="database_newer", values={"path": "/x.db"})).decode()
    backend_is(monkeypatch, f"import sys; print({said!r}); sys.exit(3)")
    error = fails(Launch(paths))
    assert (error.code, error.values) == ("database_newer", {"path": "/x.db"})


def test_a_crash_is_told_by_its_last_words(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    backend_is(monkeypatch, "import sys; sys.stderr.write('first\\n'); sys.exit('no module named x\\n\\n')")
    error = fails(Launch(paths))
    assert (error.code, error.values["reason"]) == ("backend_failed", "no module named x")
    assert (paths.logs / "backend-stderr.log").read_text().startswith("first\n")


def test_only_the_last_crash_counts(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    backend_is(monkeypatch, "import sys; sys.exit('first crash')")
    starting = Launch(paths)
    assert fails(starting).values["reason"] == "first crash"
    backend_is(monkeypatch, "import sys; sys.exit(7)")
    assert fails(starting).values["reason"] == "exit code 7"


def test_words_that_are_no_words_are_not_believed(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    backend_is(monkeypatch, 'import sys; print(\'{"code": "nonsense"}\'); sys.exit(3)')
    assert fails(Launch(paths)).values["reason"] == "exit code 3"


def test_a_program_that_is_not_there(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "own_command", lambda *_: [str(paths.data / "none")])
    assert fails(Launch(paths)).code == "backend_failed"


def test_a_log_folder_that_cannot_be_made_loses_no_words(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.logs.write_text("a file in the folder's place")
    backend_is(monkeypatch, "import sys; sys.exit('still told')")
    assert fails(Launch(paths)).values["reason"] == "still told"


def test_the_log_does_not_grow_for_ever(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.logs.mkdir()
    log = paths.logs / "backend-stderr.log"
    log.write_bytes(b"x" * (launch._LOG_LIMIT + 1))
    backend_is(monkeypatch, "import sys; sys.exit('end')")
    fails(Launch(paths))
    assert log.read_bytes() == b"end\n"


def test_a_backend_that_hangs_is_ended(paths: Paths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(launch, "PATIENCE_S", 0.0)
    pid_file = tmp_path / "pid"
    backend_is(
        monkeypatch,
        f"import os, time, pathlib; pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid())); time.sleep(600)",
    )
    starting = Launch(paths)
    assert starting.poll() is None
    until(lambda: pid_file.exists() and pid_file.read_text(), "the child's start")
    assert fails(starting).code == "backend_failed"
    assert not alive(int(pid_file.read_text()))


# ---------------------------------------------------------------- somebody else's backend


def test_a_listening_backend_is_taken_without_starting_one(
    paths: Paths, sleeper: "subprocess.Popen[bytes]", listener: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend_is(monkeypatch, "raise SystemExit('must not be started')")
    handshake = write(paths, sleeper.pid, listener)
    assert Launch(paths).poll() == handshake


def test_a_living_process_that_does_not_listen_is_no_backend(
    paths: Paths, sleeper: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    write(paths, sleeper.pid, closed_port())
    backend_is(monkeypatch, "raise SystemExit('was started')")
    assert fails(Launch(paths)).values["reason"] == "was started"


def test_a_child_that_met_a_held_lock_waits_for_its_holder(
    paths: Paths, sleeper: "subprocess.Popen[bytes]", listener: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The holder is ending: children are started until one gets the lock, here the third."""
    count = tmp_path / "count"
    backend_is(monkeypatch, f"open({str(count)!r}, 'a').write('x')")
    starting = Launch(paths)
    until(lambda: starting.poll() is None and count.exists() and len(count.read_text()) >= 3, "a third child")
    handshake = write(paths, sleeper.pid, listener)
    assert starting.wait() == handshake
    assert starting.poll() == handshake


def test_a_clock_that_was_set_does_not_hide_the_holder_of_the_lock(
    paths: Paths, sleeper: "subprocess.Popen[bytes]", listener: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    handshake = write(paths, sleeper.pid, listener, created=(process_start(sleeper.pid) or 0) - 3600)
    assert read_handshake(paths) is None
    backend_is(monkeypatch, "")
    assert Launch(paths).wait() == handshake


def test_a_lock_held_for_ever_is_told(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "PATIENCE_S", 2.0)
    backend_is(monkeypatch, "")
    error = fails(Launch(paths))
    assert (error.code, error.values["reason"]) == ("backend_failed", "lock_held")
    assert str(paths.lock) in error.message


# ---------------------------------------------------------------- the real backend


@pytest.fixture
def real(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paths]:
    """The paths of a home whose backend is ended after the test."""
    monkeypatch.setenv("ALCOVE_FAKE_ENGINE", "0")
    yield paths
    if (handshake := read_handshake(paths)) is not None:
        os.kill(handshake.pid, signal.SIGKILL)
        until(lambda: process_start(handshake.pid) is None, "the backend's end")


def test_a_backend_is_started_found_and_started_again(real: Paths) -> None:
    starting = Launch(real)
    first = starting.wait()
    assert Launch(real).poll() == first
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: process_start(first.pid) is None, "its end")
    second = starting.wait()
    assert second.pid != first.pid
    assert not Path(f"/proc/{first.pid}").exists(), "no zombie is left"


def test_two_at_once_agree_on_one(real: Paths) -> None:
    one, other = Launch(real), Launch(real)
    assert (one.poll(), other.poll()) == (None, None)
    assert one.wait() == other.wait()
