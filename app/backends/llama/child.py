"""A worker process as its parent holds it: started, spoken to, watched, and ended, with the reason of its end."""

import asyncio
import logging
import os
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import msgspec

from app.backends.llama.causes import Cause, death_cause
from app.backends.llama.frames import FrameError, FrameReader, encode
from app.errors import AppError
from app.paths import RESOURCES
from app.protocol import FromWorker

_TAIL_LINES = 50
_CHUNK = 1 << 16

_WORKER_ENVIRONMENT = {
    "GGML_NO_BACKTRACE": "1",  # a dying worker must not start a debugger
    # Threads that wait for each other look so many times, some 0.1 ms, before they sleep. Alone that is as fast as
    # waiting awake for ever and a third faster than sleeping at once; beside others it bounds what a wrong number of
    # threads costs until the governor has changed it.
    "OMP_WAIT_POLICY": "passive",
    "GOMP_SPINCOUNT": "4000",
}

_log = logging.getLogger(__name__)


class Child:
    """A worker process. `on_message` gets all it says, `on_end` the cause of its end, once, after everything else."""

    def __init__(
        self, command: Sequence[str], on_message: Callable[[FromWorker], None], on_end: Callable[[int, Cause], None]
    ) -> None:
        self._command = command
        self._on_message = on_message
        self._on_end = on_end
        self._process: Process | None = None
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._garbage = ""
        self._watcher: asyncio.Task[None] | None = None
        self.ended = asyncio.Event()
        self.heard_at = 0.0
        """When it said something last, by the loop's time."""

    @property
    def process(self) -> Process | None:
        return self._process

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process is not None and not self.ended.is_set() else None

    async def start(self) -> None:
        """Raises AppError("engine_missing")."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=RESOURCES.parent, env=worker_environment()
            )
        except OSError as error:
            raise AppError("engine_missing", reason=str(error)) from error
        self.heard_at = asyncio.get_running_loop().time()
        self._watcher = asyncio.create_task(self._watch(self._process))

    def send(self, message: msgspec.Struct) -> None:
        """Write a frame; a worker that has gone does not mind, its end is reported elsewhere.

        Raises AppError("bad_request") for a message no worker would take.
        """
        try:
            frame = encode(message)
        except FrameError as error:
            raise AppError("bad_request", reason=str(error)) from error
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(frame)

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            try:
                self._process.kill()
            except ProcessLookupError:
                _log.debug("the worker had ended already")

    async def _watch(self, process: Process) -> None:
        """Read all the worker says until it has ended, then tell why."""
        tail = asyncio.create_task(self._read_tail(process))
        try:
            await self._read_frames(process)
        except (FrameError, KeyError) as error:
            self._garbage = str(error)
            self.kill()
        except Exception as error:  # noqa: BLE001 (the edge of a process: whoever waits for its end must be told of it)
            _log.exception("what the worker said could not be taken")
            self._garbage = repr(error)
            self.kill()
        code = await process.wait()
        await tail
        if process.stdin is not None:
            process.stdin.close()
        self.ended.set()
        cause = Cause("worker_sent_garbage", self._garbage) if self._garbage else death_cause(code, self._tail)
        self._on_end(code, cause)

    async def _read_frames(self, process: Process) -> None:
        assert process.stdout is not None
        reader: FrameReader[FromWorker] = FrameReader(FromWorker)
        while chunk := await process.stdout.read(_CHUNK):
            self.heard_at = asyncio.get_running_loop().time()
            for message in reader.feed(chunk):
                self._on_message(message)

    async def _read_tail(self, process: Process) -> None:
        """Keep the last lines of the worker's standard error: they say why it ended."""
        assert process.stderr is not None
        rest = b""
        while chunk := await process.stderr.read(_CHUNK):
            *lines, rest = (rest + chunk)[-_CHUNK:].split(b"\n")
            self._tail.extend(line.decode("utf-8", "replace").strip() for line in lines)
        self._tail.append(rest.decode("utf-8", "replace").strip())


def worker_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a worker; what the person has set wins."""
    return _WORKER_ENVIRONMENT | dict(environment)
