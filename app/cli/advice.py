"""`alcove recommend` and `alcove catalogue`: which models to run on this computer or on one that is described."""

from pathlib import Path

import click

from app.cli.advice_report import show_advice, show_overview
from app.cli.client import Client
from app.cli.terminal import Terminal
from app.errors import AppError
from app.protocol import Advice, CatalogueState, Use

_LARGEST_FILE = 256 * 1024
_here = Terminal.current()


@click.command(help=_here.words("help_recommend"))
@click.option("--for", "use", type=click.Choice([use.value for use in Use]), help=_here.words("help_for"))
@click.option("--context", type=click.IntRange(1, 2**24), help=_here.words("help_context"))
@click.option("--machine", default="", help=_here.words("help_machine"))
@click.option("--json", "as_json", is_flag=True, help=_here.words("help_json"))
@click.pass_obj
def recommend(terminal: Terminal, use: str | None, context: int | None, machine: str, as_json: bool) -> None:
    query: dict[str, str | int] = {"use": use or "", "machine": _described(machine)}
    if context is not None:
        query["context"] = context
    with _client(terminal) as client:
        advice = client.get("/api/advice", list[Advice], **query)
    if as_json:
        terminal.json(advice)
    elif use:
        show_advice(terminal, advice[0])
    else:
        show_overview(terminal, advice)


@click.group(help=_here.words("help_catalogue"))
def catalogue() -> None:
    """Its commands are below."""


@catalogue.command(help=_here.words("help_catalogue_update"))
@click.option("--json", "as_json", is_flag=True, help=_here.words("help_json"))
@click.pass_obj
def update(terminal: Terminal, as_json: bool) -> None:
    with _client(terminal) as client:
        state = client.post("/api/catalogue/update", CatalogueState)
    if as_json:
        terminal.json(state)
    else:
        said = "catalogue_updated" if state.updated else "catalogue_current"
        terminal.write(terminal.words(said, date=state.date, models=state.models))


COMMANDS: tuple[click.Command, ...] = (recommend, catalogue)


def _described(machine: str) -> str:
    """The text of the file of that name, if there is one, else what was said. Raises AppError for a useless file."""
    try:
        path = Path(machine)
        if not machine or not path.is_file():
            return machine
        if path.stat().st_size > _LARGEST_FILE:
            raise AppError("machine_not_understood", text=path.name)
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # a description may be no possible name of a file
        if isinstance(error, UnicodeDecodeError):
            raise AppError("machine_not_understood", text=machine[:60]) from error
        return machine


def _client(terminal: Terminal) -> Client:
    return Client(terminal.paths, "command", on_other_version=terminal.other_version)
