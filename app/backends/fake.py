"""A backend without an engine: it writes a text it was given, at a speed it was given, and fails when told to.

It runs the whole window and server in tests and benchmarks, and obeys the same contract tests as the real engine.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import cycle, islice

from app.backends.base import AnswerPart, BackendFactory, ProgressCallback, unloaded_error
from app.errors import AppError
from app.protocol import (
    Delta,
    DeltaKind,
    Finished,
    FinishReason,
    Generate,
    GenerationStats,
    Loaded,
    LoadParams,
    Prefill,
    WorkerStats,
)

CHARACTERS_PER_TOKEN = 4

SAMPLE = """A **quantization** stores the weights of a model with fewer bits each.

- `Q8_0` keeps almost everything
- `Q4_K_M` halves that again, at a small loss

```python
def size_in_bytes(parameters: int, bits: float) -> int:
    return round(parameters * bits / 8)
```

量化让模型变小，也让它更快。

"""


class Fault(StrEnum):
    """Where a fake backend fails."""

    LOAD = "load"
    """Loading is refused."""
    DIE = "die"
    """It dies after `fault_after` tokens of an answer."""
    FAIL = "fail"
    """The answer fails after `fault_after` tokens; the backend lives on."""


@dataclass(frozen=True)
class FakePlan:
    """How a fake backend behaves. Speeds are in tokens per second; 0 means as fast as it can."""

    text: str = SAMPLE
    thinking: str = "The question is about size.\n"
    """Written first when a request asks for thinking."""
    tokens_per_second: float = 0.0
    load_s: float = 0.0
    context_length: int = 4096
    fault: Fault | None = None
    fault_after: int = 10

    @classmethod
    def parse(cls, option: str) -> "FakePlan":
        """The plan of a hidden option "tokens_per_second[:characters]". Raises ValueError for anything else."""
        speed, _, characters = option.partition(":")
        plan = cls(tokens_per_second=float(speed))
        if not characters:
            return plan
        length = int(characters)
        return replace(plan, text=_text_of(length), context_length=max(plan.context_length, 2 * length))


def fake_backend(plan: FakePlan | None = None) -> BackendFactory:
    """A factory of fake backends that all follow one plan."""
    return lambda: FakeBackend(plan or FakePlan())


@dataclass
class _Answer:
    """Progress of one answer, in tokens and loop time."""

    prompt_tokens: int
    started: float
    first: float = 0.0
    written: int = 0
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)


class FakeBackend:
    """The Backend protocol without an engine behind it."""

    def __init__(self, plan: FakePlan) -> None:
        self._plan = plan
        self._model = ""
        self._loaded = False
        self._closed = asyncio.Event()
        self._error: AppError | None = None
        self._answers: dict[int, _Answer] = {}
        self._answered = 0
        self._tokens_written = 0

    @property
    def pid(self) -> int | None:
        return None

    async def load(self, path: str, params: LoadParams, on_progress: ProgressCallback) -> Loaded:
        self._model = os.path.basename(path)
        for step in range(4):
            on_progress(step / 4)
            await self._sleep(self._plan.load_s / 4)
            if self._closed.is_set():
                raise AppError("load_cancelled", model=self._model)
        if self._plan.fault is Fault.LOAD:
            self._closed.set()
            raise AppError("model_load_failed", model=self._model, reason="this fake model always fails")
        self._loaded = True
        on_progress(1.0)
        context = params.context_length or self._plan.context_length
        return Loaded(
            context_length=context, device="CPU", load_s=self._plan.load_s, has_template=True, supports_thinking=True
        )

    async def generate(self, request: Generate) -> AsyncGenerator[AnswerPart, None]:
        if not self._loaded:
            raise self._error or unloaded_error()
        loop = asyncio.get_running_loop()
        prompt = sum(-(-len(turn.content) // CHARACTERS_PER_TOKEN) + 4 for turn in request.turns)
        if prompt >= self._plan.context_length:
            raise AppError("prompt_too_long", prompt_tokens=prompt, context_length=self._plan.context_length)
        answer = self._answers[request.request_id] = _Answer(prompt, loop.time())
        try:
            yield Prefill(request_id=request.request_id, done=prompt, total=prompt)
            reason = FinishReason.STOP
            for kind, text in self._pieces(request):
                if (ended := await self._next_token(answer, request)) is not None:
                    reason = ended
                    break
                yield Delta(request_id=request.request_id, text=text, kind=kind)
            self._answered += 1
            yield Finished(request_id=request.request_id, stats=self._stats_of(answer, reason))
        finally:
            del self._answers[request.request_id]

    async def cancel(self, request_id: int) -> None:
        if answer := self._answers.get(request_id):
            answer.cancelled.set()

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
            context_length=self._plan.context_length,
        )

    async def unload(self) -> None:
        if not self._closed.is_set():
            self._end(None)

    async def wait_closed(self) -> AppError | None:
        await self._closed.wait()
        return self._error

    def die(self, reason: str = "a test ended it") -> None:
        """End as a killed worker would: answers in progress raise, `wait_closed` returns the error."""
        self._end(AppError("worker_died", model=self._model, reason=reason))

    def _end(self, error: AppError | None) -> None:
        self._error = error
        self._loaded = False
        self._closed.set()
        for answer in self._answers.values():
            answer.cancelled.set()

    async def _next_token(self, answer: _Answer, request: Generate) -> FinishReason | None:
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
        if request.sampling.max_tokens is not None and answer.written >= request.sampling.max_tokens:
            return FinishReason.LENGTH
        if answer.prompt_tokens + answer.written >= plan.context_length:
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

    def _pieces(self, request: Generate) -> list[tuple[DeltaKind, str]]:
        parts = [(DeltaKind.TEXT, self._plan.text)]
        if request.thinking:
            parts.insert(0, (DeltaKind.THINKING, self._plan.thinking))
        step = CHARACTERS_PER_TOKEN
        return [(kind, text[at : at + step]) for kind, text in parts for at in range(0, len(text), step)]

    def _stats_of(self, answer: _Answer, reason: FinishReason) -> GenerationStats:
        now = asyncio.get_running_loop().time()
        first = answer.first or now
        return GenerationStats(
            prompt_tokens=answer.prompt_tokens,
            answer_tokens=answer.written,
            ttft_s=first - answer.started,
            decode_s=now - first,
            context_length=self._plan.context_length,
            finish_reason=reason,
        )


def _text_of(length: int) -> str:
    """That many characters of sample Markdown."""
    return "".join(islice(cycle(SAMPLE), length))
