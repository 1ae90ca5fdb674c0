"""The worker process: one model, commands as frames on standard input, events as frames on standard output.

One thread reads commands and obeys at once what cannot wait (Cancel, Unload, the end of input), the desk's load and
prepare requests, and the main one computes steps. When the input ends, the process ends, even in the middle of one.
"""

import logging
import os
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from app.backends.llama.desk import Desk, say_last_words
from app.backends.llama.pipes import EXIT_BAD_INPUT, EXIT_FAULT, Output, Requests, read_commands
from app.errors import AppError
from app.logs import set_up_logging
from app.paths import Paths
from app.protocol import (
    Cancel,
    Embed,
    Failed,
    Forget,
    Generate,
    GetStats,
    Load,
    PreviewPrompt,
    Rerank,
    SetThreads,
    Tokenize,
    ToWorker,
    Unload,
    WorkerStats,
)

if TYPE_CHECKING:
    from app.backends.llama.answering import Answering
    from app.backends.llama.requests import Answer
    from app.backends.llama.session import Session

__all__ = ["EXIT_BAD_INPUT", "Worker", "main"]

REST_SECONDS = 1.0
"""Without a request, after which what is to be kept on disk is written: a next one may follow at once."""
UNLOAD_SECONDS = 1.5
"""What may still be done, such as writing a state down, before an unloaded worker ends."""

_log = logging.getLogger(__name__)


class Worker:
    """The parts of a worker and what is between them."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._requests = Requests(output)
        self._desk = Desk(output, self._requests, self._take_session, self._take_answer)
        self._session: Session | None = None
        self._threads: int | None = None
        """The most the session may use, where a number was named."""
        self._wake: SimpleQueue[Answer | None] = SimpleQueue()
        """What the main thread waits for when there is nothing to compute: answers, or just a reason to look up."""
        self._closing = False

    def run(self) -> None:
        """Work until the process is ended by the thread that reads commands. Raises BrokenPipeError."""
        threading.Thread(target=read_commands, args=(self.obey,), name="inbox", daemon=True).start()
        self._desk.start()
        while not self._closing:
            self._take_news()
            if self._answering is not None:
                self._answering.scheduler.step()
        if self._answering is not None:
            self._answering.flush(UNLOAD_SECONDS)
        os._exit(0)

    def obey(self, message: ToWorker, arrived: float) -> None:
        """Obey what cannot wait, pass on the rest. Called by the thread that reads."""
        if isinstance(message, Unload):
            self._close()
        elif isinstance(message, GetStats):
            self._output.send(self._stats())
        elif isinstance(message, Cancel):
            self._cancel(message.request_id)
        elif isinstance(message, SetThreads):
            self._threads = message.threads
            self._apply_threads()
        elif isinstance(message, Forget):
            if self._answering is not None:
                self._answering.forget(message.keep_as)
        elif isinstance(message, Load) or self._requests.open(_number(message)):
            self._desk.put(message, arrived)
        else:
            number = _number(message)
            error = AppError("bad_request", reason=f"request {number} is being answered already")
            self._output.send(Failed(request_id=number, error=error.info))

    @property
    def _answering(self) -> "Answering | None":
        return self._session.answering if self._session is not None else None

    # ------------------------------------------------------------ the main thread

    def _take_news(self) -> None:
        """Take in what has come; wait for something while there is nothing to compute."""
        if self._answering is None or self._answering.scheduler.idle:
            self._add(self._wait())
        while not self._wake.empty():
            self._add(self._wake.get())

    def _wait(self) -> "Answer | None":
        """What comes next; the time until then is used."""
        if self._answering is not None and self._answering.keeps_states:
            try:
                return self._wake.get(timeout=REST_SECONDS)
            except Empty:
                self._answering.scheduler.rest()
        return self._wake.get()

    def _add(self, answer: "Answer | None") -> None:
        if answer is not None and self._answering is not None:
            self._answering.scheduler.add(answer)

    # ------------------------------------------------------------ other threads

    def _take_session(self, session: "Session") -> None:
        self._session = session
        self._apply_threads()

    def _apply_threads(self) -> None:
        """The number may come before the session does, on another thread."""
        if self._session is not None and self._threads is not None:
            self._session.set_threads(self._threads)

    def _take_answer(self, answer: "Answer") -> None:
        self._wake.put(answer)

    def _cancel(self, request_id: int) -> None:
        self._requests.cancel(request_id)
        if self._answering is not None and self._answering.scheduler.is_reading(request_id):
            self._answering.context.abort()
        self._desk.cancel(request_id)
        self._wake.put(None)

    def _close(self) -> None:
        """End the process soon: at once where there is nothing to write down, and in any case."""
        if self._answering is None or not self._answering.keeps_states:
            os._exit(0)
        self._closing = True
        self._answering.context.abort()
        self._wake.put(None)
        time.sleep(UNLOAD_SECONDS)
        os._exit(0)

    def _stats(self) -> WorkerStats:
        import psutil  # noqa: PLC0415 (heavy, rarely asked for)

        resident = psutil.Process().memory_info().rss
        stats = WorkerStats(
            pid=os.getpid(),
            resident=resident,
            active_requests=len(self._requests),
            answered=self._requests.answered,
            tokens_written=0,
        )
        return self._session.complete(stats) if self._session is not None else stats


def _number(message: Generate | PreviewPrompt | Tokenize | Embed | Rerank) -> int:
    return message.request.request_id if isinstance(message, PreviewPrompt) else message.request_id


def main() -> None:
    """Run the worker until its input ends."""
    output = Output()
    set_up_logging("worker", Paths.current().logs)
    try:
        Worker(output).run()
    except BrokenPipeError:
        _log.info("the backend has gone")
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 (the edge of the process)
        say_last_words(repr(error))
        _log.exception("the worker ends")
    finally:
        os._exit(EXIT_FAULT)  # in any case: at an orderly end threads that compute would be waited for
