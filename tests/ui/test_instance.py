"""Two windows for one home: real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.ui.instance import Instance
from tests.processes import ROOT, until

OPEN = "import sys; from pathlib import Path; from app.ui.instance import Instance; i = Instance(Path(sys.argv[1])); "
ASK = OPEN + "print(i.is_first, i.raise_first())"
HOLD = OPEN + "print('held', flush=True); sys.stdin.read()"


def test_the_second_raises_the_first(qtbot: QtBot, tmp_path: Path) -> None:
    first = Instance(tmp_path)
    assert first.is_first
    with qtbot.waitSignal(first.asked):
        other = subprocess.Popen(
            [sys.executable, "-c", ASK, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
    said, _ = other.communicate(timeout=30)
    assert said.split() == ["False", "True"]
    first.close()


def test_homes_do_not_know_each_other(qtbot: QtBot, tmp_path: Path) -> None:
    one, two = Instance(tmp_path / "one"), Instance(tmp_path / "two")
    assert one.is_first
    assert two.is_first
    one.close()
    two.close()


def test_after_the_first_has_gone_the_next_is_first(qtbot: QtBot, tmp_path: Path) -> None:
    first = Instance(tmp_path)
    first.close()
    second = Instance(tmp_path)
    assert second.is_first
    second.close()


def test_a_lock_of_a_killed_window_is_taken_over(qtbot: QtBot, tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "held"
    holder.kill()
    holder.communicate(timeout=30)
    instance = Instance(tmp_path)
    assert instance.is_first
    instance.close()


def start_window(home: Path) -> "subprocess.Popen[str]":
    environment = os.environ | {"ALCOVE_HOME": str(home), "QT_QPA_PLATFORM": "offscreen", "ALCOVE_FAKE_ENGINE": "0"}
    command = [sys.executable, "-c", "import sys; from app.ui.app import main; sys.exit(main())"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)


def test_the_window_starts_and_a_second_ends_with_0(home: Path) -> None:
    first = start_window(home)
    log = home / "logs" / "window.log"
    until(lambda: log.exists() and "usable" in log.read_text(), "the window")
    second = start_window(home)
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors
    assert first.poll() is None
    first.terminate()
    _, errors = first.communicate(timeout=30)
    assert "Traceback" not in errors
    until(lambda: not (home / "backend.json").exists(), "the end of the backend")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_home_still_opens(qtbot: QtBot, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert Instance(tmp_path / "home").is_first
    tmp_path.chmod(0o700)
