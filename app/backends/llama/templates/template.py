"""Renders a model's chat template in a process of its own: templates come with downloaded files and are not trusted.

The process holds nothing, may open nothing, and is limited in memory and time; Jinja's sandbox is the second fence.
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from queue import SimpleQueue
from typing import Any, NoReturn

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser
import jinja2.sandbox

from app.backends.llama.frames import FrameReader, encode
from app.backends.llama.templates.request import Render, Rendered

MEMORY_LIMIT = 512 * 1024 * 1024
CPU_SECONDS = 1
OUTPUT_LIMIT = 8_000_000
"""Characters of one rendered prompt; the longest contexts hold about half of it."""


class TemplateError(Exception):
    """The template refused the conversation or does not work."""


class _Generation(jinja2.ext.Extension):
    """`{% generation %}…{% endgeneration %}` marks answers for training; here its content is rendered as it is."""

    tags = {"generation"}  # noqa: RUF012 (jinja2 declares it so)

    def parse(self, parser: jinja2.parser.Parser) -> list[jinja2.nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Environment(jinja2.sandbox.ImmutableSandboxedEnvironment):
    """The environment chat templates are written for (Hugging Face transformers, `apply_chat_template`)."""

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _Generation], cache_size=4
        )
        self.filters["tojson"] = _to_json
        self.globals["raise_exception"] = _raise_exception
        self.globals["strftime_now"] = lambda form: datetime.now().strftime(form)


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(str(message))


def _to_json(
    value: Any,
    indent: int | None = None,
    ensure_ascii: bool = False,
    sort_keys: bool = False,
    separators: tuple[str, str] | None = None,
) -> str:
    """JSON that keeps every character as it is, whatever was asked for: stand-ins must stay recognisable."""
    del ensure_ascii
    return json.dumps(value, indent=indent, ensure_ascii=False, sort_keys=sort_keys, separators=separators)


def make_renderer() -> Callable[[Render], str]:
    """A function that renders. It raises TemplateError, and MemoryError, for whatever a template does wrong."""
    environment = _Environment()

    def render(request: Render) -> str:
        try:
            parts = environment.from_string(request.source).generate(
                {
                    "documents": None,
                    **request.variables,
                    "messages": list(request.messages),
                    "tools": list(request.tools) or None,
                    "add_generation_prompt": request.generate,
                    "bos_token": request.bos,
                    "eos_token": request.eos,
                }
            )
            return _join(parts)
        except (TemplateError, MemoryError):
            raise
        except Exception as error:
            raise TemplateError(f"{type(error).__name__}: {error}") from error

    return render


def _join(parts: Any) -> str:
    """The pieces in one string. Raises TemplateError beyond the limit."""
    kept, length = [], 0
    for part in parts:
        length += len(part)
        if length > OUTPUT_LIMIT:
            raise TemplateError(f"it writes more than {OUTPUT_LIMIT} characters")
        kept.append(part)
    return "".join(kept)


# ---------------------------------------------------------------- the process


def main() -> None:
    """Serve Render requests on standard input until it ends."""
    render = make_renderer()
    requests: SimpleQueue[Render] = SimpleQueue()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    _give_up_rights()
    while True:
        request = requests.get()
        _limit_cpu()
        _write(encode(_answer(render, request)))


def _answer(render: Callable[[Render], str], request: Render) -> Rendered:
    try:
        return Rendered(text=render(request))
    except TemplateError as error:
        return Rendered(error=str(error)[:1000] or "it refused this conversation")
    except MemoryError:
        return Rendered(error="it needs too much memory")


def _read_requests(requests: "SimpleQueue[Render]") -> None:
    """Read until the worker goes, then end at once, whatever is being rendered."""
    reader: FrameReader[Render] = FrameReader(Render)
    while chunk := os.read(sys.stdin.fileno(), 1 << 16):
        for request in reader.feed(chunk):
            requests.put(request)
    os._exit(0)


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(sys.stdout.fileno(), view) :]


def _give_up_rights() -> None:
    """No new files, no new processes, bounded memory; where there are no such limits the worker's timer remains."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 (there is none on Windows)

    # What is read from files on first use (the time zone, jinja2's own modules) is used once while that is possible.
    for source in ("{{ strftime_now('%Y') }}", "{{ raise_exception('') }}", "{{", "{{ lipsum(n=1) }}"):
        _answer(make_renderer(), Render(source=source))
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_LIMIT),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(limit, (value, value))
        except (OSError, ValueError):
            continue  # macOS refuses some of them


def _limit_cpu() -> None:
    """Allow this request its seconds of processor time, counted from now; the kernel ends the process beyond them."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 (there is none on Windows)

    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime)
    resource.setrlimit(resource.RLIMIT_CPU, (used + 1 + CPU_SECONDS, resource.RLIM_INFINITY))
