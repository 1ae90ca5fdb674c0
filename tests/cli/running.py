"""Runs the real `alcove` command: to its end, beside the test, or behind a terminal of its own."""

import contextlib
import os
import pty
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from app.launch import own_command
from tests.processes import PATIENCE_S, ROOT, until

ENGLISH = {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", "COLUMNS": "200"}


def environment(home: Path, **more: str) -> dict[str, str]:
    """The test's own environment, English, without a display, for that home and a fake engine."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    }
    return kept | ENGLISH | {"ALCOVE_HOME": str(home), "ALCOVE_FAKE_ENGINE": "0:300"} | more


def alcove(home: Path, *arguments: str, stdin: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, with that text piped in."""
    return subprocess.run(
        own_command(*arguments),
        cwd=ROOT,
        env=environment(home, **more),
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE_S * 2,
        check=False,
    )


class Running:
    """A command beside the test, whose output is collected as it comes."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: int) -> None:
        self.process = process
        self._output = output
        self._said = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def said(self) -> str:
        return self._said.decode(errors="replace")

    def wait_for(self, text: str) -> str:
        """Everything said so far, once that text is in it."""
        until(lambda: text in self.said or self.process.poll() is not None, repr(text))
        assert text in self.said, f"it ended with {self.process.returncode} and said {self.said!r}"
        return self.said

    def end(self) -> int:
        """The exit code, once it has ended by itself."""
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # A terminal whose last process has gone gives EIO.
            while chunk := os.read(self._output, 4096):
                self._said += chunk


@contextlib.contextmanager
def running(home: Path, *arguments: str, **more: str) -> Iterator[Running]:
    """A command whose output and errors go into one pipe; killed at the end if it still runs."""
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        own_command(*arguments),
        cwd=ROOT,
        env=environment(home, **more),
        stdin=subprocess.DEVNULL,
        stdout=write_end,
        stderr=write_end,
    )
    os.close(write_end)
    with _watched(process, read_end) as command:
        yield command


@contextlib.contextmanager
def in_terminal(home: Path, *arguments: str, **more: str) -> Iterator[tuple[Running, int]]:
    """A command in a terminal of its own, and the descriptor on which a person types."""
    keyboard, screen = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", *own_command(*arguments)],
        cwd=ROOT,
        env=environment(home, TERM="xterm", **more),
        stdin=screen,
        stdout=screen,
        stderr=screen,
    )
    os.close(screen)
    with _watched(process, keyboard) as command:
        yield command, keyboard


@contextlib.contextmanager
def _watched(process: "subprocess.Popen[bytes]", output: int) -> Iterator[Running]:
    command = Running(process, output)
    try:
        yield command
    finally:
        if process.poll() is None:
            process.kill()
        command.end()
        os.close(output)
