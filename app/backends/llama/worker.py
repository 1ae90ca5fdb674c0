"""The worker process: one model, commands as frames on standard input, events as frames on standard output.

The reading thread obeys at once what cannot wait (Cancel, Unload, the end of input); the main thread loads and answers,
one request after the other. When the input ends, the process ends, even in the middle of a decode.
"""

import logging
import os
import sys
import threading
import time
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING

import msgspec

from app.backends.base import unloaded_error
from app.backends.llama.frames import FrameError, FrameReader, encode
from app.backends.llama.renderer import TemplateRenderer
from app.errors import AppError
from app.logs import set_up_logging
from app.paths import Paths
from app.protocol import (
    Cancel,
    Delta,
    Failed,
    Finished,
    Generate,
    GetStats,
    Load,
    LoadFailed,
    LoadProgress,
    ToWorker,
    Unload,
    WorkerStats,
)

if TYPE_CHECKING:
    from app.backends.llama.session import Session

EXIT_BAD_INPUT = 4
PROGRESS_STEP = 0.01
"""Share of a load between two reports: llama.cpp reports every tensor."""

_log = logging.getLogger(__name__)


class Output:
    """The pipe to the backend, kept out of reach of everything that prints: descriptor 1 becomes standard error."""

    def __init__(self) -> None:
        self._descriptor = os.dup(1)
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def send(self, message: msgspec.Struct) -> None:
        """Write one frame. Raises OSError when the backend has gone."""
        view = memoryview(encode(message))
        with self._lock:
            while view:
                view = view[os.write(self._descriptor, view) :]


@dataclass(frozen=True)
class Command:
    """A command for the main thread, with its arrival by `time.perf_counter`."""

    message: Load | Generate
    arrived: float


class Inbox:
    """Reads commands on a thread of its own: queues the long ones, obeys the urgent ones at once."""

    def __init__(self, output: Output) -> None:
        self.commands: SimpleQueue[Command] = SimpleQueue()
        self._output = output
        self._lock = threading.Lock()
        self._open: set[int] = set()
        self._cancelled: set[int] = set()
        self.answered = 0
        self.tokens_written = 0
        self.context_length = 0

    def start(self) -> None:
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def is_cancelled(self, request_id: int) -> bool:
        return request_id in self._cancelled

    def close_request(self, request_id: int) -> None:
        """The request has its last event."""
        with self._lock:
            self._open.discard(request_id)
            self._cancelled.discard(request_id)
            self.answered += 1

    def _read(self) -> None:
        reader: FrameReader[ToWorker] = FrameReader(ToWorker)
        code = 0
        try:
            while chunk := os.read(0, 1 << 16):
                for message in reader.feed(chunk):
                    self._obey(message)
        except FrameError as error:
            _log.error("the backend sent %s", error)
            code = EXIT_BAD_INPUT
        except OSError as error:
            _log.info("the backend has gone: %s", error)
        except Exception:  # noqa: BLE001 (the edge of a thread: a worker that cannot hear must not live on)
            _log.exception("the inbox ends")
            code = EXIT_BAD_INPUT
        os._exit(code)

    def _obey(self, message: ToWorker) -> None:
        if isinstance(message, Unload):
            os._exit(0)
        elif isinstance(message, GetStats):
            self._output.send(self._stats())
        elif isinstance(message, Cancel):
            with self._lock:
                if message.request_id in self._open:
                    self._cancelled.add(message.request_id)
        else:
            if isinstance(message, Generate):
                with self._lock:
                    self._open.add(message.request_id)
            self.commands.put(Command(message, time.perf_counter()))

    def _stats(self) -> WorkerStats:
        import psutil  # noqa: PLC0415 (heavy, rarely asked for)

        return WorkerStats(
            pid=os.getpid(),
            resident=psutil.Process().memory_info().rss,
            active_requests=len(self._open),
            answered=self.answered,
            tokens_written=self.tokens_written,
            context_length=self.context_length,
        )


class Worker:
    """The main thread's part: load once, then answer."""

    def __init__(self, output: Output, inbox: Inbox) -> None:
        self._output = output
        self._inbox = inbox
        self._session: Session | None = None

    def run(self) -> None:
        """Obey commands for ever; the reading thread ends the process."""
        while True:
            command = self._inbox.commands.get()
            if isinstance(command.message, Load):
                self._load(command.message)
            else:
                self._generate(command.message, command.arrived)

    def _load(self, message: Load) -> None:
        try:
            self._session = self._open_session(message)
            loaded = self._session.loaded
        except AppError as error:
            _log.warning("not loaded: %s", error)
            self._output.send(LoadFailed(error=error.info))
            return
        self._inbox.context_length = loaded.context_length
        _log.info("loaded in %.3f s, context %d, %s", loaded.load_s, loaded.context_length, loaded.device)
        self._output.send(loaded)

    def _open_session(self, message: Load) -> "Session":
        renderer = TemplateRenderer()
        session_type = import_session()
        try:
            return session_type(message, renderer, ProgressReporter(self._output))
        except (RuntimeError, ValueError) as error:
            _log.exception("loading failed")
            name = os.path.basename(message.path)
            raise AppError("model_load_failed", model=name, reason=str(error)) from error

    def _generate(self, message: Generate, arrived: float) -> None:
        """Answer one request; whatever goes wrong is the end of this request only."""
        try:
            self._answer(message, arrived)
        except AppError as error:
            _log.info("request %d failed: %s", message.request_id, error.code)
            self._fail(message.request_id, error)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 (the edge of a request)
            _log.exception("request %d failed", message.request_id)
            self._fail(message.request_id, AppError("generation_failed", reason=type(error).__name__))

    def _fail(self, request_id: int, error: AppError) -> None:
        self._inbox.close_request(request_id)
        self._output.send(Failed(request_id=request_id, error=error.info))

    def _answer(self, message: Generate, arrived: float) -> None:
        if self._session is None:
            raise unloaded_error()
        for part in self._session.answer(message, arrived, lambda: self._inbox.is_cancelled(message.request_id)):
            if isinstance(part, Delta):
                self._inbox.tokens_written += part.tokens
            elif isinstance(part, Finished):
                self._inbox.close_request(message.request_id)
            self._output.send(part)


class ProgressReporter:
    """Reports the progress of loading, in steps that are worth a message."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._reported = -1.0

    def __call__(self, fraction: float) -> bool:
        """Always goes on: a load that is no longer wanted ends with its process."""
        if fraction >= 1.0 or fraction - self._reported >= PROGRESS_STEP:
            self._reported = fraction
            self._output.send(LoadProgress(fraction=fraction))
        return True


def import_session() -> "type[Session]":
    """The session's class; importing it loads llama.cpp. Raises AppError("engine_missing")."""
    try:
        from app.backends.llama.binding import capture_abort  # noqa: PLC0415 (loads the engine, which may be missing)
        from app.backends.llama.session import Session  # noqa: PLC0415
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise AppError("engine_missing", reason=str(error)) from error
    capture_abort(_say_last_words)
    return Session


def _say_last_words(message: str) -> None:
    """An assertion of llama.cpp failed: the process is about to abort, and the backend reads this as the reason."""
    os.write(2, f"{message.strip()}\n".encode())


def main() -> None:
    """Run the worker until its input ends."""
    output = Output()
    set_up_logging("worker", Paths.current().logs)
    inbox = Inbox(output)
    inbox.start()
    try:
        Worker(output, inbox).run()
    except BrokenPipeError:
        _log.info("the backend has gone")
    except Exception:  # noqa: BLE001 (the edge of the process)
        _log.exception("the worker ends")
        sys.exit(1)
