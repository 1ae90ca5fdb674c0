"""The backend's end of a worker: starts the process, speaks frames with it, and tells how and why it ended."""

import asyncio
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from app.backends.base import AnswerPart, BackendFactory, ProgressCallback, unloaded_error
from app.backends.llama.frames import FrameError, FrameReader, encode
from app.errors import AppError
from app.launch import own_command
from app.paths import RESOURCES
from app.protocol import (
    Cancel,
    Delta,
    Failed,
    Finished,
    FromWorker,
    Generate,
    GetStats,
    Load,
    Loaded,
    LoadParams,
    LoadProgress,
    Prefill,
    Unload,
    WorkerStats,
)

UNLOAD_SECONDS = 2.0
_TAIL_LINES = 50
_CHUNK = 1 << 16

_WORKER_ENVIRONMENT = {
    "GGML_NO_BACKTRACE": "1",  # a dying worker must not start a debugger
    # Threads that wait sleep. Measured with another program busy on the same two cores: 300 tokens of a small
    # model took 8.6 s with spinning threads and 1.5 s with sleeping ones.
    "OMP_WAIT_POLICY": "passive",
    "GOMP_SPINCOUNT": "0",
}

_log = logging.getLogger(__name__)

_Item: TypeAlias = AnswerPart | AppError


def llama_backend() -> BackendFactory:
    """A factory of local engines."""
    return LlamaBackend


class LlamaBackend:
    """A worker process behind the Backend protocol. `command` starts the worker; tests may give another."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = command or own_command("worker")
        self._process: Process | None = None
        self._model = ""
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._loading: asyncio.Future[Loaded] | None = None
        self._answers: dict[int, asyncio.Queue[_Item]] = {}
        self._stats: deque[asyncio.Future[WorkerStats]] = deque()
        self._on_progress: ProgressCallback = lambda _share: None
        self._closing = False
        self._starting = asyncio.Lock()
        self._garbage = ""
        self._closed = asyncio.Event()
        self._error: AppError | None = None
        self._watcher: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        running = self._process is not None and not self._closed.is_set()
        return self._process.pid if self._process is not None and running else None

    # ------------------------------------------------------------ the Backend protocol

    async def load(self, path: str, params: LoadParams, on_progress: ProgressCallback) -> Loaded:
        self._model = Path(path).name
        self._on_progress = on_progress
        self._loading = asyncio.get_running_loop().create_future()
        try:
            async with self._starting:
                await self._start()
            self._send(_load_message(path, params))
            return await self._loading
        except AppError as error:
            await self.unload()
            self._error = None
            raise self._as_load_error(error) from error
        except BaseException:
            await self.unload()
            raise

    async def generate(self, request: Generate) -> AsyncGenerator[AnswerPart, None]:
        self._check_alive()
        if request.request_id in self._answers:
            raise AppError("bad_request", reason=f"request {request.request_id} is being answered already")
        queue: asyncio.Queue[_Item] = asyncio.Queue()
        self._answers[request.request_id] = queue
        ended = False
        try:
            self._send(request)
            while not ended:
                item = await queue.get()
                ended = isinstance(item, AppError | Finished)
                if isinstance(item, AppError):
                    raise item
                yield item
        finally:
            del self._answers[request.request_id]
            if not ended:
                self._send(Cancel(request_id=request.request_id))

    async def cancel(self, request_id: int) -> None:
        if request_id in self._answers:
            self._send(Cancel(request_id=request_id))

    async def stats(self) -> WorkerStats:
        self._check_alive()
        future: asyncio.Future[WorkerStats] = asyncio.get_running_loop().create_future()
        self._stats.append(future)
        self._send(GetStats())
        return await future

    async def unload(self) -> None:
        self._closing = True
        async with self._starting:
            pass  # whatever is being started is there now, so that it can be ended
        if self._process is None:
            self._closed.set()
        elif not self._closed.is_set():
            self._send(Unload())
            try:
                await asyncio.wait_for(self._closed.wait(), UNLOAD_SECONDS)
            except TimeoutError:
                self._kill()
                await self._closed.wait()

    async def wait_closed(self) -> AppError | None:
        await self._closed.wait()
        return self._error

    # ------------------------------------------------------------ the process

    async def _start(self) -> None:
        if self._closing:
            raise AppError("load_cancelled", model=self._model)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=RESOURCES.parent, env=worker_environment()
            )
        except OSError as error:
            raise AppError("engine_missing", reason=str(error)) from error
        self._watcher = asyncio.create_task(self._watch(self._process))

    def _send(self, message: msgspec.Struct) -> None:
        """Write a frame; a worker that has gone does not mind, its end is reported elsewhere."""
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(encode(message))

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            try:
                self._process.kill()
            except ProcessLookupError:
                _log.debug("the worker had ended already")

    async def _watch(self, process: Process) -> None:
        """Read all the worker says until it has ended, then tell everyone who waits."""
        tail = asyncio.create_task(self._read_tail(process))
        try:
            await self._read_frames(process)
        except (FrameError, KeyError) as error:
            self._garbage = str(error)
            self._kill()
        code = await process.wait()
        await tail
        self._finish(code)

    async def _read_frames(self, process: Process) -> None:
        assert process.stdout is not None
        reader: FrameReader[FromWorker] = FrameReader(FromWorker)
        while chunk := await process.stdout.read(_CHUNK):
            for message in reader.feed(chunk):
                self._receive(message)

    async def _read_tail(self, process: Process) -> None:
        """Keep the last lines of the worker's standard error: they say why it ended."""
        assert process.stderr is not None
        rest = b""
        while chunk := await process.stderr.read(_CHUNK):
            *lines, rest = (rest + chunk)[-_CHUNK:].split(b"\n")
            self._tail.extend(line.decode("utf-8", "replace").strip() for line in lines)
        self._tail.append(rest.decode("utf-8", "replace").strip())

    def _receive(self, message: FromWorker) -> None:
        if isinstance(message, Prefill | Delta | Finished):
            if queue := self._answers.get(message.request_id):
                queue.put_nowait(message)
        elif isinstance(message, Failed):
            if queue := self._answers.get(message.request_id):
                queue.put_nowait(AppError.from_info(message.error))
        elif isinstance(message, LoadProgress):
            self._on_progress(message.fraction)
        elif isinstance(message, WorkerStats):
            if self._stats and not (waiting := self._stats.popleft()).done():
                waiting.set_result(message)
        elif self._loading is not None and not self._loading.done():
            if isinstance(message, Loaded):
                self._loading.set_result(message)
            else:
                self._loading.set_exception(AppError.from_info(message.error))

    # ------------------------------------------------------------ its end

    def _finish(self, code: int) -> None:
        if not self._closing:
            reason = self._garbage and f"it sent {self._garbage}"
            self._error = AppError("worker_died", model=self._model, reason=reason or death_reason(code, self._tail))
            _log.warning("worker ended with %d: %s", code, self._error.values["reason"])
        error = self._error or unloaded_error()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._closed.set()
        if self._loading is not None and not self._loading.done():
            self._loading.set_exception(self._error or AppError("load_cancelled", model=self._model))
        for queue in self._answers.values():
            queue.put_nowait(error)
        for waiting in self._stats:
            if not waiting.done():
                waiting.set_exception(error)

    def _check_alive(self) -> None:
        if self._error is not None:
            raise self._error
        if self._process is None or self._closed.is_set():
            raise unloaded_error()

    def _as_load_error(self, error: AppError) -> AppError:
        """A worker that died while loading is a failed load."""
        if error.code != "worker_died":
            return error
        return AppError("model_load_failed", model=self._model, reason=error.values["reason"])


def _load_message(path: str, params: LoadParams) -> Load:
    """The worker runs in another folder: its path is absolute."""
    return Load(path=os.path.abspath(path), params=params)


def worker_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a worker; what the person has set wins."""
    return _WORKER_ENVIRONMENT | dict(environment)


def death_reason(code: int, tail: Sequence[str]) -> str:
    """Why a process ended, in words: llama.cpp's own last ones if it said any, else the signal or exit code."""
    lines = [line for line in tail if line]
    asserted = [line for line in lines if "GGML_ASSERT" in line or "ggml_abort" in line]
    if asserted:
        return asserted[-1]
    if sys.platform != "win32" and code == -signal.SIGKILL:
        return "process_killed"
    if lines and code > 0:
        return lines[-1]
    if code < 0:
        try:
            return f"signal {signal.Signals(-code).name}"
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"
