"""Real engine workers for benchmarks: loading them, letting them write, and what their answers came to."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from statistics import median

import msgspec
import numpy as np

from app.backends.base import AnswerPart
from app.backends.llama.process import LlamaBackend
from app.protocol import (
    ChatTurn,
    Delta,
    Finished,
    Generate,
    GenerationStats,
    LoadParams,
    Prefill,
    Role,
    Sampling,
    StateFolder,
    ToolCallDelta,
)

GREEDY = Sampling(temperature=0.0, ignore_end=True, repeat_penalty=1.0)
_WARM_UP = 8
_ids = itertools.count(1)


@dataclass(frozen=True)
class Bench:
    """What a figure is measured with: models by their paths, an empty folder, and how long and often."""

    model: str
    starter: str
    scratch: str
    rounds: int = 3
    seconds: float = 4.0
    requests: int = 10_000
    llama_server: str | None = None


@dataclass
class Answer:
    """What came of a request; times in seconds of the clock of this process."""

    begun: float
    first: float = 0.0
    last: float = 0.0
    tokens: int = 0
    text: str = ""
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    """When how many tokens came."""
    prefills: list[tuple[float, int]] = field(default_factory=list)
    """When how much of the prompt was read."""
    stats: GenerationStats | None = None
    begun_writing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ttft(self) -> float:
        return self.first - self.begun

    @property
    def rate(self) -> float:
        """Tokens a second, from the first to the last."""
        return (self.tokens - 1) / (self.last - self.first) if self.last > self.first else 0.0

    @property
    def figures(self) -> GenerationStats:
        """What the engine says of it. Raises ValueError where it was cut off."""
        if self.stats is None:
            raise ValueError("the answer was cut off")
        return self.stats

    def count(self, tokens: int) -> None:
        """So many tokens have come now."""
        now = time.perf_counter()
        self.first = self.first or now
        self.begun_writing.set()
        self.last = now
        self.tokens += tokens
        self.arrivals.append((now, tokens))

    def take(self, part: AnswerPart) -> None:
        if isinstance(part, Prefill):
            self.prefills.append((time.perf_counter(), part.done))
        elif isinstance(part, Delta | ToolCallDelta):
            self.count(part.tokens)
            self.text += part.text if isinstance(part, Delta) else part.arguments
        elif isinstance(part, Finished):
            self.stats = part.stats


def question(text: str, tokens: int, sampling: Sampling = GREEDY, **more: object) -> Generate:
    """A request for that many tokens; `more` are further fields of `Generate`."""
    turns = (ChatTurn(role=Role.USER, content=text),)
    return ask(turns, tokens, sampling, **more)


def ask(turns: Sequence[ChatTurn], tokens: int, sampling: Sampling = GREEDY, **more: object) -> Generate:
    """The same for a whole conversation."""
    limited = msgspec.structs.replace(sampling, max_tokens=tokens)
    request = Generate(request_id=next(_ids), turns=tuple(turns), sampling=limited)
    return msgspec.structs.replace(request, **more)


async def answer(backend: LlamaBackend, request: Generate) -> Answer:
    """The whole answer."""
    result = Answer(time.perf_counter())
    async for part in backend.generate(request):
        result.take(part)
    return result


async def write_for(backend: LlamaBackend, seconds: float, request: Generate) -> Answer:
    """Let it write that long from its first token on, then cancel."""
    result = Answer(time.perf_counter())
    cancelled = False
    async for part in backend.generate(request):
        if not cancelled:
            result.take(part)
        if not cancelled and result.first and time.perf_counter() - result.first > seconds:
            cancelled = True
            await backend.cancel(request.request_id)
    return result


@asynccontextmanager
async def worker(model: str, params: LoadParams, states: StateFolder | None = None) -> AsyncIterator[LlamaBackend]:
    """A worker with that model, warm; it is unloaded at the end."""
    backend = LlamaBackend()
    await backend.load(model, params, lambda _share: None, states)
    try:
        await answer(backend, question("warm up", _WARM_UP))
        yield backend
    finally:
        await backend.unload()


@asynccontextmanager
async def workers(model: str, all_params: Sequence[LoadParams]) -> AsyncIterator[list[LlamaBackend]]:
    """One worker each."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(worker(model, params)) for params in all_params]


async def together(backend: LlamaBackend, requests: Sequence[Generate]) -> list[Answer]:
    """The answers to requests made at once."""
    return list(await asyncio.gather(*(answer(backend, request) for request in requests)))


async def together_for(backend: LlamaBackend, seconds: float, requests: Sequence[Generate]) -> float:
    """Tokens a second of all answers together, while all of them are being written: for that long, then cancelled."""
    answers = [Answer(time.perf_counter()) for _ in requests]

    async def write(one: Answer, request: Generate) -> None:
        async for part in backend.generate(request):
            one.take(part)

    tasks = [asyncio.create_task(write(one, request)) for one, request in zip(answers, requests, strict=True)]
    await asyncio.gather(*(one.begun_writing.wait() for one in answers))
    await asyncio.sleep(seconds)
    rate = rate_between(answers, max(one.first for one in answers), time.perf_counter())
    for request in requests:
        await backend.cancel(request.request_id)
    await asyncio.gather(*tasks)
    return rate


def joint_rate(answers: Sequence[Answer]) -> float:
    """Tokens a second of all answers together, over the time in which all of them were being written."""
    return rate_between(answers, max(one.first for one in answers), min(one.last for one in answers))


def rate_between(answers: Sequence[Answer], begun: float, ended: float) -> float:
    """Tokens a second of all answers together in that time."""
    tokens = sum(count for one in answers for time, count in one.arrivals if begun < time <= ended)
    return tokens / (ended - begun) if ended > begun else 0.0


def words(count: int, seed: int) -> str:
    """A text of that many tokens of a random model, each a space and three letters."""
    letters = np.random.default_rng(seed).integers(ord("a"), ord("z") + 1, (count, 3), np.uint8)
    return "".join(" " + row.tobytes().decode("ascii") for row in letters)


def middle(values: Iterable[float], digits: int = 3) -> float:
    """The median, rounded."""
    return round(median(values), digits)
