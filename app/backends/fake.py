"""A backend without an engine: it writes a text it was given, at a speed it was given, and fails when told to.

It runs the whole window and server in tests and benchmarks, and obeys the same contract tests as the real engine.
"""

import asyncio
import contextlib
import os
from bisect import insort
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from app.backends.base import (
    AnswerPart,
    BackendFactory,
    Embedded,
    ProgressCallback,
    Reranked,
    unloaded_error,
)
from app.backends.fake_script import SAMPLE, FakePlan, Fault, calls_of, cost_of, cut, parts_of, vector_of
from app.backends.llama.turns import Fitter
from app.errors import AppError
from app.protocol import (
    ChatTurn,
    Finished,
    FinishReason,
    Generate,
    GenerationStats,
    Loaded,
    LoadParams,
    Prefill,
    PromptText,
    Queued,
    Role,
    StateFolder,
    TurnsDropped,
    WorkerStats,
)

__all__ = ["SAMPLE", "FakeBackend", "FakePlan", "Fault", "fake_backend"]


def fake_backend(plan: FakePlan | None = None) -> BackendFactory:
    """A factory of fake backends that all follow one plan."""
    return lambda: FakeBackend(plan or FakePlan())


@dataclass(eq=False)
class _Answer:
    """Progress of one answer, in tokens and loop time."""

    request: Generate
    prompt_tokens: int
    arrived: float
    rank: tuple[int, int]
    """Priority, then arrival: the smaller goes first."""
    started: float = 0.0
    first: float = 0.0
    written: int = 0
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)


class _Line:
    """Lets so many answers be written at once; the others wait in order and are told their place."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._waiting: list[_Answer] = []
        self.busy: list[_Answer] = []
        self._moved = asyncio.Event()

    @property
    def queued(self) -> int:
        return len(self._waiting)

    async def wait(self, answer: _Answer) -> AsyncIterator[int]:
        """The answer's place whenever it changes, until it is its turn or it was cancelled."""
        insort(self._waiting, answer, key=lambda waiting: waiting.rank)
        self.move()
        told = 0
        while not answer.cancelled.is_set():
            moved = self._moved
            place = self._waiting.index(answer) + 1
            if place == 1 and len(self.busy) < self._slots:
                self._waiting.remove(answer)
                self.busy.append(answer)
                self.move()
                return
            if place != told:
                told = place
                yield place
            else:
                await moved.wait()

    def leave(self, answer: _Answer) -> None:
        for places in (self._waiting, self.busy):
            if answer in places:
                places.remove(answer)
        self.move()

    def move(self) -> None:
        """Let everyone look where they are."""
        self._moved.set()
        self._moved = asyncio.Event()


class FakeBackend:
    """The Backend protocol without an engine behind it."""

    def __init__(self, plan: FakePlan) -> None:
        self._plan = plan
        self._model = ""
        self._loaded = False
        self._closed = asyncio.Event()
        self._error: AppError | None = None
        self._answers: dict[int, _Answer] = {}
        self._orders = count()
        self._line = _Line(plan.slots)
        self._context_length = plan.context_length
        self._answered = 0
        self._tokens_written = 0
        self.threads = 0
        """What `set_threads` was told last."""

    @property
    def pid(self) -> int | None:
        return None

    async def load(
        self, path: str, params: LoadParams, on_progress: ProgressCallback, states: StateFolder | None = None
    ) -> Loaded:
        self._model = os.path.basename(path)
        for step in range(4):
            on_progress(step / 4)
            await self._sleep(self._plan.load_s / 4)
            if self._closed.is_set():
                raise AppError("load_cancelled", model=self._model)
        if self._plan.fault is Fault.LOAD:
            self._closed.set()
            raise AppError("model_load_failed", model=self._model, reason="this fake model always fails", detail="")
        self._loaded = True
        on_progress(1.0)
        self._context_length = params.context_length or self._plan.context_length
        return Loaded(
            context_length=self._context_length,
            device="CPU",
            load_s=self._plan.load_s,
            has_template=True,
            supports_thinking=True,
            supports_tools=True,
            embeds=self._plan.width > 0,
            reranks=self._plan.width > 0,
            slots=self._plan.slots,
        )

    async def generate(self, request: Generate) -> AsyncGenerator[AnswerPart, None]:
        self._check_loaded()
        number = request.request_id
        turns, dropped = _fit(request, self._context_length)
        rank = (int(request.priority), next(self._orders))
        now = asyncio.get_running_loop().time()
        answer = self._answers[number] = _Answer(request, cost_of(turns), now, rank)
        try:
            if dropped:
                yield TurnsDropped(request_id=number, turns=dropped)
            async for place in self._line.wait(answer):
                yield Queued(request_id=number, position=place)
            answer.started = asyncio.get_running_loop().time()
            yield Prefill(request_id=number, done=answer.prompt_tokens, total=answer.prompt_tokens)
            reason = FinishReason.TOOL_CALLS if calls_of(self._plan, request) else FinishReason.STOP
            for part in parts_of(self._plan, request):
                if (ended := await self._next_token(answer)) is not None:
                    reason = ended
                    break
                yield part
            self._answered += 1
            yield Finished(request_id=number, stats=_stats_of(answer, reason, self._context_length))
        finally:
            del self._answers[number]
            self._line.leave(answer)

    async def cancel(self, request_id: int) -> None:
        if answer := self._answers.get(request_id):
            answer.cancelled.set()
            self._line.move()

    async def preview(self, request: Generate) -> PromptText:
        self._check_loaded()
        turns, dropped = _fit(request, self._context_length)
        text = "".join(f"[{turn.role}] {turn.content}\n" for turn in turns)
        return PromptText(request_id=request.request_id, text=text, tokens=cost_of(turns), dropped=dropped)

    async def tokenize(self, text: str, special: bool = False) -> tuple[int, ...]:
        self._check_loaded()
        return tuple(hash(piece) % 2**16 for piece in cut(text))

    async def embed(self, texts: Sequence[str], normalize: bool = True) -> Embedded:
        self._check_embeds()
        return Embedded([vector_of(text, self._plan.width) for text in texts], sum(len(cut(text)) for text in texts))

    async def rerank(self, query: str, documents: Sequence[str]) -> Reranked:
        self._check_embeds()
        wanted = set(query.split())
        return Reranked([float(len(wanted & set(text.split()))) for text in documents], len(cut(query)))

    async def set_threads(self, threads: int) -> None:
        self.threads = threads

    async def forget(self, keep_as: str) -> None:
        """It keeps nothing."""

    async def stats(self) -> WorkerStats:
        if self._error is not None:
            raise self._error
        if self._closed.is_set():
            raise unloaded_error()
        return WorkerStats(
            pid=os.getpid(),
            resident=0,
            active_requests=len(self._answers),
            answered=self._answered,
            tokens_written=self._tokens_written,
            context_length=self._context_length,
            queued=self._line.queued,
            slots=self._plan.slots,
            slots_busy=len(self._line.busy),
            threads=self.threads,
        )

    async def unload(self) -> None:
        if not self._closed.is_set():
            self._end(None)

    async def wait_closed(self) -> AppError | None:
        await self._closed.wait()
        return self._error

    def die(self, reason: str = "a test ended it") -> None:
        """End as a killed worker would: answers in progress raise, `wait_closed` returns the error."""
        self._end(AppError("worker_died", model=self._model, reason=reason, detail=""))

    def _end(self, error: AppError | None) -> None:
        self._error = error
        self._loaded = False
        self._closed.set()
        for answer in self._answers.values():
            answer.cancelled.set()
        self._line.move()

    def _check_loaded(self) -> None:
        if not self._loaded:
            raise self._error or unloaded_error()

    def _check_embeds(self) -> None:
        self._check_loaded()
        if not self._plan.width:
            raise AppError("bad_request", reason=f"{self._model} makes no embeddings")

    async def _next_token(self, answer: _Answer) -> FinishReason | None:
        """Wait until the next token is due and count it; the reason if the answer ends instead."""
        loop, plan = asyncio.get_running_loop(), self._plan
        if plan.fault is not None and answer.written >= plan.fault_after:
            self._fail(plan.fault)
        due = answer.started + (answer.written / plan.tokens_per_second if plan.tokens_per_second else 0.0)
        await self._sleep(due - loop.time(), answer.cancelled)
        if answer.cancelled.is_set():
            if self._closed.is_set():
                raise self._error or unloaded_error()
            return FinishReason.CANCELLED
        limit = answer.request.sampling.max_tokens
        if limit is not None and answer.written >= limit:
            return FinishReason.LENGTH
        if answer.prompt_tokens + answer.written >= self._context_length:
            return FinishReason.CONTEXT_FULL
        answer.first = answer.first or loop.time()
        answer.written += 1
        self._tokens_written += 1
        return None

    def _fail(self, fault: Fault) -> None:
        if fault is Fault.DIE:
            self.die("the fake engine was told to die")
            raise self._error or unloaded_error()
        raise AppError("generation_failed", reason="the fake engine was told to fail")

    async def _sleep(self, seconds: float, interrupted: asyncio.Event | None = None) -> None:
        """Sleep, at least one turn of the event loop, at most until interrupted or closed."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for((interrupted or self._closed).wait(), seconds)


def _stats_of(answer: _Answer, reason: FinishReason, context_length: int) -> GenerationStats:
    now = asyncio.get_running_loop().time()
    first = answer.first or now
    return GenerationStats(
        prompt_tokens=answer.prompt_tokens,
        answer_tokens=answer.written,
        ttft_s=first - answer.arrived,
        decode_s=now - first,
        context_length=context_length,
        finish_reason=reason,
        queue_s=(answer.started or now) - answer.arrived,
    )


def _fit(request: Generate, context_length: int) -> tuple[Sequence[ChatTurn], tuple[int, ...]]:
    """The turns that fit, and the indexes of the others."""
    turns = request.turns
    if request.prompt is not None:
        turns = (ChatTurn(role=Role.USER, content=request.prompt),)

    def without(dropped: frozenset[int]) -> Sequence[ChatTurn]:
        return [turn for index, turn in enumerate(turns) if index not in dropped]

    return Fitter(context_length, without, cost_of).fit(request)
