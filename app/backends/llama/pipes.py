"""The worker's ends of its two pipes: commands come in on a thread of their own, events go out a step at a time."""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from app.backends.llama.frames import FrameError, FrameReader, encode
from app.protocol import ToWorker

EXIT_FAULT, EXIT_BAD_INPUT = 1, 4

_log = logging.getLogger(__name__)


class Output:
    """The pipe to the backend, kept out of reach of everything that prints: descriptor 1 becomes standard error."""

    def __init__(self) -> None:
        self._descriptor = os.dup(1)
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def send(self, *messages: msgspec.Struct) -> None:
        """Write a frame for each, all at once. Raises OSError when the backend has gone."""
        view = memoryview(b"".join(map(encode, messages)))
        with self._lock:
            while view:
                view = view[os.write(self._descriptor, view) :]


def read_commands(obey: Callable[[ToWorker, float], None]) -> None:
    """Give each command to `obey`, with its arrival by `time.perf_counter`; ends the process when the input ends."""
    code = EXIT_BAD_INPUT
    try:
        code = _read_until_end(obey)
    except Exception:  # noqa: BLE001 (the edge of a thread: a worker that cannot hear must not live on)
        _log.exception("the inbox ends")
    finally:
        os._exit(code)  # in any case: without memory not even a log line can be written


def _read_until_end(obey: Callable[[ToWorker, float], None]) -> int:
    """The exit code that tells how the input ended."""
    reader: FrameReader[ToWorker] = FrameReader(ToWorker)
    try:
        while chunk := os.read(0, 1 << 16):
            for message in reader.feed(chunk):
                obey(message, time.perf_counter())
    except FrameError as error:
        _log.error("the backend sent %s", error)
        return EXIT_BAD_INPUT
    except OSError as error:
        _log.info("the backend has gone: %s", error)
    return 0


class Requests:
    """The requests that are open, and which of them nobody wants any more. Used by several threads."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._lock = threading.Lock()
        self._open: set[int] = set()
        self._cancelled: set[int] = set()
        self.answered = 0

    def __len__(self) -> int:
        return len(self._open)

    def open(self, request_id: int) -> bool:
        """False where it is open already: two cannot be told apart."""
        with self._lock:
            if request_id in self._open:
                return False
            self._open.add(request_id)
            return True

    def cancel(self, request_id: int) -> None:
        """Nobody wants it any more; what is not open is ignored."""
        with self._lock:
            if request_id in self._open:
                self._cancelled.add(request_id)

    def is_cancelled(self, request_id: int) -> bool:
        return request_id in self._cancelled

    def close_request(self, request_id: int) -> None:
        """The request is about to have its last event."""
        with self._lock:
            self._open.discard(request_id)
            self._cancelled.discard(request_id)
            self.answered += 1

    def send(self, events: Sequence[msgspec.Struct]) -> None:
        """Pass on the events of a step."""
        self._output.send(*events)
