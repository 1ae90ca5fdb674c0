"""Everything that has to pass: lint, format, types, translations and tests, one line each with its time."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alcove_setup.console import Console

TYPED = ("app", "tests", "bench", "packaging/setup", "packaging/translations.py")
NO_TESTS = 5
"""pytest's exit status when nothing was selected."""


@dataclass(frozen=True)
class Check:
    """One command; a `shown` one writes to the terminal while it runs, the others only when they fail."""

    name: str
    command: Sequence[str]
    shown: bool = False
    may_be_empty: bool = False


def planned(checkout: Path, python: str, full: bool) -> list[Check]:
    """The checks for what is in the checkout, in the order they run."""
    typed = [name for name in TYPED if (checkout / name).exists()]
    checks = [
        Check("ruff check", [python, "-m", "ruff", "check", "."]),
        Check("ruff format", [python, "-m", "ruff", "format", "--check", "."]),
        Check("mypy", [python, "-m", "mypy", *typed]),
    ]
    if (checkout / "packaging" / "translations.py").exists():
        checks.append(Check("translations", [python, "packaging/translations.py", "--check"]))
    checks.append(Check("tests", [python, "-m", "pytest", "-q", "-m", "not slow"], shown=True))
    if full:
        checks.append(Check("slow tests", [python, "-m", "pytest", "-q", "-m", "slow"], shown=True, may_be_empty=True))
    return checks


def run_checks(checks: Sequence[Check], checkout: Path, environ: Mapping[str, str], console: Console) -> list[str]:
    """Runs them all, whatever fails; returns the names of those that failed."""
    return [check.name for check in checks if not _passes(check, checkout, environ, console)]


def check_environ(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of the checks: the window is drawn off screen."""
    return {**environ, "QT_QPA_PLATFORM": "offscreen"}


def _passes(check: Check, checkout: Path, environ: Mapping[str, str], console: Console) -> bool:
    console.refresh(f"  {check.name} ...")
    if check.shown:
        console.clear()
    began = time.monotonic()
    output = None if check.shown else subprocess.PIPE
    done = subprocess.run(
        check.command, cwd=checkout, env=environ, stdout=output, stderr=subprocess.STDOUT, check=False
    )
    passed = done.returncode == 0 or (check.may_be_empty and done.returncode == NO_TESTS)
    if not passed and done.stdout:
        console.say(done.stdout.decode(errors="replace").rstrip())
    console.say(f"{'ok  ' if passed else 'FAIL'}  {check.name} ({time.monotonic() - began:.1f} s)")
    return passed
