"""Logs: one rotated file per kind of process; uncaught errors and crashes leave a trace; a bad folder stops nobody."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.logs import KEPT_FILES, MAX_BYTES
from app.paths import RESOURCES


def python(folder: Path, code: str, kind: str = "test") -> "subprocess.CompletedProcess[str]":
    """Run code in a process of its own whose log is set up."""
    start = (
        "import logging\nfrom pathlib import Path\nfrom app.logs import *\n"
        f"set_up_logging({kind!r}, Path({str(folder)!r}))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", start + code], cwd=RESOURCES.parent, check=False, capture_output=True, text=True
    )


def test_lines_say_when_who_and_what(tmp_path: Path) -> None:
    python(tmp_path / "logs", "logging.getLogger('app.x').info('loaded %d', 3)\nlogging.getLogger('app.x').debug('no')")
    line = (tmp_path / "logs" / "test.log").read_text()
    assert "INFO app.x: loaded 3" in line
    assert line.count("\n") == 1


def test_each_kind_has_its_file(tmp_path: Path) -> None:
    for kind in ("worker", "backend"):
        python(tmp_path, f"logging.warning('I am {kind}')", kind)
    assert "I am worker" in (tmp_path / "worker.log").read_text()
    assert "I am worker" not in (tmp_path / "backend.log").read_text()


def test_files_are_rotated_and_bounded(tmp_path: Path) -> None:
    code = f"for _ in range({(KEPT_FILES + 2) * MAX_BYTES // 100_000}): logging.info('x' * 100_000)"
    assert python(tmp_path, code).returncode == 0
    files = list(tmp_path.glob("test.log*"))
    assert len(files) == KEPT_FILES + 1
    assert all(file.stat().st_size <= MAX_BYTES + 200 for file in files)


def test_who_cannot_rotate_goes_on_writing(tmp_path: Path) -> None:
    code = (
        "import os\n"
        "def refuse(*_): raise PermissionError\n"
        "os.rename = refuse\n"
        f"for _ in range({2 * MAX_BYTES // 100_000}): logging.info('x' * 100_000)\n"
        "logging.info('still here')"
    )
    done = python(tmp_path, code)
    assert done.stderr == ""
    assert "still here" in (tmp_path / "test.log").read_text()


@pytest.mark.parametrize(
    "code",
    [
        "raise ValueError('a bug')",
        "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='a bug')\nt.start()\nt.join()",
    ],
)
def test_uncaught_exceptions_are_logged_and_shown(tmp_path: Path, code: str) -> None:
    done = python(tmp_path, code)
    log = (tmp_path / "test.log").read_text()
    assert "uncaught exception" in log
    assert "Traceback" in log
    assert "Traceback" in done.stderr


def test_an_interrupt_is_no_fault(tmp_path: Path) -> None:
    python(tmp_path, "raise KeyboardInterrupt")
    assert (tmp_path / "test.log").read_text() == ""


def test_warnings_go_to_the_log(tmp_path: Path) -> None:
    python(tmp_path, "import warnings; warnings.warn('old', UserWarning)")
    assert "old" in (tmp_path / "test.log").read_text()


def test_a_crash_below_python_leaves_its_stack(tmp_path: Path) -> None:
    done = python(tmp_path, "import ctypes; ctypes.string_at(0)")
    assert done.returncode != 0
    assert "Fatal Python error" in (tmp_path / "test-crash.log").read_text()


def test_a_crash_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    (tmp_path / "test-crash.log").write_text("x" * (MAX_BYTES + 1))
    python(tmp_path, "")
    assert (tmp_path / "test-crash.log").read_text() == ""


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = python(tmp_path / "file" / "logs", "logging.warning('to standard error')")
    assert done.returncode == 0
    assert "to standard error" in done.stderr
