"""A backend that does what a test wrote down for it, and the parts of a server around it, in the test's own process."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import msgspec

from app.backends.base import AnswerPart, Embedded, ProgressCallback, Reranked, unloaded_error
from app.errors import AppError
from app.protocol import (
    AnswerEvent,
    Delta,
    DeltaKind,
    Finished,
    FinishReason,
    Generate,
    GenerationStats,
    Loaded,
    LoadParams,
    Prefill,
    PromptText,
    Started,
    StateFolder,
    ToolCallDelta,
    WorkerStats,
)
from app.server.listener import Listener, bind
from app.server.main import assemble, private_port
from app.server.preferences import Preferences
from app.server.services import Services
from app.server.storage import Storage
from app.sse import Parser
from tests.processes import PATIENCE_S, paths_of

TOKEN = "the-test"
Part: TypeAlias = AnswerPart | asyncio.Event | AppError
"""A part of an answer; an event is waited for, an error raised."""
Act: TypeAlias = Sequence[Part]


def stats(reason: FinishReason = FinishReason.STOP, answer_tokens: int = 4) -> GenerationStats:
    return GenerationStats(
        prompt_tokens=10,
        answer_tokens=answer_tokens,
        ttft_s=0.1,
        decode_s=0.5,
        context_length=512,
        finish_reason=reason,
        cached_tokens=6,
    )


def says(text: str, reason: FinishReason = FinishReason.STOP, thinking: str = "") -> Act:
    """An answer that says this and ends for that reason."""
    thought = [Delta(request_id=0, text=thinking, kind=DeltaKind.THINKING)] if thinking else []
    parts: list[AnswerPart] = [
        Prefill(request_id=0, done=10, total=10, cached=6, eta_s=0.0),
        *thought,
        Delta(request_id=0, text=text),
    ]
    return [*parts, Finished(request_id=0, stats=stats(reason))]


def calls(*wanted: tuple[str, str], text: str = "") -> Act:
    """An answer that calls these tools, (name, arguments) each; the arguments come in two pieces."""
    pieces: list[AnswerPart] = [Delta(request_id=0, text=text)] if text else []
    for index, (name, arguments) in enumerate(wanted):
        middle = len(arguments) // 2
        pieces.append(
            ToolCallDelta(request_id=0, index=index, call_id=f"c{index}", name=name, arguments=arguments[:middle])
        )
        pieces.append(ToolCallDelta(request_id=0, index=index, arguments=arguments[middle:]))
    return [*pieces, Finished(request_id=0, stats=stats(FinishReason.TOOL_CALLS))]


@dataclass
class Script:
    """What happens, in its order, and what was asked."""

    acts: list[Act] = field(default_factory=list)
    """Taken from the front, one for each request; without any the answer is "Yes."."""
    loaded: Loaded = field(
        default_factory=lambda: Loaded(context_length=512, device="CPU", load_s=0.0, has_template=True)
    )
    asked: list[Generate] = field(default_factory=list)
    loads: list[tuple[LoadParams, StateFolder | None]] = field(default_factory=list)
    loading: asyncio.Event | None = None
    """Waited for while loading, if there is one."""
    threads: list[int] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    resident: int = 0
    """Bytes its process would hold."""
    at_work: int = 0
    most_at_work: int = 0

    def backend(self) -> "ScriptedBackend":
        return ScriptedBackend(self)


class ScriptedBackend:
    """The Backend protocol, played from a script."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._closed = asyncio.Event()
        self._cancelled: dict[int, asyncio.Event] = {}

    @property
    def pid(self) -> int | None:
        return None

    async def load(
        self, path: str, params: LoadParams, on_progress: ProgressCallback, states: StateFolder | None = None
    ) -> Loaded:
        self._script.loads.append((params, states))
        on_progress(0.5)
        if self._script.loading is not None:
            await _first(self._script.loading, self._closed)
        if self._closed.is_set():
            raise AppError("load_cancelled", model=path)
        length = params.context_length or self._script.loaded.context_length
        return msgspec.structs.replace(self._script.loaded, context_length=length)

    async def generate(self, request: Generate) -> AsyncGenerator[AnswerPart, None]:
        script = self._script
        script.asked.append(request)
        act = script.acts.pop(0) if script.acts else says("Yes.")
        cancelled = self._cancelled[request.request_id] = asyncio.Event()
        script.at_work += 1
        script.most_at_work = max(script.most_at_work, script.at_work)
        try:
            for part in act:
                if isinstance(part, AppError):
                    raise part
                if isinstance(part, asyncio.Event):
                    await _first(part, cancelled, self._closed)
                    continue
                if self._closed.is_set():
                    raise unloaded_error()
                if cancelled.is_set():
                    yield Finished(request_id=request.request_id, stats=stats(FinishReason.CANCELLED, 2))
                    return
                yield msgspec.structs.replace(part, request_id=request.request_id)
        finally:
            script.at_work -= 1
            del self._cancelled[request.request_id]

    async def cancel(self, request_id: int) -> None:
        if request_id in self._cancelled:
            self._cancelled[request_id].set()

    async def preview(self, request: Generate) -> PromptText:
        self._script.asked.append(request)
        text = "\n".join(f"<{turn.role}>{turn.content}" for turn in request.turns)
        return PromptText(request_id=request.request_id, text=text, tokens=len(text))

    async def tokenize(self, text: str, special: bool = False) -> tuple[int, ...]:
        return tuple(text.encode())

    async def embed(self, texts: Sequence[str], normalize: bool = True) -> Embedded:
        raise AppError("bad_request", reason="it has no vectors")

    async def rerank(self, query: str, documents: Sequence[str]) -> Reranked:
        raise AppError("bad_request", reason="it has no scores")

    async def set_threads(self, threads: int) -> None:
        self._script.threads.append(threads)

    async def forget(self, keep_as: str) -> None:
        self._script.forgotten.append(keep_as)

    async def stats(self) -> WorkerStats:
        return WorkerStats(pid=0, resident=self._script.resident, active_requests=0, answered=0, tokens_written=0)

    async def unload(self) -> None:
        self._closed.set()

    async def wait_closed(self) -> AppError | None:
        await self._closed.wait()
        return None


class Server:
    """A backend in this process: its parts, and its private port over real sockets."""

    def __init__(self, services: Services, http: httpx.AsyncClient, script: Script) -> None:
        self.services = services
        self.http = http
        self.script = script

    async def ask_for(self, method: str, path: str, kind: Any, body: object = None) -> Any:
        """The decoded answer of a request that succeeds."""
        content = b"" if body is None else msgspec.json.encode(body)
        response = await self.http.request(method, path, content=content, headers=JSON)
        assert response.status_code == 200, response.text
        return msgspec.json.decode(response.content, type=kind)

    async def refused(self, method: str, path: str, body: object = None) -> tuple[int, str, str]:
        """Status, code and reason of a request that does not."""
        content = b"" if body is None else msgspec.json.encode(body)
        response = await self.http.request(method, path, content=content, headers=JSON)
        assert response.status_code >= 400, response.text
        said = response.json()
        return response.status_code, said["code"], str(said.get("values", {}).get("reason", ""))

    async def events(self, started: Started) -> list[AnswerEvent]:
        """All events of an answer, once it has ended."""
        return [event async for event in self.stream(started.answer.id)]

    async def stream(self, message_id: int) -> AsyncIterator[AnswerEvent]:
        parser, decoder = Parser(), msgspec.json.Decoder(AnswerEvent)
        async with self.http.stream("GET", f"/api/messages/{message_id}/stream") as response:
            async for chunk in response.aiter_raw():
                for data in parser.feed(chunk):
                    yield decoder.decode(data)


JSON = {"content-type": "application/json"}


@contextlib.asynccontextmanager
async def serving(home: Path, script: Script) -> AsyncIterator[Server]:
    """A backend of that home in this process."""
    paths = paths_of(home)
    storage = Storage(paths.database)
    await storage.open()
    services = assemble(paths, Preferences(paths), storage, script.backend)
    listener = Listener(private_port(services, TOKEN), bind("127.0.0.1", 0))
    listener.open()
    headers = {"authorization": f"Bearer {TOKEN}"}
    address = f"http://127.0.0.1:{listener.port}"
    try:
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=PATIENCE_S, trust_env=False) as http:
            yield Server(services, http, script)
    finally:
        await services.answers.close()
        await services.calibrating.cancel()
        await services.benching.cancel()
        await services.measuring.close()
        await services.engines.close()
        services.events.close()
        await listener.close()
        await storage.close()


async def until(true: Callable[[], object]) -> None:
    """Let the event loop turn until it is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 (nothing tells a test)
            await asyncio.sleep(0)


async def _first(*events: asyncio.Event) -> None:
    """Return when one of them is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
