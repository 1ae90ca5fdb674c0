"""`alcove` without a sub-command: the window."""

import sys

from app.cli.terminal import Terminal, has_display


def main() -> None:
    """Open the window without loading anything of the other commands."""
    open_window(Terminal.current())


def open_window(terminal: Terminal) -> None:
    """Open the window and end with its exit code; with 1 where there is no display, naming what needs none."""
    if not has_display():
        terminal.note(terminal.words("no_display"))
        sys.exit(1)
    try:
        from app.ui.app import main
    except ImportError as error:
        terminal.note(terminal.words("no_qt", reason=str(error)))
        sys.exit(1)
    sys.exit(main())
