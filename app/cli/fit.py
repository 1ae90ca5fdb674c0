"""`alcove fit`: what a model needs byte by byte, where it would run, how fast, and what would change that."""

import os
from collections.abc import Iterator
from pathlib import Path

import click

from app import format, words
from app.cli.client import Client
from app.cli.terminal import Terminal
from app.protocol import Fit, FitRequest, KvType, MemoryUse, Plan, Reason

_PARTS = ("weights", "cache", "state", "compute", "output", "projector", "draft", "residual")
_words = Terminal.current().words


@click.command("fit", help=_words("help_fit"))
@click.argument("model")
@click.option("--context", "context_length", type=click.IntRange(1), help=_words("help_fit_context"))
@click.option("--kv", type=click.Choice(["f16", "q8_0"]), help=_words("help_fit_kv"))
@click.option("--machine", default="", help=_words("help_fit_machine"))
@click.option("--json", "as_json", is_flag=True, help=_words("help_json"))
@click.pass_obj
def fit(
    terminal: Terminal, model: str, context_length: int | None, kv: str | None, machine: str, as_json: bool
) -> None:
    asked = FitRequest(
        model=_absolute(model),
        context_length=context_length,
        kv=None if kv is None else KvType(kv),
        machine=_described(machine),
    )
    with Client(terminal.paths, "command", on_other_version=terminal.other_version) as client:
        found = client.post("/api/fit", Fit, asked)
    terminal.json(found) if as_json else show_fit(terminal, found)


def show_fit(terminal: Terminal, found: Fit) -> None:
    """The verdict, the table of bytes, the speed and the reasons."""
    plan = found.plan
    name = " ".join(part for part in (found.name, found.quantization) if part)
    terminal.write(terminal.words(f"fit_{plan.verdict.value}", model=name))
    terminal.write(_settings(terminal, plan))
    terminal.write("")
    devices = [terminal.words("fit_part"), *(use.device for use in plan.memory)]
    terminal.table(devices, _rows(terminal, plan.memory))
    terminal.write("")
    if plan.level == "rehearsed":
        terminal.write(terminal.words("fit_rehearsed"))
    if plan.prediction is not None:
        terminal.write(_speed(terminal, plan))
    for reason in (*found.assumptions, *plan.given_up, *plan.would_change):
        terminal.write(f"- {_said(terminal, reason)}")


def _settings(terminal: Terminal, plan: Plan) -> str:
    params = plan.params
    return terminal.words(
        "fit_settings",
        context=plan.context_length,
        kv=str(params.kv_type_k.value if params.kv_type_k else ""),
        layers=params.gpu_layers or 0,
        all_layers=plan.layers,
        batch=params.micro_batch or 0,
    )


def _rows(terminal: Terminal, uses: tuple[MemoryUse, ...]) -> Iterator[tuple[str, ...]]:
    for part in _PARTS:
        sizes = [getattr(use, part) for use in uses]
        if any(sizes):
            yield terminal.words(f"fit_{part}"), *(_size(size) for size in sizes)
    unknown = words.text("label", "unknown", {}, terminal.language)
    yield terminal.words("fit_total"), *(_size(use.total) for use in uses)
    yield terminal.words("fit_free"), *(unknown if use.free is None else _size(use.free) for use in uses)
    if any(use.reserve for use in uses):
        yield terminal.words("fit_reserve"), *(_size(use.reserve) for use in uses)


def _speed(terminal: Terminal, plan: Plan) -> str:
    prediction = plan.prediction
    assert prediction is not None
    decode = prediction.decode
    return terminal.words(
        "fit_speed",
        expected=format.rate(decode.expected, terminal.language),
        low=f"{decode.low:.1f}",
        high=f"{decode.high:.1f}",
        ttft_s=prediction.ttft_s.expected,
    )


def _said(terminal: Terminal, reason: Reason) -> str:
    said = words.text("reason", reason.code, reason.values, terminal.language)
    return said[:1].upper() + said[1:]


def _size(size: int) -> str:
    return format.memory_size(size) if size else "0"


def _absolute(model: str) -> str:
    """A file that is here by its whole path: the backend runs in another folder."""
    return os.path.abspath(model) if Path(model).expanduser().is_file() else model


def _described(machine: str) -> str:
    """The text of a file of that name, else the words themselves."""
    path = Path(machine).expanduser() if machine and len(machine) < 4096 else None
    try:
        return path.read_text(encoding="utf-8") if path is not None and path.is_file() else machine
    except (OSError, UnicodeDecodeError):
        return machine
