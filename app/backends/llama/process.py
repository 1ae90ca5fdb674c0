"""The local engine behind the Backend protocol: a worker process, and who waits for which of its messages."""

import asyncio
import logging
import os
from array import array
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import msgspec

from app.backends.base import AnswerPart, BackendFactory, Embedded, ProgressCallback, Reranked, unloaded_error
from app.backends.llama.causes import Cause, death_cause
from app.backends.llama.child import Child, worker_environment
from app.backends.llama.frames import MOST_PICTURES
from app.backends.llama.life import LifeGuard
from app.errors import AppError
from app.launch import own_command
from app.protocol import (
    Cancel,
    Embed,
    Embeddings,
    Failed,
    Finished,
    Forget,
    FromWorker,
    Generate,
    GetStats,
    Load,
    Loaded,
    LoadFailed,
    LoadParams,
    LoadProgress,
    PreviewPrompt,
    PromptText,
    Rerank,
    Scores,
    SetThreads,
    StateFolder,
    Tokenize,
    Tokens,
    Unload,
    WorkerStats,
)

__all__ = ["LlamaBackend", "death_reason", "llama_backend", "worker_environment"]

UNLOAD_SECONDS = 1.5
"""Until a worker that shall end is killed; what it has to write down gets no more either."""
_log = logging.getLogger(__name__)

_Item: TypeAlias = AnswerPart | AppError
_Reply: TypeAlias = PromptText | Tokens | Embeddings | Scores
ReplyT = TypeVar("ReplyT", PromptText, Tokens, Embeddings, Scores)


def llama_backend() -> BackendFactory:
    """A factory of local engines."""
    return LlamaBackend


class LlamaBackend:
    """A worker process behind the Backend protocol. `command` starts the worker; tests may give another."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._child = Child(command or own_command("worker"), self._receive, self._finish)
        self._model = ""
        self._loading: asyncio.Future[Loaded] | None = None
        self._answers: dict[int, asyncio.Queue[_Item]] = {}
        self._replies: dict[int, asyncio.Future[_Reply]] = {}
        self._reply_ids = count(-1, -1)
        self._stats: deque[asyncio.Future[WorkerStats]] = deque()
        self._on_progress: ProgressCallback = lambda _share: None
        self._closing = False
        self._starting = asyncio.Lock()
        self._closed = asyncio.Event()
        self._error: AppError | None = None
        self._guard = LifeGuard(self._child, self._expects, self._end_hung)

    @property
    def pid(self) -> int | None:
        return self._child.pid

    # ------------------------------------------------------------ the Backend protocol

    async def load(
        self, path: str, params: LoadParams, on_progress: ProgressCallback, states: StateFolder | None = None
    ) -> Loaded:
        self._model = Path(path).name
        self._on_progress = on_progress
        self._loading = asyncio.get_running_loop().create_future()
        try:
            async with self._starting:
                if self._closing:
                    raise AppError("load_cancelled", model=self._model)
                await self._child.start()
            self._guard.wake()
            self._child.send(_load_message(path, params, states))
            return await self._loading
        except AppError as error:
            await self.unload()
            self._error = None
            raise _as_load_error(self._model, error) from error
        except BaseException:
            await self.unload()
            raise

    async def generate(self, request: Generate) -> AsyncGenerator[AnswerPart, None]:
        self._check_alive()
        _check_pictures(request)
        if request.request_id in self._answers:
            raise AppError("bad_request", reason=f"request {request.request_id} is being answered already")
        queue: asyncio.Queue[_Item] = asyncio.Queue()
        self._answers[request.request_id] = queue
        self._guard.wake()
        ended = False
        try:
            self._child.send(request)
            while not ended:
                item = await queue.get()
                ended = isinstance(item, AppError | Finished)
                if isinstance(item, AppError):
                    raise item
                yield item
        finally:
            del self._answers[request.request_id]
            if not ended:
                self._child.send(Cancel(request_id=request.request_id))

    async def cancel(self, request_id: int) -> None:
        if request_id in self._answers:
            self._child.send(Cancel(request_id=request_id))

    async def preview(self, request: Generate) -> PromptText:
        _check_pictures(request)
        number = next(self._reply_ids)
        asked = msgspec.structs.replace(request, request_id=number)
        text = await self._ask(PreviewPrompt(request=asked), number, PromptText)
        return msgspec.structs.replace(text, request_id=request.request_id)

    async def tokenize(self, text: str, special: bool = False) -> tuple[int, ...]:
        number = next(self._reply_ids)
        return (await self._ask(Tokenize(request_id=number, text=text, special=special), number, Tokens)).tokens

    async def embed(self, texts: Sequence[str], normalize: bool = True) -> Embedded:
        number = next(self._reply_ids)
        asked = Embed(request_id=number, texts=tuple(texts), normalize=normalize)
        found = await self._ask(asked, number, Embeddings)
        vectors = [array("f", row).tolist() for row in found.vectors]
        return Embedded(vectors, found.tokens)

    async def rerank(self, query: str, documents: Sequence[str]) -> Reranked:
        number = next(self._reply_ids)
        asked = Rerank(request_id=number, query=query, documents=tuple(documents))
        found = await self._ask(asked, number, Scores)
        return Reranked(list(found.scores), found.tokens)

    async def set_threads(self, threads: int) -> None:
        self._child.send(SetThreads(threads=threads))

    async def forget(self, keep_as: str) -> None:
        self._child.send(Forget(keep_as=keep_as))

    async def stats(self) -> WorkerStats:
        self._check_alive()
        future: asyncio.Future[WorkerStats] = asyncio.get_running_loop().create_future()
        self._stats.append(future)
        self._child.send(GetStats())
        return await future

    async def unload(self) -> None:
        self._closing = True
        async with self._starting:
            pass  # whatever is being started is there now, so that it can be ended
        if self._child.process is None:
            self._closed.set()
        elif not self._closed.is_set():
            self._child.send(Unload())
            try:
                await asyncio.wait_for(self._closed.wait(), UNLOAD_SECONDS)
            except TimeoutError:
                self._child.kill()
                await self._closed.wait()

    async def wait_closed(self) -> AppError | None:
        await self._closed.wait()
        return self._error

    # ------------------------------------------------------------ its messages

    async def _ask(self, message: msgspec.Struct, number: int, kind: type[ReplyT]) -> ReplyT:
        """Send a question and wait for its reply."""
        self._check_alive()
        future: asyncio.Future[_Reply] = asyncio.get_running_loop().create_future()
        self._replies[number] = future
        self._guard.wake()
        try:
            self._child.send(message)
            reply = await future
        finally:
            del self._replies[number]
            if not future.done() or future.cancelled():
                self._child.send(Cancel(request_id=number))
        assert isinstance(reply, kind)
        return reply

    def _receive(self, message: FromWorker) -> None:
        if isinstance(message, Loaded | LoadFailed):
            _end_loading(self._loading, message)
        elif isinstance(message, LoadProgress):
            self._on_progress(message.fraction)
        elif isinstance(message, WorkerStats):
            self._guard.look_at(message)
            if self._stats and not (waiting := self._stats.popleft()).done():
                waiting.set_result(message)
        elif isinstance(message, Failed):
            self._fail(message.request_id, AppError.from_info(message.error))
        elif isinstance(message, PromptText | Tokens | Embeddings | Scores):
            if (future := self._replies.get(message.request_id)) is not None and not future.done():
                future.set_result(message)
        elif queue := self._answers.get(message.request_id):
            queue.put_nowait(message)

    def _fail(self, request_id: int, error: AppError) -> None:
        if queue := self._answers.get(request_id):
            queue.put_nowait(error)
        elif (future := self._replies.get(request_id)) is not None and not future.done():
            future.set_exception(error)

    # ------------------------------------------------------------ its end

    def _expects(self) -> bool:
        """Whether the worker owes something."""
        loading = self._loading is not None and not self._loading.done()
        return loading or bool(self._answers or self._replies)

    def _end_hung(self, seconds: float) -> None:
        _log.warning("the worker has said nothing for %.0f s", seconds)
        self._error = AppError("worker_hung", model=self._model, silent_s=round(seconds))
        self._child.kill()

    def _finish(self, code: int, cause: Cause) -> None:
        """The process has ended: tell everyone who waits."""
        self._guard.stop()
        if not self._closing and self._error is None:
            self._error = AppError("worker_died", model=self._model, reason=cause.reason, detail=cause.detail)
            _log.warning("worker ended with %d: %s", code, cause.text)
        error = self._error or unloaded_error()
        self._closed.set()
        if self._loading is not None and not self._loading.done():
            self._loading.set_exception(self._error or AppError("load_cancelled", model=self._model))
        for queue in self._answers.values():
            queue.put_nowait(error)
        waiting: list[asyncio.Future[Any]] = [*self._stats, *self._replies.values()]
        for future in waiting:
            if not future.done():
                future.set_exception(error)

    def _check_alive(self) -> None:
        if self._error is not None:
            raise self._error
        if self._child.process is None or self._closed.is_set():
            raise unloaded_error()


def _check_pictures(request: Generate) -> None:
    """Raises AppError("picture_too_large") where all pictures together are more than one message can carry."""
    size = sum(len(image.data) for turn in request.turns for image in turn.images)
    if size > MOST_PICTURES:
        reason = "picture_bytes_together"
        raise AppError("picture_too_large", reason=reason, size_bytes=size, limit_bytes=MOST_PICTURES)


def _as_load_error(model: str, error: AppError) -> AppError:
    """A worker that died while loading is a failed load."""
    if error.code != "worker_died":
        return error
    values = error.values
    return AppError("model_load_failed", model=model, reason=values["reason"], detail=values["detail"])


def _end_loading(loading: "asyncio.Future[Loaded] | None", message: Loaded | LoadFailed) -> None:
    if loading is None or loading.done():
        return
    if isinstance(message, Loaded):
        loading.set_result(message)
    else:
        loading.set_exception(AppError.from_info(message.error))


def _load_message(path: str, params: LoadParams, states: StateFolder | None) -> Load:
    """The worker runs in another folder: its path is absolute."""
    return Load(path=os.path.abspath(path), params=params, states=states)


def death_reason(code: int, tail: Sequence[str]) -> str:
    """Why a process ended, as the one thing there is to say."""
    return death_cause(code, tail).text
