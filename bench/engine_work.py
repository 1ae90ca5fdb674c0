"""Figures of the worker itself: how soon it answers, what Python costs a token, and memory over many requests."""

import asyncio
import time

from app.backends.llama.process import LlamaBackend
from app.protocol import LoadParams, Sampling
from bench.bare import Bare, Task
from bench.workers import Answer, Bench, answer, joint_rate, middle, question, together, worker

QUESTIONS = ("What is a quantization?", "什么是量化？", "Which model fits in 8 GB of VRAM?", "Hello!")
STARTS = 5
SHORT = Sampling(temperature=0.0, max_tokens=200)
WIDTHS = (1, 8)
TOKENS = 200
AT_ONCE = 8
WARM_UP = 0.1
"""Share of the requests after which memory is looked at first: caches are full then."""
STATE_MEMORY = 32 << 20


async def start(bench: Bench) -> dict[str, object]:
    """Seconds from nothing to a loaded starter model, to a first token, and to that of further questions."""
    loads, colds, warms = [], [], []
    for _ in range(STARTS):
        backend = LlamaBackend()
        begun = time.perf_counter()
        await backend.load(bench.starter, LoadParams(), lambda _share: None)
        loads.append(time.perf_counter() - begun)
        answers = [await answer(backend, question(text, 40, SHORT)) for text in QUESTIONS]
        colds.append(answers[0].ttft)
        warms += [one.ttft for one in answers[1:]]
        resident = (await backend.stats()).resident
        await backend.unload()
    return {
        "load_s": middle(loads, 4),
        "first_token_s": middle(colds, 4),
        "next_first_token_s": middle(warms, 4),
        "resident_bytes": resident,
    }


async def python_time(bench: Bench) -> dict[str, object]:
    """Microseconds a token outside llama.cpp, a stream (wanted: 100): a worker's steps with the starter model, which
    are nearly nothing but that, less the same steps of a bare loop."""
    found: dict[str, object] = {}
    params = LoadParams(slots=max(WIDTHS), threads=1)
    async with worker(bench.starter, params) as backend:
        with Bare(bench.starter, max(WIDTHS)) as bare:
            for width in WIDTHS:
                extra = []
                for number in range(bench.rounds * 3):
                    task = Task(seconds=1.0, streams=width, threads=1, prompt=32)
                    plain = await asyncio.to_thread(bare.run, task)
                    requests = [question(f"Number {number}", TOKENS, speculate=False) for _ in range(width)]
                    ours = joint_rate(await together(backend, requests))
                    extra.append((width / ours - width / plain.rate) / width * 1e6)
                found[f"{width}_streams_us"] = middle(extra, 1)
    return found


async def many_requests(bench: Bench) -> dict[str, object]:
    """Memory of one worker over many short requests, as its growth from when its caches are full (wanted: 0.02)."""
    resident: list[int] = []
    begun = time.perf_counter()
    async with worker(bench.starter, LoadParams(slots=AT_ONCE, state_memory=STATE_MEMORY)) as backend:
        every = max(AT_ONCE, bench.requests // 50)
        for first in range(0, bench.requests, AT_ONCE):
            texts = [f"Question number {first + number} of many" for number in range(AT_ONCE)]
            answers: list[Answer] = await together(backend, [question(text, 4, SHORT) for text in texts])
            assert all(one.stats is not None for one in answers)
            if first % every < AT_ONCE and first >= WARM_UP * bench.requests:
                resident.append((await backend.stats()).resident)
    return {
        "requests": bench.requests,
        "seconds": round(time.perf_counter() - begun, 1),
        "resident_bytes": resident[-1],
        "growth": round(resident[-1] / resident[0] - 1, 4),
        "highest_over_lowest": round(max(resident) / min(resident) - 1, 4),
    }
