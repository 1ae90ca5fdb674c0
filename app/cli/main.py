"""The `alcove` command: one function per sub-command, errors on standard error, exit 0, 1 (failed) or 2 (misused)."""

import contextlib
import io
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import click

import app
from app.cli.advice import COMMANDS as ADVICE_COMMANDS
from app.cli.bench import bench as measure
from app.cli.chat import Question, answer_once, converse
from app.cli.client import Client
from app.cli.connection import quoted
from app.cli.fit import fit
from app.cli.reports import show_checks, show_loaded, show_machine, show_model, show_models
from app.cli.serve import serve as hold_port
from app.cli.terminal import Terminal, has_display, piped_input
from app.cli.window import open_window
from app.errors import AppError
from app.format import well_formed
from app.launch import read_handshake
from app.protocol import BenchRequest, Check, CheckState, KvType, LoadParams, Machine, ModelEntry, PortRequest, Status
from app.protocol.models import MOST_SLOTS

PUBLIC_PORT = 8484

_PORT = click.IntRange(0, 65535)
_here = Terminal.current()
_F = TypeVar("_F", bound=Callable[..., Any])


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # what a pipe or a terminal cannot say costs a sign, not the answer
    sys.exit(run([well_formed(argument) for argument in sys.argv[1:]]))


def run(arguments: list[str]) -> int:
    """The exit code of one command; every expected fault is said on standard error."""
    terminal = Terminal.current()
    try:
        alcove.main(arguments, prog_name="alcove", obj=terminal, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except AppError as error:
        terminal.error(error)
        return 1
    except (click.Abort, KeyboardInterrupt):
        terminal.note("")
        return 1
    except BrokenPipeError:
        # Whoever read our output has enough; what is still buffered must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return 0


def _as_json(command: _F) -> _F:
    return click.option("--json", "as_json", is_flag=True, help=_here.words("help_json"))(command)


@click.group(invoke_without_command=True, help=_here.words("help_alcove"))
@click.version_option(app.__version__, prog_name="alcove", message="%(prog)s %(version)s")
@click.pass_context
def alcove(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        open_window(context.obj)


@alcove.command(help=_here.words("help_chat"))
@click.argument("text", required=False)
@click.option("-m", "--model", default="", help=_here.words("help_model"))
@click.option("--system", default="", help=_here.words("help_system"))
@click.option("--no-stream", is_flag=True, help=_here.words("help_no_stream"))
@click.option("--temperature", type=click.FloatRange(0, 5), help=_here.words("help_temperature"))
@click.pass_obj
def chat(
    terminal: Terminal, text: str | None, model: str, system: str, no_stream: bool, temperature: float | None
) -> None:
    question = Question(model, system, temperature, not no_stream)
    asked = "\n\n".join(part for part in (text or "", piped_input(sys.stdin).strip()) if part)
    if asked:
        sys.exit(answer_once(terminal, question, asked))
    if sys.stdin is None or not sys.stdin.isatty():
        raise click.UsageError(terminal.words("nothing_to_ask"))
    converse(terminal, question, _line_reader())


@alcove.command(help=_here.words("help_serve"))
@click.option("--host", default="127.0.0.1", show_default=True, help=_here.words("help_host"))
@click.option("--port", type=_PORT, default=PUBLIC_PORT, show_default=True, help=_here.words("help_port"))
@click.option("--api-key", default="", envvar="ALCOVE_API_KEY", help=_here.words("help_api_key"))
@click.pass_obj
def serve(terminal: Terminal, host: str, port: int, api_key: str) -> None:
    hold_port(terminal, PortRequest(host=host, port=port, api_key=api_key))


@alcove.command("list", help=_here.words("help_list"))
@_as_json
@click.pass_obj
def list_models(terminal: Terminal, as_json: bool) -> None:
    with _client(terminal) as client:
        models = client.get("/api/models", list[ModelEntry])
    terminal.json(models) if as_json else show_models(terminal, models)


@alcove.command(help=_here.words("help_show"))
@click.argument("model")
@_as_json
@click.pass_obj
def show(terminal: Terminal, model: str, as_json: bool) -> None:
    with _client(terminal) as client:
        entry = client.get(_model_path(model), ModelEntry)
    terminal.json(entry) if as_json else show_model(terminal, entry)


@alcove.command(help=_here.words("help_hardware"))
@_as_json
@click.pass_obj
def hardware(terminal: Terminal, as_json: bool) -> None:
    with _client(terminal) as client:
        machine = client.get("/api/hardware", Machine)
    terminal.json(machine) if as_json else show_machine(terminal, machine)


@alcove.command(help=_here.words("help_doctor"))
@_as_json
@click.pass_obj
def doctor(terminal: Terminal, as_json: bool) -> None:
    with _client(terminal) as client:
        checks = client.get("/api/doctor", list[Check])
    if not has_display():
        checks.append(Check(code="display_missing", state=CheckState.WARN))
    terminal.json(checks) if as_json else show_checks(terminal, checks)
    if any(check.state is CheckState.BAD for check in checks):
        sys.exit(1)


@alcove.command("bench", help=_here.words("help_bench"))
@click.argument("model", default="")
@click.option("--depth", "depths", type=click.IntRange(0), multiple=True, help=_here.words("help_depth"))
@click.option("--repeats", type=click.IntRange(1, 20), default=3, show_default=True, help=_here.words("help_repeats"))
@_as_json
@click.pass_obj
def bench(terminal: Terminal, model: str, depths: tuple[int, ...], repeats: int, as_json: bool) -> None:
    measure(terminal, BenchRequest(model=model, depths=depths, repeats=repeats), as_json)


@alcove.command(help=_here.words("help_ps"))
@_as_json
@click.pass_obj
def ps(terminal: Terminal, as_json: bool) -> None:
    loaded: tuple[ModelEntry, ...] = ()
    if read_handshake(terminal.paths) is not None:
        with _client(terminal) as client:
            loaded = client.get("/api/status", Status).loaded
    terminal.json(loaded) if as_json else show_loaded(terminal, loaded)


@alcove.command(help=_here.words("help_load"))
@click.argument("model")
@click.option("--context", "context_length", type=click.IntRange(1), help=_here.words("help_context"))
@click.option("--gpu-layers", type=click.IntRange(0), help=_here.words("help_gpu_layers"))
@click.option("--kv", type=click.Choice([kind.value for kind in KvType]), help=_here.words("help_kv"))
@click.option("--slots", type=click.IntRange(1, MOST_SLOTS), help=_here.words("help_slots"))
@click.option("--threads", type=click.IntRange(1), help=_here.words("help_threads"))
@click.option("--flash-attention/--no-flash-attention", default=None, help=_here.words("help_flash_attention"))
@click.pass_obj
def load(terminal: Terminal, /, model: str, kv: str | None, **chosen: Any) -> None:
    kind = None if kv is None else KvType(kv)
    params = LoadParams(kv_type_k=kind, kv_type_v=kind, **chosen)
    with _client(terminal) as client:
        with terminal.progress(terminal.words("loading_one", model=model)):
            entry = client.post(f"{_model_path(model)}/load", ModelEntry, params, wait=1)
        alone = client.get("/api/status", Status).clients <= 1
    terminal.write(terminal.words("loaded", model=entry.name, context=entry.loaded_context or 0, device=entry.device))
    if alone:
        terminal.note(terminal.words("loaded_alone"))


@alcove.command(help=_here.words("help_unload"))
@click.argument("model")
@click.pass_obj
def unload(terminal: Terminal, model: str) -> None:
    with _client(terminal) as client:
        entry = client.post(f"{_model_path(model)}/unload", ModelEntry)
    terminal.write(terminal.words("unloaded", model=entry.name))


for command in ADVICE_COMMANDS:
    alcove.add_command(command)


alcove.add_command(fit)


def _client(terminal: Terminal) -> Client:
    return Client(terminal.paths, "command", on_other_version=terminal.other_version)


def _model_path(name: str) -> str:
    """The route of that model. A slash cannot be in a model's name, nor in one part of a path."""
    if "/" in name or not name.strip():
        raise AppError("model_not_found", model=name)
    return f"/api/models/{quoted(name)}"


def _line_reader() -> Callable[[], str]:
    """Reads a line with editing and history where the system has them."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 (importing it gives `input` its line editing; Windows has its own)
    return lambda: input("› ")
