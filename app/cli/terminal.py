"""What the command line writes and how: words in the person's language, tables, JSON, errors and a progress line."""

import contextlib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

import msgspec

import app
from app.errors import AppError
from app.format import Language
from app.paths import Paths
from app.protocol import Value
from app.settings import load_settings
from app.words import choose_language, error_words, system_language, text

if TYPE_CHECKING:
    from rich.status import Status as Spinner

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_WIDE = 240
_DIM, _BOLD, _PLAIN = "\x1b[2m", "\x1b[1m", "\x1b[0m"


def printable(said: str) -> str:
    """Text without the control characters that would steer a terminal; line breaks and tabs stay."""
    return _CONTROLS.sub("", said)


class Progress:
    """A line that says what is being waited for, on standard error; silent where that is no terminal."""

    def __init__(self, spinner: "Spinner | None" = None) -> None:
        self._spinner = spinner

    def show(self, line: str) -> None:
        if self._spinner is not None:
            self._spinner.update(line)

    def stop(self) -> None:
        """Clear the line; it does not come back."""
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None


@dataclass(frozen=True)
class Terminal:
    """The terminal, or the files and pipes that stand for it."""

    paths: Paths
    language: Language

    @classmethod
    def current(cls) -> "Terminal":
        """For the environment and the settings; settings that cannot be read do not silence an error message."""
        paths = Paths.current()
        try:
            language = choose_language(load_settings(paths.settings).language)
        except AppError:
            language = system_language()
        return cls(paths, language)

    def words(self, code: str, **values: Value) -> str:
        """One sentence of the command line."""
        return text("cli", code, values, self.language)

    def write(self, said: str, end: str = "\n") -> None:
        """Text for standard output, at once; made harmless where a terminal shows it."""
        sys.stdout.write((printable(said) if sys.stdout.isatty() else said) + end)
        sys.stdout.flush()

    def write_dimmed(self, said: str) -> None:
        """What is beside the point: only for a terminal, and dimmed there."""
        if sys.stdout.isatty():
            sys.stdout.write(f"{_DIM}{printable(said)}{_PLAIN}")
            sys.stdout.flush()

    def note(self, said: str) -> None:
        """A remark on standard error."""
        sys.stderr.write(printable(said) + "\n")
        sys.stderr.flush()

    def other_version(self, version: str) -> None:
        """A remark that the backend is of that version, which is not ours."""
        self.note(self.words("other_version", backend_version=version, own_version=app.__version__))

    def error(self, error: AppError) -> None:
        """Title, message and hint on standard error."""
        said = error_words(error.code, error.values, self.language)
        bold, plain = (_BOLD, _PLAIN) if sys.stderr.isatty() else ("", "")
        lines = [f"{bold}{printable(said.title)}{plain}", printable(said.message), printable(said.hint)]
        sys.stderr.write("\n".join(line for line in lines if line) + "\n")
        sys.stderr.flush()

    def json(self, data: object) -> None:
        """Data as indented JSON, with every field, also those at their defaults that the wire leaves out."""
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(_complete(data)), indent=2).decode() + "\n")

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Columns with headings; as wide as the terminal, without a limit elsewhere."""
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, show_header=any(headings))
        for heading in headings:
            table.add_column(Text(heading), overflow="fold")
        for row in rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        Console(file=sys.stdout, width=None if sys.stdout.isatty() else _WIDE, highlight=False).print(table)

    def facts(self, rows: Iterable[tuple[str, str]]) -> None:
        """Names and values, one pair per line."""
        self.table(("", ""), rows)

    @contextlib.contextmanager
    def progress(self, line: str) -> Iterator[Progress]:
        """A progress line that is gone at the end."""
        if not sys.stderr.isatty():
            yield Progress()
            return
        from rich.console import Console

        spinner = Console(stderr=True, highlight=False).status(line)
        progress = Progress(spinner)
        spinner.start()
        try:
            yield progress
        finally:
            progress.stop()


def _complete(data: object) -> object:
    if isinstance(data, msgspec.Struct):
        return {name: _complete(getattr(data, name)) for name in data.__struct_fields__}
    return [_complete(item) for item in data] if isinstance(data, list | tuple) else data


def has_display() -> bool:
    """Whether a window can be shown. Only Linux and its kin can be without."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("WAYLAND_DISPLAY", "DISPLAY", "QT_QPA_PLATFORM"))


def piped_input(stream: TextIO | None) -> str:
    """What was piped into the command; "" where a person sits at the terminal."""
    return "" if stream is None or stream.closed or stream.isatty() else stream.read()
