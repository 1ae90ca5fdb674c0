"""How the engine bears others and they it: alone, beside a busy program, beside a second engine, beside a window.

    python -m bench.neighbour [--shape 0.5b] [--rounds 3] [--seconds 5]

Workers with each fixed number of threads and governed ones write in turns under the same load; medians of the rounds.
On a machine with two cores the figures of issue 3 apply; it must be quiet otherwise.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median

from app.backends.llama.cores import performance_cores
from app.backends.llama.process import LlamaBackend
from app.protocol import LoadParams
from bench.common import print_result
from bench.machine import describe_machine
from bench.model_file import SHAPES, model_file
from bench.workers import Answer, question, workers, write_for

ROOT = Path(__file__).resolve().parent.parent
PROMPT = "Write for a long time, please."
MANY = 100_000
"""Tokens asked for: more than are written in the time."""
GOVERNED = "governed"
_BUSY = "while True: pass"


class Bench:
    """Workers of every kind, and the rounds they are measured in."""

    def __init__(
        self, governed: list[LlamaBackend], fixed: dict[int, LlamaBackend], options: argparse.Namespace
    ) -> None:
        self._governed = governed
        self._fixed = fixed
        self._seconds: float = options.seconds
        self._rounds: int = options.rounds

    async def alone(self) -> dict[str, float]:
        """Tokens a second of each fixed number of threads and of the governed worker, one after the other."""
        rates: dict[str, list[float]] = {}
        for _ in range(self._rounds):
            for threads, backend in self._fixed.items():
                rates.setdefault(str(threads), []).append((await self._write(backend)).rate)
            rates.setdefault(GOVERNED, []).append((await self._write(self._governed[0])).rate)
        return {name: round(median(found), 2) for name, found in rates.items()}

    async def beside_busy(self) -> dict[str, float]:
        """The same beside another program that wants a whole processor."""
        with busy_program():
            return await self.alone()

    async def both(self) -> list[float]:
        """Tokens a second of each of two governed workers that write at once."""
        rates = []
        for _ in range(self._rounds):
            answers = await asyncio.gather(*(self._write(backend) for backend in self._governed))
            rates.append(sorted(answer.rate for answer in answers))
        return [round(median(one), 2) for one in zip(*rates, strict=True)]

    async def beside_window(self) -> dict[str, object]:
        """How late a window's event loop gets while the engine writes, and the engine's speed meanwhile."""
        async with window(self._seconds * self._rounds + 1) as measured:
            answer = await self._write(self._governed[0], self._seconds * self._rounds)
        return {"rate": round(answer.rate, 2), **measured}

    async def _write(self, backend: LlamaBackend, seconds: float | None = None) -> Answer:
        return await write_for(backend, seconds or self._seconds, question(PROMPT, MANY))


@contextmanager
def busy_program() -> Iterator[None]:
    """Another program that computes all the time, at ordinary priority."""
    process = subprocess.Popen([sys.executable, "-c", _BUSY])
    try:
        yield
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def window(seconds: float) -> AsyncIterator[dict[str, object]]:
    """A process with a Qt event loop that is watched that long; its figures are there at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.event_loop", str(seconds), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    await process.stdout.readline()
    figures: dict[str, object] = {}
    yield figures
    figures |= json.loads(await process.stdout.readline())
    await process.wait()


async def measure(options: argparse.Namespace) -> None:
    model = options.model or str(model_file(SHAPES[options.shape]))
    counts = range(1, (options.threads or performance_cores()) + 1)
    params = [LoadParams(context_length=8192), LoadParams(context_length=8192)]
    params += [LoadParams(context_length=8192, threads=count) for count in counts]
    async with workers(model, params) as (first, second, *others):
        bench = Bench([first, second], dict(zip(counts, others, strict=True)), options)
        alone = await bench.alone()
        busy = await bench.beside_busy()
        both = await bench.both()
        beside = await bench.beside_window()
    print_result(
        "neighbour",
        machine=describe_machine(),
        model=Path(model).name,
        rounds=options.rounds,
        seconds=options.seconds,
        alone={**alone, "share_of_best": _share(alone)},
        beside_busy_program={**busy, "share_of_best": _share(busy)},
        two_engines={"rates": both, "share_of_alone": [round(rate / alone[GOVERNED], 3) for rate in both]},
        beside_window=beside,
    )


def _share(rates: dict[str, float]) -> float:
    """The governed worker's speed as a share of the best fixed number of threads."""
    return round(rates[GOVERNED] / max(rate for name, rate in rates.items() if name != GOVERNED), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a GGUF of yours in place of random weights")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="0.5b")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--threads", type=int, help="the highest fixed number of threads; without: every core")
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    asyncio.run(measure(options))


if __name__ == "__main__":
    main()
