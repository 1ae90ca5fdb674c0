"""What the set-up says, on stderr: plain lines, and one refreshed line while something runs."""

import os
import re
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

EVERY_SECONDS = 30
"""Without a terminal, a long step reports this often."""
REFRESH_SECONDS = 0.1

Describe = Callable[[str], str | None]
"""Makes a note for the reader out of a line of output; None keeps the last note."""


@dataclass
class Console:
    """A place to write to. `interactive`: a terminal that can rewrite its last line."""

    stream: TextIO
    interactive: bool
    clock: Callable[[], float] = time.monotonic
    headline: str = ""
    """Said once, before anything else is: nothing is said when there is nothing to do."""
    _refreshed: bool = False

    @classmethod
    def standard(cls) -> "Console":
        """The error stream: what the app itself writes to stdout stays clean."""
        if sys.platform == "win32":
            os.system("")  # turns on escape sequences in older Windows consoles
        return cls(sys.stderr, sys.stderr.isatty() and os.environ.get("TERM") != "dumb")

    def say(self, text: str) -> None:
        """Writes a line that stays."""
        self.clear()
        self._say_headline()
        print(text, file=self.stream, flush=True)

    def refresh(self, text: str) -> None:
        """Writes over the last refreshed line; nothing where there is no terminal."""
        if not self.interactive:
            return
        width = shutil.get_terminal_size().columns - 1
        self.stream.write("\r\x1b[K" + text[:width])
        self.stream.flush()
        self._refreshed = True

    def begin(self, text: str) -> None:
        """Says that a step begins: refreshed away by its progress, or the headline alone where there is no terminal."""
        self._say_headline()
        self.refresh(text)

    def clear(self) -> None:
        """Takes the refreshed line away."""
        if self._refreshed:
            self.stream.write("\r\x1b[K")
            self._refreshed = False

    def _say_headline(self) -> None:
        if self.headline:
            print(self.headline, file=self.stream, flush=True)
            self.headline = ""


class Progress:
    """How far a long step is: a refreshed line on a terminal, otherwise a line every half minute."""

    def __init__(self, console: Console, title: str, describe: Describe) -> None:
        self._console = console
        self._title = title
        self._describe = describe
        self._note = ""
        self._began = console.clock()
        self._shown = self._began
        console.begin(f"  {title} ...")

    @property
    def elapsed(self) -> float:
        """Seconds since the step began."""
        return self._console.clock() - self._began

    def feed(self, line: str) -> None:
        """Takes one line of the step's output."""
        self._note = self._describe(line) or self._note
        self.show()

    def show(self) -> None:
        pause = REFRESH_SECONDS if self._console.interactive else EVERY_SECONDS
        now = self._console.clock()
        if now - self._shown < pause:
            return
        self._shown = now
        text = f"  {self._title}: {self._note}" if self._note else f"  {self._title}"
        text = f"{text} ({duration(self.elapsed)})"
        if self._console.interactive:
            self._console.refresh(text)
        else:
            self._console.say(text)

    def finish(self) -> None:
        self._console.say(f"  {self._title}: done ({duration(self.elapsed)})")


def duration(seconds: float) -> str:
    """`7 s`, `5 min 14 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def silence(_line: str) -> str | None:
    """Says nothing but the elapsed time."""
    return None


def describe_pip(line: str) -> str | None:
    """What pip is busy with: `Downloading numpy 16.6 MB`, `Installing`."""
    found = re.match(r"\s*Downloading (?:\S*/)?([\w.]+?)-\d\S* \(([\d.]+ [kMG]?B)\)", line)
    if found and ".metadata" not in line:
        return f"downloading {found[1].replace('_', '-')} ({found[2]})"
    if line.startswith("Installing collected packages"):
        return "installing"
    return None


def describe_build(line: str) -> str | None:
    """The step counter of ninja (`[123/456]`) or make (`[ 27%]`)."""
    found = re.match(r"\s*\[\s*(\d+)/(\d+)\]", line)
    if found:
        return f"step {found[1]} of {found[2]}"
    found = re.match(r"\s*\[\s*(\d+)%\]", line)
    return f"{found[1]} %" if found else None
