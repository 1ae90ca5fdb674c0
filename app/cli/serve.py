"""`alcove serve`: the public port, open until Ctrl+C, and opened again when the backend was killed."""

import contextlib
import queue
import signal
from collections.abc import Iterator
from types import FrameType

from app.cli.client import Client
from app.cli.terminal import Terminal
from app.protocol import Event, ModelEntry, ModelState, PortChanged, PortRequest, PortState

_LOOK_S = 0.5


class Interrupted(BaseException):
    """The system or the person asks this process to end. Not an Exception: nothing on the way may stop it."""


def serve(terminal: Terminal, request: PortRequest) -> None:
    """Hold the port open until told to end, or until somebody closes it. Raises AppError where it cannot be opened."""
    changes: queue.SimpleQueue[PortState | None] = queue.SimpleQueue()

    def on_event(event: Event) -> None:
        if isinstance(event, PortChanged):
            changes.put(event.port)

    with _until_told(), Client(terminal.paths, "serve", on_event, terminal.other_version) as client:
        number = 0
        state: PortState | None = None
        while not number or not _was_closed(changes, client, number):
            number, again = client.attached(), state is not None
            _drain(changes)
            state = client.post("/api/port", PortState, request)
            terminal.write(terminal.words("serving_again" if again else "serving", url=address(state)))
            if not again:
                _introduce(terminal, client, state)
        terminal.note(terminal.words("port_closed"))


def address(state: PortState) -> str:
    """The base URL as a program on this machine uses it."""
    host = "127.0.0.1" if state.host in ("0.0.0.0", "") else "[::1]" if state.host == "::" else state.host
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{host}:{state.port}/v1"


def _introduce(terminal: Terminal, client: Client, state: PortState) -> None:
    """Which models can be asked for, and whether a key is needed."""
    models = [model for model in client.get("/api/models", list[ModelEntry]) if model.state is not ModelState.BROKEN]
    terminal.write(terminal.words("serving_models", models=", ".join(model.id for model in models) or "-"))
    terminal.write(terminal.words("serving_key" if state.needs_key else "serving_no_key"))
    terminal.write(terminal.words("serving_end"))


def _was_closed(changes: "queue.SimpleQueue[PortState | None]", client: Client, number: int) -> bool:
    """Wait until somebody closes the port (True) or the backend is another one (False).

    What is told before our own opening belongs to somebody else's port.
    """
    opened = False
    while client.number == number:
        with contextlib.suppress(queue.Empty):
            state = changes.get(timeout=_LOOK_S)
            if opened and state is None:
                return True
            opened = opened or state is not None
    return False


def _drain(changes: "queue.SimpleQueue[PortState | None]") -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            changes.get_nowait()


@contextlib.contextmanager
def _until_told() -> Iterator[None]:
    """Ends quietly on SIGTERM and Ctrl+C, wherever the body is."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise Interrupted

    before = [(number, signal.signal(number, end)) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        yield
    except Interrupted:
        return
    finally:
        for number, handler in before:
            signal.signal(number, handler)
