"""`./run` sets up when something has changed, otherwise starts the app at once."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="bash scripts")

CHECKOUT = Path(__file__).parents[2]
SETUP = """
import os, pathlib, sys
here = pathlib.Path(__file__).resolve().parents[2]
with (here / "set-up").open("a") as log:
    log.write(" ".join(sys.argv[1:]) + ";")
(here / ".venv/bin").mkdir(parents=True, exist_ok=True)
python = here / ".venv/bin/python"
python.write_text('#!/bin/sh\\necho "$PWD: $*"')
python.chmod(0o755)
(here / ".venv/alcove-engine-flags").write_text(os.environ.get("ALCOVE_ENGINE_FLAGS", ""))
sys.exit(int(os.environ.get("FAIL_WITH", "0")))
"""
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The real scripts around a set-up that only notes that it was called."""
    root = tmp_path / "check out"
    (root / "packaging" / "setup" / "alcove_setup").mkdir(parents=True)
    (root / "requirements").mkdir()
    (root / "requirements" / "app.txt").write_text("one\n")
    (root / "packaging" / "setup" / "main.py").write_text(SETUP)
    (root / "packaging" / "setup" / "alcove_setup" / "stamp.py").touch()
    for name in ("run", "check", "packaging/setup/ensure.sh"):
        shutil.copy(CHECKOUT / name, root / name)
    return root


@pytest.fixture
def run(checkout: Path) -> Run:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ALCOVE_")}
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
    base = {name: value for name, value in kept.items() if name not in hidden}

    def call(*arguments: str, script: Path | None = None, **extra: str) -> subprocess.CompletedProcess[str]:
        command = [str(script or checkout / "run"), *arguments]
        return subprocess.run(command, env=base | extra, cwd="/", capture_output=True, text=True, check=False)

    return call


def times_set_up(checkout: Path) -> int:
    return (checkout / "set-up").read_text().count(";")


def test_the_first_start_sets_up_and_the_second_does_not(checkout: Path, run: Run) -> None:
    for _ in range(2):
        done = run("chat", "a b")
        assert (done.stdout, done.stderr) == ("/: -P -m app chat a b\n", "")
        assert times_set_up(checkout) == 1


@pytest.mark.parametrize("changed", ["requirements/app.txt", "packaging/setup/alcove_setup/stamp.py", "moved", "lost"])
def test_a_change_sets_up_again(checkout: Path, run: Run, changed: str) -> None:
    run("list")
    script = checkout / "run"
    if changed == "moved":
        checkout = checkout.rename(checkout.with_name("moved"))
        script = checkout / "run"
    elif changed == "lost":
        (checkout / ".venv" / "bin" / "python").unlink()
    else:
        (checkout / changed).write_text("# changed\n")
    assert run("list", script=script).returncode == 0
    assert times_set_up(checkout) == 2


def test_other_engine_flags_set_up_again_and_are_then_kept(checkout: Path, run: Run) -> None:
    run("list")
    run("list", ALCOVE_ENGINE_FLAGS="-DGGML_BLAS=on")
    assert times_set_up(checkout) == 2
    run("list", ALCOVE_ENGINE_FLAGS="-DGGML_BLAS=on")
    run("list")
    assert times_set_up(checkout) == 2


def test_a_failed_set_up_starts_nothing_and_is_tried_again(checkout: Path, run: Run) -> None:
    done = run("list", FAIL_WITH="130")
    assert (done.returncode, done.stdout) == (130, "")
    assert run("list").returncode == 0
    assert times_set_up(checkout) == 2


def test_without_a_display_it_says_what_works(run: Run) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux can be without")
    done = run()
    assert done.returncode == 1
    assert './run chat "hello"' in done.stderr
    assert "./run serve" in done.stderr
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        assert run(**{variable: "x"}).stdout == "/: -P -m app\n"


def test_it_can_be_linked_to(checkout: Path, run: Run, tmp_path: Path) -> None:
    link = tmp_path / "alcove"
    link.symlink_to(checkout / "run")
    assert run("list", script=link).stdout == "/: -P -m app list\n"


def test_check_sets_up_for_development_and_that_serves_run_too(checkout: Path, run: Run) -> None:
    done = run("--full", script=checkout / "check")
    assert done.stdout == f"/: {checkout}/packaging/setup/check.py --full\n"
    run("list")
    assert (checkout / "set-up").read_text() == "--dev;"


def test_a_missing_python_is_said(run: Run, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "dirname", "readlink", "cat", "grep", "cksum"):
        (tools / name).symlink_to(shutil.which(name) or name)
    done = run("list", PATH=str(tools))
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr
