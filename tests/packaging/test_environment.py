"""The virtual environment is made once, mended when it is broken, and never made over somebody's files."""

import subprocess
import sys
from pathlib import Path

import pytest

from alcove_setup import environment
from alcove_setup.environment import Environment, install, is_sound, link_checkout, network_hint, prepare
from alcove_setup.faults import SetupError
from tests.packaging.setup_parts import Transcript


@pytest.fixture
def venv(tmp_path: Path) -> Environment:
    """A sound environment without a pip of its own (quick to make; the set-up's pip is aimed at it)."""
    root = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root)], check=True)
    return Environment(root, tmp_path / "log")


def test_a_sound_environment_is_kept_in_silence(venv: Environment) -> None:
    told = Transcript()
    (venv.root / "mine").touch()
    assert prepare(venv.root, venv.log, told.console) == venv
    assert (venv.root / "mine").exists()
    assert told.text == ""


@pytest.mark.parametrize("damage", ["unfinished", "no python", "no configuration", "moved", "empty"])
def test_a_broken_environment_is_made_anew(venv: Environment, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_has", lambda module: module == "venv")  # as on Debian without python3-venv
    match damage:
        case "unfinished":
            venv.unfinished.touch()
        case "no python":
            venv.python.unlink()
        case "no configuration":
            (venv.root / "pyvenv.cfg").unlink()
            venv.unfinished.touch()
        case "moved":
            venv = Environment(venv.root.rename(venv.root.with_name("moved")), venv.log)
            venv.python.unlink()
            venv.python.symlink_to(sys.executable)
            (venv.root / "pyvenv.cfg").write_text("home = /nowhere\n")
            venv.unfinished.touch()
        case "empty":
            venv = Environment(venv.root.with_name("empty"), venv.log)
            venv.root.mkdir()
    assert not is_sound(venv)
    told = Transcript()
    mended = prepare(venv.root, venv.log, told.console)
    assert "making it anew" in told.text
    assert mended.unfinished.exists(), "until the dependencies are in"
    mended.unfinished.unlink()
    assert is_sound(mended)


def test_a_folder_that_is_no_environment_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "thesis.tex").touch()
    with pytest.raises(SetupError, match="no virtual environment"):
        prepare(tmp_path / "venv", tmp_path / "log", Transcript().console)
    assert (tmp_path / "venv" / "thesis.tex").exists()


def test_a_python_that_can_make_no_environment_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_has", lambda module: False)
    with pytest.raises(SetupError, match="neither python3-venv, pip nor virtualenv") as caught:
        prepare(tmp_path / "venv", tmp_path / "log", Transcript().console)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("line", "can"),
    [
        ("pip 23.0.1 from /usr/lib/python3/dist-packages/pip (python 3.11)", True),
        ("pip 22.3 from /x (python 3.11)", True),
        ("pip 20.3.4 from /x (python 3.11)", False),
        (None, False),
    ],
)
def test_which_pip_can_fill_an_environment_from_outside(line: str | None, can: bool) -> None:
    assert environment.pip_can_aim_elsewhere(line) is can


def test_the_same_locks_are_installed_once(venv: Environment, tmp_path: Path) -> None:
    lock = tmp_path / "app.txt"
    lock.write_text("# nothing to install\n")
    first, second, third = Transcript(), Transcript(), Transcript()
    install(venv, [lock], first.console)
    install(venv, [lock], second.console)
    lock.write_text("# still nothing to install\n")
    install(venv, [lock], third.console)
    assert ["Dependencies: done" in told.text for told in (first, second, third)] == [True, False, True]
    assert not venv.unfinished.exists()


def test_a_failed_installation_is_marked_and_explained(
    venv: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALCOVE_OFFLINE", "1")
    lock = tmp_path / "app.txt"
    lock.write_text(f"no-such-package==1 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(SetupError) as caught:
        install(venv, [lock], Transcript().console)
    assert "ALCOVE_OFFLINE" in caught.value.hint
    assert not is_sound(venv)


def test_the_network_is_blamed_only_when_pip_does() -> None:
    assert "HTTPS_PROXY" in network_hint(["WARNING: Retrying after connection broken by NewConnectionError"], {})
    assert network_hint(["ERROR: THESE PACKAGES DO NOT MATCH THE HASHES"], {}) == ""


def test_the_app_runs_from_any_folder_and_not_that_folders_app(venv: Environment, tmp_path: Path) -> None:
    checkout, elsewhere = tmp_path / "check out", tmp_path / "elsewhere"
    for folder, word in ((checkout, "ours"), (elsewhere, "theirs")):
        (folder / "app").mkdir(parents=True)
        (folder / "app" / "__main__.py").write_text(f"import sys; print('{word}', sys.argv[1:])")
    link_checkout(venv, checkout)
    command = venv.binaries / ("alcove.cmd" if sys.platform == "win32" else "alcove")
    done = subprocess.run([command, "chat", "a b"], cwd=elsewhere, capture_output=True, text=True, check=True)
    assert done.stdout == "ours ['chat', 'a b']\n"
