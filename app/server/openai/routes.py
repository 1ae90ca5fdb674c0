"""The routes of the OpenAI dialect: /v1/models and /v1/chat/completions."""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.backends.base import AnswerPart, unloaded_error
from app.errors import AppError
from app.protocol import Finished, FinishReason, ModelEntry, ModelState, Queued, TurnsDropped
from app.server.endpoint import told
from app.server.engines import Engines
from app.server.feed import Feed, FeedResponse, disconnected
from app.server.openai import request as asking
from app.server.openai import wire
from app.server.openai.completion import CompletionWriter
from app.server.openai.errors import body_of, response_of
from app.sse import encode

DECIDE_S = 0.5
"""A streamed request that fails within this time gets its error's status; after it the headers have gone out."""
_CLIENT_LEFT = 499
_REQUEST = "a request on the public port"


class OpenAiRoutes:
    """Answers other programs with the models of this machine. Nothing of it is stored as a conversation."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        return [
            Route("/v1/models", _told_kindly(self._models), methods=["GET"]),
            Route("/v1/models/{name:path}", _told_kindly(self._model), methods=["GET"]),
            Route("/v1/chat/completions", _told_kindly(self._chat), methods=["POST"]),
        ]

    @property
    def answering(self) -> int:
        return len(self._tasks)

    async def stop(self) -> None:
        """End every answer that is being written."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _models(self, request: Request) -> Response:
        usable = [entry for entry in await self._engines.entries() if entry.state is not ModelState.BROKEN]
        return _json(wire.ModelList(data=[_model_of(entry) for entry in usable]))

    async def _model(self, request: Request) -> Response:
        return _json(_model_of(await self._engines.find(request.path_params["name"])))

    async def _chat(self, request: Request) -> Response:
        asked = asking.read(await request.body())
        entry = await self._engines.find(asked.model)
        writer = CompletionWriter(entry.id, asked.include_usage, bool(asked.generate.prediction))
        headers = {"x-ignored-params": ",".join(map(_header_safe, asked.ignored))} if asked.ignored else {}
        if asked.stream:
            return await self._streamed(asked, entry, writer, headers)
        return await self._whole(asked, entry, writer, headers, request)

    async def _whole(
        self,
        asked: asking.ChatRequest,
        entry: ModelEntry,
        writer: CompletionWriter,
        headers: dict[str, str],
        request: Request,
    ) -> Response:
        writing = self._begin(self._collect(asked, entry, writer))
        leaving = asyncio.create_task(disconnected(request.receive))
        try:
            await asyncio.wait([writing, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            writing.cancel()
        if not writing.done():
            return Response(status_code=_CLIENT_LEFT)
        if writing.cancelled():
            raise AppError("generation_failed", reason="it was stopped")
        writing.result()
        return _json(writer.completion(), headers)

    async def _collect(self, asked: asking.ChatRequest, entry: ModelEntry, writer: CompletionWriter) -> None:
        async with contextlib.aclosing(self._parts(asked, entry)) as parts:
            async for part in parts:
                writer.take(part)

    async def _streamed(
        self, asked: asking.ChatRequest, entry: ModelEntry, writer: CompletionWriter, headers: dict[str, str]
    ) -> Response:
        feed = Feed()
        begun = asyncio.get_running_loop().create_future()
        writing = self._begin(self._feed(asked, entry, writer, feed, begun))
        await asyncio.wait([writing, begun], timeout=DECIDE_S, return_when=asyncio.FIRST_COMPLETED)
        if begun.done():
            begun.result()
        else:
            begun.set_result(None)
        return FeedResponse(feed, lambda: _cancel(writing), headers)

    async def _feed(
        self,
        asked: asking.ChatRequest,
        entry: ModelEntry,
        writer: CompletionWriter,
        feed: Feed,
        begun: "asyncio.Future[None]",
    ) -> None:
        """Write the answer into the feed. An error goes to whoever still waits for `begun`, later into the feed."""
        try:
            async with contextlib.aclosing(self._parts(asked, entry)) as parts:
                opened = False
                async for part in parts:
                    if not opened and not isinstance(part, Queued | TurnsDropped):
                        opened = True
                        feed.put(writer.opening())
                        if not begun.done():
                            begun.set_result(None)
                    writer.take(part)
                    if chunk := writer.chunk(part):
                        feed.put(chunk)
            feed.put(writer.closing())
        except asyncio.CancelledError:
            feed.put(encode(body_of(AppError("generation_failed", reason="it was stopped"))))
            raise
        except Exception as error:  # noqa: BLE001 (the edge of a request)
            fault = told(error, _REQUEST)
            if begun.done():
                feed.put(encode(body_of(fault)))
            else:
                begun.set_exception(fault)
        finally:
            feed.close()

    async def _parts(self, asked: asking.ChatRequest, entry: ModelEntry) -> AsyncGenerator[AnswerPart, None]:
        """The parts of the answer. One that was stopped from our side raises: it must not look complete."""
        async with self._engines.use(entry.id) as engine:
            request = replace(asked.generate, request_id=self._engines.request_id())
            async with contextlib.aclosing(engine.generate(request)) as parts:
                async for part in parts:
                    if isinstance(part, Finished) and part.stats.finish_reason is FinishReason.CANCELLED:
                        raise unloaded_error()
                    yield part

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


def _told_kindly(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The handler with its errors in OpenAI's shape."""

    async def respond(request: Request) -> Response:
        try:
            return await handler(request)
        except Exception as error:  # noqa: BLE001 (the edge of a request)
            return response_of(told(error, _REQUEST))

    return respond


def _model_of(entry: ModelEntry) -> wire.Model:
    try:
        created = int(os.stat(entry.path).st_mtime)
    except OSError:
        created = 0  # It has just been removed; the list was read before.
    return wire.Model(id=entry.id, created=created)


def _json(result: object, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(result), 200, headers, "application/json")


def _header_safe(name: str) -> str:
    """A field's name as a header may carry it."""
    return "".join(letter if letter.isascii() and letter.isprintable() and letter != "," else "?" for letter in name)[
        :64
    ]
