"""Measures how fast a model reads and writes at several depths, as it is loaded, beside what had been predicted."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import Awaitable, Callable

from app.errors import AppError
from app.hardware.speed import Speeds
from app.protocol import (
    BenchChanged,
    BenchReport,
    BenchRequest,
    BenchRow,
    Event,
    Finished,
    Generate,
    GenerationStats,
    MeasurementKind,
    Range,
    Sampling,
)
from app.server.engine import Engine
from app.server.engines import Engines
from app.server.measuring import Measuring
from app.server.subjects import subject_of

DEPTHS = (0, 1024, 4096)
READ, WRITTEN = 512, 32
"""Tokens that are read and written in each run."""
MOST_REPEATS = 20
_PROBED = 64
_WORD = " the"


class Benching:
    """Runs measurements through the loaded engine, so what is measured is what a conversation gets."""

    def __init__(self, engines: Engines, measuring: Measuring, publish: Callable[[Event], None]) -> None:
        self._engines = engines
        self._measuring = measuring
        self._publish = publish
        self._task: asyncio.Task[BenchReport] | None = None

    async def run(self, asked: BenchRequest, hung_up: Callable[[], Awaitable[None]]) -> BenchReport:
        """Load the model where needed and measure it, until `hung_up()` returns: nobody waits for it any more.

        Raises AppError: "measuring_busy" while the model answers or another is measured, "measuring_cancelled".
        """
        if not 1 <= asked.repeats <= MOST_REPEATS:
            raise AppError("bad_request", reason=f"repeats are 1 to {MOST_REPEATS}")
        if self._task is not None:
            raise AppError("measuring_busy")
        task = self._task = asyncio.create_task(self._cleared_up(asked))
        leaving = asyncio.ensure_future(hung_up())
        try:
            await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not task.done():
                await self.cancel()
        if task.cancelled():
            raise AppError("measuring_cancelled")
        return task.result()

    async def cancel(self) -> bool:
        """End the measurement, if there is one, and unload what was loaded for it. Whether there was one."""
        task = self._task
        if task is None:
            return False
        if not task.cancelling():  # a second time would cut off the clearing up
            task.cancel()
        await asyncio.wait({task})
        return True

    async def _cleared_up(self, asked: BenchRequest) -> BenchReport:
        """The measurement; where it is cancelled, its model goes unless it was there before or others use it."""
        try:
            entry = await self._engines.choose(asked.model)
            before = [each.id for each in self._engines.loaded]
            try:
                return await self._report(asked)
            except asyncio.CancelledError:
                if entry.id not in before:
                    await self._engines.unload_unused(entry.id)
                raise
        finally:
            self._task = None

    async def _report(self, asked: BenchRequest) -> BenchReport:
        begun = time.monotonic()
        async with self._engines.use(asked.model) as engine:
            load_s = time.monotonic() - begun
            subject = subject_of(engine)
            speeds = self._measuring.speeds(subject) if subject is not None else None
            context = engine.entry.loaded_context or READ
            measured = await self._measured(engine, asked, context)
            return BenchReport(
                model=engine.entry.id,
                device=subject.device if subject is not None else engine.entry.device,
                build=await self._measuring.build(),
                context_length=context,
                rows=tuple(row for figures in measured for row in rows_of(figures, speeds)),
                memory=await engine.memory_now(),
                load_s=load_s,
            )

    async def _measured(self, engine: Engine, asked: BenchRequest, context: int) -> list[list[GenerationStats]]:
        """The figures of all runs, depth by depth."""
        read = min(READ, context // 4)
        fitting = [depth for depth in asked.depths or DEPTHS if 0 <= depth <= context - read - WRITTEN - 1]
        if not fitting:
            raise AppError("bad_request", reason=f"no depth fits into a context of {context} tokens")
        per_word = len(await engine.backend.tokenize(_WORD * _PROBED)) / _PROBED
        runs, done = len(fitting) * (asked.repeats + 1), 0
        found = []
        for depth in sorted(set(fitting)):
            before = f"{time.time_ns()}" + _WORD * round(depth / per_word) if depth else ""
            figures = []
            for _ in range(asked.repeats + 1):
                # The first run warms up, and leaves in the cache what stands before the measured part.
                text = f"{before} {time.time_ns()}" + _WORD * round(read / per_word)
                figures.append(await self._one(engine, text))
                done += 1
                self._publish(BenchChanged(model=engine.entry.id, share=done / runs))
            found.append(figures[1:])
        return found

    async def _one(self, engine: Engine, text: str) -> GenerationStats:
        """The figures of one run. Raises AppError("measuring_busy") where somebody else is answered."""
        if engine.requests:
            raise AppError("measuring_busy")
        request = Generate(
            request_id=self._engines.request_id(),
            turns=(),
            prompt=text,
            sampling=Sampling(temperature=0.0, max_tokens=WRITTEN, min_tokens=WRITTEN, ignore_end=True),
            speculate=False,
        )
        async with contextlib.aclosing(engine.generate(request)) as parts:
            async for part in parts:
                if isinstance(part, Finished):
                    return part.stats
        raise AppError("generation_failed", reason="no_figures")


def rows_of(figures: list[GenerationStats], speeds: Speeds | None) -> list[BenchRow]:
    """Reading and writing at one depth: medians with the least and the most, and the prediction for that depth."""
    first = figures[0]
    cached, read = first.cached_tokens, first.prompt_tokens - first.cached_tokens
    depth = first.prompt_tokens + first.answer_tokens // 2
    known = speeds if speeds is not None and speeds.known else None
    found = []
    if measured := _spread([one.prefill_per_second for one in figures]):
        predicted = known.prefill(read, cached) if known else None
        found.append(_row(MeasurementKind.PREFILL, cached, read, measured, predicted))
    if measured := _spread([one.tokens_per_second for one in figures]):
        predicted = known.decode(depth) if known else None
        found.append(_row(MeasurementKind.DECODE, depth, first.answer_tokens, measured, predicted))
    return found


def _row(kind: MeasurementKind, depth: int, tokens: int, measured: Range, predicted: Range | None) -> BenchRow:
    return BenchRow(kind=kind, depth=depth, tokens=tokens, measured=measured, predicted=predicted)


def _spread(speeds: list[float | None]) -> Range | None:
    known = [speed for speed in speeds if speed]
    return Range(low=min(known), expected=statistics.median(known), high=max(known)) if known else None
