"""How Alcove starts another process of its own."""

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
"""Working folder in which `python -m app` finds this very copy of Alcove."""


def process_command(kind: str, *arguments: str) -> list[str]:
    """The command line of `python -m app KIND …`; a frozen build is its own interpreter and entry."""
    entry = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "app"]
    return [*entry, kind, *arguments]
