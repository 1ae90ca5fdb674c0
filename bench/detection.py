"""How long looking at the machine takes: as it is, and with drivers that hang, crash or both."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from app.backends.llama.probe import ask_apart
from app.backends.probe import EngineReport, probe_drivers, probe_engine
from app.errors import AppError
from app.hardware.detection.answers import DriverAnswers
from app.hardware.machine import detect
from app.hardware.sampling import Sampler
from bench.common import percentile, print_result
from bench.machine import describe_machine

HANGS = [sys.executable, "-c", "import signal; signal.pause()"]
CRASHES = [sys.executable, "-c", "import os; os.abort()"]
REPEATS = 5
SAMPLES = 50


def main() -> None:
    """Print the seconds each way of looking takes, and the milliseconds of a sample."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        first = _seconds(lambda: _look(cache))
        again = [_seconds(lambda: _look(cache)) for _ in range(REPEATS)]
        print_result(
            "detection",
            machine=describe_machine(),
            first_s=first,
            median_s=percentile(again, 0.5),
            worst_s=max(again),
            hanging_engine_s=_seconds(lambda: _look(cache, engine=HANGS)),
            hanging_driver_s=_seconds(lambda: _look(cache, drivers=HANGS)),
            both_hanging_s=_seconds(lambda: _look(cache, engine=HANGS, drivers=HANGS)),
            crashing_s=_seconds(lambda: _look(cache, engine=CRASHES, drivers=CRASHES)),
            one_backend_hanging_s=_one_backend_hangs(),
            sample_ms=_sample_ms(cache),
        )


async def _look(cache: Path, engine: list[str] | None = None, drivers: list[str] | None = None) -> None:
    """What the backend does for `alcove hardware`, with other commands in the place of the probes."""
    report, told = await asyncio.gather(_engine(engine), probe_drivers(command=drivers))
    await asyncio.to_thread(detect, cache, report.graphics if report else (), told, cache)


async def _engine(command: list[str] | None) -> EngineReport | None:
    try:
        return await probe_engine(command=command)
    except AppError:
        return None


def _one_backend_hangs() -> float:
    """Of three backends that are built in one hangs and one crashes: how long the third waits for them."""
    begun = time.perf_counter()
    ask_apart([HANGS, CRASHES, [sys.executable, "-c", "print('{}')"]], ["CUDA", "Vulkan", "SYCL"])
    return round(time.perf_counter() - begun, 3)


def _seconds(act: Callable[[], Awaitable[None]]) -> float:
    begun = time.perf_counter()
    asyncio.run(_run(act))
    return round(time.perf_counter() - begun, 3)


async def _run(act: Callable[[], Awaitable[None]]) -> None:
    await act()


def _sample_ms(cache: Path) -> float:
    sampler = Sampler(detect(cache, (), DriverAnswers()))
    begun = time.perf_counter()
    for _ in range(SAMPLES):
        sampler.sample()
    taken = time.perf_counter() - begun
    sampler.close()
    return round(taken / SAMPLES * 1000, 2)


if __name__ == "__main__":
    main()
