"""`./check` runs everything there is, whatever fails, and says what failed."""

import sys
from pathlib import Path

import pytest

from alcove_setup.checks import Check, check_environ, planned, run_checks
from tests.packaging.setup_parts import Transcript


def test_what_is_there_is_checked(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "tests").mkdir()
    checks = {check.name: check.command for check in planned(tmp_path, "python", full=False)}
    assert list(checks) == ["ruff check", "ruff format", "mypy", "tests"]
    assert checks["mypy"] == ["python", "-m", "mypy", "app", "tests"]
    assert checks["tests"][-2:] == ["-m", "not slow"]


def test_full_adds_the_slow_tests_and_translations_come_when_they_exist(tmp_path: Path) -> None:
    (tmp_path / "packaging").mkdir()
    (tmp_path / "packaging" / "translations.py").touch()
    names = [check.name for check in planned(tmp_path, "python", full=True)]
    assert names == ["ruff check", "ruff format", "mypy", "translations", "tests", "slow tests"]


def test_all_run_though_one_fails_and_only_failures_speak(tmp_path: Path) -> None:
    def check(name: str, code: str, may_be_empty: bool = False) -> Check:
        return Check(name, [sys.executable, "-c", code], may_be_empty=may_be_empty)

    told = Transcript()
    checks = [
        check("good", "print('chatter')"),
        check("bad", "print('the reason'); raise SystemExit(1)"),
        check("empty", "raise SystemExit(5)", may_be_empty=True),
        check("last", "open('ran', 'w')"),
    ]
    assert run_checks(checks, tmp_path, check_environ(), told.console) == ["bad"]
    assert (tmp_path / "ran").exists()
    assert "the reason" in told.text
    assert "chatter" not in told.text
    assert [line.split()[:2] for line in told.text.splitlines() if "(" in line] == [
        ["ok", "good"],
        ["FAIL", "bad"],
        ["ok", "empty"],
        ["ok", "last"],
    ]


@pytest.mark.parametrize("environ", [{}, {"QT_QPA_PLATFORM": "xcb"}])
def test_windows_are_drawn_off_screen(environ: dict[str, str]) -> None:
    assert check_environ(environ)["QT_QPA_PLATFORM"] == "offscreen"
