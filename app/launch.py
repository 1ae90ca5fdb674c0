"""Finding the running backend, or starting it: what the window and every command do before anything else."""

import os
import subprocess
import sys
import tempfile
import time
from enum import Enum, auto
from pathlib import Path
from typing import IO

import msgspec

from app.errors import AppError
from app.files import make_folder
from app.paths import Paths
from app.protocol import ErrorInfo, Handshake

PATIENCE_S = 30.0
"""How long a backend may take to answer before starting it counts as failed."""
REFUSED = 3
"""Exit code of a backend that says why it cannot run, as one ErrorInfo on its standard output."""

_ROOT = Path(__file__).resolve().parent.parent
_START_TOLERANCE_S = 2.0
_CONNECT_S = 0.25
_RETRY_S = 0.2
_LOG_LIMIT = 1024 * 1024


def own_command(*arguments: str) -> list[str]:
    """The command line that runs this program again with these arguments, from source or frozen."""
    if getattr(sys, "frozen", False):
        return [sys.executable, *arguments]
    return [sys.executable, "-m", "app", *arguments]


def read_handshake(paths: Paths) -> Handshake | None:
    """The handshake of the running backend; None where there is none, or its file outlived its process."""
    handshake = _read(paths.handshake)
    if handshake is None:
        return None
    started = process_start(handshake.pid)
    if started is None or abs(started - handshake.created) > _START_TOLERANCE_S:
        return None
    return handshake


def process_start(pid: int) -> float | None:
    """When that process began, in Unix seconds; None where it does not live (a zombie does not)."""
    if pid <= 0:
        return None
    if sys.platform == "linux":
        return _start_from_proc(pid)
    import psutil  # noqa: PLC0415 (Linux, where a window must be quick, never needs it)

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return None


def start_backend(paths: Paths, errors: IO[bytes] | int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
    """Start a backend in a session of its own. `errors` takes its standard error. Raises AppError("backend_failed")."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    try:
        return subprocess.Popen(
            own_command("backend"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=_ROOT,
            env=_environment(paths),
            start_new_session=True,
            creationflags=flags,
        )
    except OSError as error:
        raise AppError("backend_failed", reason=str(error), folder=str(paths.logs)) from error


class _State(Enum):
    LOOKING = auto()
    """Nobody answers yet; a child may be started."""
    STARTING = auto()
    """Our child is on its way, or a faster one has the lock."""
    ELSEWHERE = auto()
    """Our child met a held lock: its holder is starting or ending. Now and then another child tries."""
    FOUND = auto()


class Launch:
    """Gets a client its backend. Call `poll` now and then, or `wait`; keep the object, and poll again after a loss."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._state = _State.LOOKING
        self._child: subprocess.Popen[bytes] | None = None
        """The backend we started, until it is known whether it runs."""
        self._released: set[int] = set()
        self._errors: IO[bytes] | None = None
        self._errors_from = 0
        self._deadline = 0.0
        self._retry_at = 0.0

    def poll(self) -> Handshake | None:
        """The handshake once a backend listens, None before; never blocks long. Raises AppError if it cannot start."""
        now = time.monotonic()
        self._reap(now)
        handshake = self._find()
        if handshake is not None:
            self._settle()
            return handshake
        if self._state is _State.FOUND:
            self._state = _State.LOOKING
        if self._state is _State.LOOKING:
            self._deadline = now + PATIENCE_S
            self._start()
        elif now > self._deadline:
            self._give_up()
        elif self._state is _State.ELSEWHERE and self._child is None and now >= self._retry_at:
            self._start()
        return None

    def wait(self) -> Handshake:
        """Poll until a backend listens. Raises AppError when it cannot start."""
        while (handshake := self.poll()) is None:
            time.sleep(0.01)
        return handshake

    def _find(self) -> Handshake | None:
        """The backend that listens. Once its lock is known to be held, a clock that was set hides no holder."""
        handshake = read_handshake(self._paths)
        if handshake is None and self._state is _State.ELSEWHERE:
            handshake = _read(self._paths.handshake)
        return handshake if handshake is not None and _listens(handshake.port) else None

    def _start(self) -> None:
        self._errors = self._errors or _open_errors(self._paths)
        self._errors_from = self._errors.seek(0, os.SEEK_END)
        try:
            self._child = start_backend(self._paths, self._errors)
        except AppError:
            self._close_errors()
            raise
        if self._state is _State.LOOKING:
            self._state = _State.STARTING

    def _settle(self) -> None:
        """A backend runs. The child we started, it or a latecomer about to end, no longer belongs to us."""
        self._state = _State.FOUND
        child, self._child = self._child, None
        if child is not None:
            if child.stdout is not None:
                child.stdout.close()
            if child.returncode is None:
                self._released.add(child.pid)
                child.returncode = 0  # Popen would complain that it still runs: it is meant to outlive us.
        self._close_errors()

    def _reap(self, now: float) -> None:
        """Bury children that have ended. Raises AppError where that one could not run."""
        self._released = {pid for pid in self._released if not _buried(pid)}
        child = self._child
        if child is None or (code := child.poll()) is None:
            return
        said = child.stdout.read() if child.stdout is not None else b""
        if child.stdout is not None:
            child.stdout.close()
        self._child = None
        if code != 0:
            error = self._failure(code, said)
            self._state = _State.LOOKING
            self._close_errors()
            raise error
        self._state = _State.ELSEWHERE
        self._retry_at = now + _RETRY_S

    def _failure(self, code: int, said: bytes) -> AppError:
        if code == REFUSED:
            try:
                return AppError.from_info(msgspec.json.decode(said, type=ErrorInfo))
            except (msgspec.MsgspecError, KeyError):
                pass  # Not the promised words: then what stands on its standard error is the best there is.
        reason = self._last_error() or f"exit code {code}"
        return AppError("backend_failed", reason=reason, folder=str(self._paths.logs))

    def _give_up(self) -> None:
        """The time is over. A child of ours that hangs is ended, so that the next try finds the lock free."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        reason = self._last_error() or ("lock_held" if self._state is _State.ELSEWHERE else "backend_silent")
        self._settle()
        self._state = _State.LOOKING
        raise AppError("backend_failed", reason=reason, folder=str(self._paths.logs), lock=str(self._paths.lock))

    def _last_error(self) -> str:
        if self._errors is None:
            return ""
        self._errors.seek(self._errors_from)
        lines = self._errors.read(64 * 1024).decode(errors="replace").split("\n")
        return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")

    def _close_errors(self) -> None:
        if self._errors is not None:
            self._errors.close()
            self._errors = None


def _read(path: Path) -> Handshake | None:
    try:
        handshake = msgspec.json.decode(path.read_bytes(), type=Handshake)
    except (OSError, msgspec.MsgspecError):
        return None
    return handshake if 0 < handshake.port < 65536 and handshake.token else None


def _start_from_proc(pid: int) -> float | None:
    """Field 22 of /proc/PID/stat, ticks since boot, added to the time of boot (proc(5)), as psutil does."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        if state in (b"Z", b"X"):
            return None
        for line in Path("/proc/stat").read_bytes().splitlines():
            if line.startswith(b"btime "):
                return int(line[6:]) + int(fields[18]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        pass  # It ended between two looks.
    return None


def _buried(pid: int) -> bool:
    """Whether that child has ended; it leaves no zombie. Windows has none."""
    if sys.platform == "win32":
        return True
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _listens(port: int) -> bool:
    import socket  # noqa: PLC0415 (without a handshake there is nobody to ask)

    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_CONNECT_S):
            return True
    except OSError:
        return False


def _environment(paths: Paths) -> dict[str, str]:
    """The environment for the child, which runs in another folder: a relative ALCOVE_HOME becomes absolute."""
    environment = dict(os.environ)
    if environment.get("ALCOVE_HOME") or paths != Paths.current():
        environment["ALCOVE_HOME"] = str(paths.data)
    return environment


def _open_errors(paths: Paths) -> IO[bytes]:
    """The file that takes the child's standard error: in the log folder, or nameless where that cannot be written."""
    path = paths.logs / "backend-stderr.log"
    try:
        make_folder(path.parent)
        file = path.open("a+b")
        if file.seek(0, os.SEEK_END) > _LOG_LIMIT:
            file.truncate(0)
        return file
    except OSError:
        return tempfile.TemporaryFile()
