"""How soon a worker has a model and a first token, and how fast it writes: `python -m bench.engine [--model FILE]`."""

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path
from statistics import median

from app.backends.llama.process import LlamaBackend
from app.paths import STARTER_MODEL
from app.protocol import ChatTurn, Delta, Generate, GenerationStats, LoadParams, Prefill, Role, Sampling
from bench.common import percentile, print_result

QUESTIONS = ("What is a quantization?", "什么是量化？", "Which model fits in 8 GB of VRAM?", "Hello!")


async def load(model: Path) -> tuple[LlamaBackend, float]:
    """A fresh worker with the model, and the seconds from nothing to loaded."""
    backend = LlamaBackend()
    started = time.perf_counter()
    await backend.load(str(model), LoadParams(), lambda _share: None)
    return backend, time.perf_counter() - started


async def first_token(backend: LlamaBackend, request_id: int, question: str) -> tuple[float, GenerationStats]:
    """(seconds from the request to its first text as the backend process sees it, what the answer cost)."""
    turns = (ChatTurn(role=Role.USER, content=question),)
    sampling = Sampling(temperature=0.0, max_tokens=200)
    started = time.perf_counter()
    first = 0.0
    stats: GenerationStats | None = None
    async for part in backend.generate(Generate(request_id=request_id, turns=turns, sampling=sampling)):
        if isinstance(part, Delta):
            first = first or time.perf_counter() - started
        elif not isinstance(part, Prefill):
            stats = part.stats
    assert stats is not None
    return first, stats


async def measure(model: Path, runs: int) -> None:
    loads: list[float] = []
    cold: list[float] = []
    warm: list[float] = []
    rates: list[float] = []
    for _ in range(runs):
        backend, seconds = await load(model)
        loads.append(seconds)
        for index, question in enumerate(QUESTIONS):
            first, stats = await first_token(backend, index, question)
            (cold if index == 0 else warm).append(first)
            rates += [stats.tokens_per_second] if stats.tokens_per_second else []
        resident = (await backend.stats()).resident
        await backend.unload()
    print_result(
        "engine",
        model=model.name,
        runs=runs,
        start_and_load_s=round(median(loads), 4),
        start_and_load_s_p95=round(percentile(loads, 0.95), 4),
        first_token_s=round(median(cold), 4),
        next_first_token_s=round(median(warm), 4),
        tokens_per_second=round(median(rates), 1),
        worker_resident_bytes=resident,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=STARTER_MODEL)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["ALCOVE_HOME"] = home
        asyncio.run(measure(arguments.model, arguments.runs))


if __name__ == "__main__":
    main()
