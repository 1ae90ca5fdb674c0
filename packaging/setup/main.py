"""Sets Alcove up in this checkout; `./run` and `./check` call it when something has changed."""

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from alcove_setup import environment, system
from alcove_setup.cache import held
from alcove_setup.console import Console
from alcove_setup.engine import Workshop, adopt_wheel, forget_engine, install_engine, workshop
from alcove_setup.faults import SetupError
from alcove_setup.layout import Layout
from alcove_setup.machine import inspect_machine

CHECKOUT = Path(__file__).resolve().parents[2]
INTERRUPTED = 130


def main() -> int:
    """Exit status: 0 set up, 1 not possible (and why), 130 interrupted."""
    choices = _parser().parse_args()
    console = Console.standard()
    console.headline = f"Setting Alcove up in {CHECKOUT} (the first time, and after changes) ..."
    _clean_up_when_killed_politely()
    try:
        _set_up(choices, console)
    except (SetupError, OSError) as error:
        console.say(f"Alcove could not be set up. {error}")
        if isinstance(error, SetupError) and error.hint:
            console.say(error.hint)
        return 1
    except KeyboardInterrupt:
        console.say("Stopped. Nothing is broken: the next start goes on from here.")
        return INTERRUPTED
    return 0


def _set_up(choices: argparse.Namespace, console: Console) -> None:
    """Raises SetupError."""
    layout = Layout.current(CHECKOUT, sys.platform, os.environ)
    with held(CHECKOUT / ".venv.lock", lambda: console.say("Another set-up is at work here; waiting for it.")):
        venv = environment.prepare(layout.venv, layout.log, console)
        system.ensure_system(layout.log, console)
        locks = ["app.txt", "dev.txt"] if choices.dev else ["app.txt"]
        environment.install(venv, [layout.requirements / name for name in locks], console)
        environment.link_checkout(venv, CHECKOUT)
        shop = workshop(layout, venv, inspect_machine(), console)
        _engine(choices, shop)


def _engine(choices: argparse.Namespace, shop: Workshop) -> None:
    """Raises SetupError."""
    if choices.adopt_wheel:
        shop.console.say(f"Kept as {adopt_wheel(shop, choices.adopt_wheel)}")
    if choices.new_engine:
        forget_engine(shop.environment)
    install_engine(shop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Sets Alcove up in this checkout.")
    parser.add_argument("--dev", action="store_true", help="with what ./check needs")
    parser.add_argument("--new-engine", action="store_true", help="choose the engine anew (new GPU, driver or CUDA)")
    parser.add_argument("--adopt-wheel", type=Path, metavar="WHEEL", help="an engine wheel built on this machine")
    return parser


def _clean_up_when_killed_politely() -> None:
    """A closed terminal and a polite kill end like Ctrl-C does; under nohup the terminal may close."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
