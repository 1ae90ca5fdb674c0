"""Runs all checks in this checkout; `./check` calls it once the set-up is in place."""

import argparse
import sys
from pathlib import Path

from alcove_setup.checks import check_environ, planned, run_checks
from alcove_setup.console import Console

CHECKOUT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Exit status: 0 all passed, 1 something failed, 130 interrupted."""
    parser = argparse.ArgumentParser(description="Runs all checks.")
    parser.add_argument("--full", action="store_true", help="with the slow suites: kills, fuzzing, other clients")
    full = parser.parse_args().full
    console = Console.standard()
    try:
        failed = run_checks(planned(CHECKOUT, sys.executable, full), CHECKOUT, check_environ(), console)
    except KeyboardInterrupt:
        console.say("Stopped.")
        return 130
    console.say(f"Failed: {', '.join(failed)}" if failed else "All checks passed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
