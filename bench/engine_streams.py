"""Figures of streams: one or many at a time, beside bare loops over llama.cpp and other people's engines."""

import asyncio
from collections.abc import Sequence

from app.protocol import Generate, LoadParams
from bench.bare import Bare, Task
from bench.high_level import HighLevel
from bench.llama_server import LlamaServer
from bench.workers import Bench, middle, question, together_for, words, worker, write_for

CONTEXT = 8192
PROMPT = 32
"""Tokens of text in each prompt."""
WIDTHS = (4, 8)
SERVER_WIDTHS = (1, 4, 8, 16)
MANY = 4000
"""Tokens asked for: more than are written in the time."""


async def one_stream(bench: Bench) -> dict[str, object]:
    """One answer beside a bare loop in the same settings (wanted: 0.98 of it) and llama_cpp.Llama (1.0)."""
    rates: dict[str, list[float]] = {"worker": [], "bare": [], "high_level": []}
    task = Task(seconds=bench.seconds, prompt=PROMPT)
    async with worker(bench.model, LoadParams(context_length=CONTEXT)) as backend:
        with Bare(bench.model) as bare, HighLevel(bench.model) as llama:
            for number in range(bench.rounds):
                rates["bare"].append((await asyncio.to_thread(bare.run, task)).rate)
                request = question(words(PROMPT, number), MANY, speculate=False)
                rates["worker"].append((await write_for(backend, bench.seconds, request)).rate)
                rates["high_level"].append(await asyncio.to_thread(llama.run, words(PROMPT, number), bench.seconds))
    found: dict[str, object] = {name: middle(values, 2) for name, values in rates.items()}
    shares = {f"of_{name}": _share(rates["worker"], rates[name]) for name in ("bare", "high_level")}
    return found | shares


async def streams(bench: Bench) -> dict[str, object]:
    """Several answers at once, all together, beside a bare batched loop of the same width (wanted: 0.97)."""
    ours: dict[int, list[float]] = {width: [] for width in WIDTHS}
    bares: dict[int, list[float]] = {width: [] for width in WIDTHS}
    async with worker(bench.model, LoadParams(context_length=CONTEXT, slots=max(WIDTHS))) as backend:
        with Bare(bench.model, max(WIDTHS)) as bare:
            for number in range(bench.rounds):
                for width in WIDTHS:
                    task = Task(seconds=bench.seconds, streams=width, prompt=PROMPT)
                    bares[width].append((await asyncio.to_thread(bare.run, task)).rate)
                    ours[width].append(await together_for(backend, bench.seconds, _questions(width, number)))
    return {
        str(width): {
            "worker": middle(ours[width], 2),
            "bare": middle(bares[width], 2),
            "of_bare": _share(ours[width], bares[width]),
        }
        for width in WIDTHS
    }


async def beside_llama_server(bench: Bench) -> dict[str, object]:
    """1, 4, 8 and 16 answers at once, in turns with the llama-server given by --llama-server (wanted: 1.0)."""
    if bench.llama_server is None:
        return {"skipped": "no --llama-server"}
    ours: dict[int, list[float]] = {width: [] for width in SERVER_WIDTHS}
    theirs: dict[int, list[float]] = {width: [] for width in SERVER_WIDTHS}
    slots = max(SERVER_WIDTHS)
    async with (
        worker(bench.model, LoadParams(context_length=CONTEXT, slots=slots)) as backend,
        LlamaServer(bench.llama_server, bench.model, slots, CONTEXT) as server,
    ):
        for number in range(bench.rounds):
            for width in SERVER_WIDTHS:
                texts = [words(PROMPT, 1000 * number + stream) for stream in range(width)]
                theirs[width].append(await server.together_for(bench.seconds, texts))
                ours[width].append(await together_for(backend, bench.seconds, _questions(width, number)))
    return {
        str(width): {
            "worker": middle(ours[width], 2),
            "llama_server": middle(theirs[width], 2),
            "of_llama_server": _share(ours[width], theirs[width]),
        }
        for width in SERVER_WIDTHS
    }


def _questions(width: int, number: int) -> list[Generate]:
    texts = [words(PROMPT, 1000 * number + stream) for stream in range(width)]
    return [question(text, MANY, speculate=False) for text in texts]


def _share(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the rounds' ratios: what both met in a round cancels out."""
    return middle(one / other for one, other in zip(ours, theirs, strict=True))
