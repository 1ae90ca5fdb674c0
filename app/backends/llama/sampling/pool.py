"""Samples for several answers of one step, in threads where that is faster than one after the other."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from app.backends.llama.binding import llama
from app.backends.llama.sampling.logits import Logits, context_row
from app.backends.llama.sampling.sampler import TokenSampler
from app.errors import AppError

_log = logging.getLogger(__name__)

_MOST_THREADS = 4
_WORTH_S = 0.0004
"""Time another thread must save: handing over costs a tenth of that, but its processor may be busy."""
_WEIGHT = 0.25
"""Of the newest time in the running mean of a sampler."""


class SamplerPool:
    """Threads for sampling; used by one thread at a time. `close` ends them."""

    def __init__(self, threads: int = 2) -> None:
        """`threads`: at most so many at work, the caller's own included."""
        self._threads = max(1, min(threads, _MOST_THREADS))
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="sampler")

    def sample(
        self, context: "llama.llama_context_p", work: Sequence[tuple[TokenSampler, int]]
    ) -> list[int | AppError]:
        """For each sampler and row the next token, or the fault of this answer alone."""
        tasks = [(sampler, context_row(context, row, sampler.vocabulary_size)) for sampler, row in work]
        threads = self._threads_for([sampler.cost_s for sampler, _ in tasks])
        if threads == 1:
            return [_sample(*task) for task in tasks]
        shares = [tasks[index::threads] for index in range(threads)]
        others = [self._executor.submit(_sample_all, share) for share in shares[1:]]
        results = [_sample_all(shares[0]), *(other.result() for other in others)]
        return [results[index % threads][index // threads] for index in range(len(tasks))]

    def close(self) -> None:
        self._executor.shutdown()

    def _threads_for(self, costs: Sequence[float]) -> int:
        """As many as each save enough time, by what the samplers cost lately."""
        return max(1, min(self._threads, len(costs), int(sum(costs) / _WORTH_S)))


def _sample_all(tasks: Sequence[tuple[TokenSampler, Logits]]) -> list[int | AppError]:
    return [_sample(*task) for task in tasks]


def _sample(sampler: TokenSampler, row: Logits) -> int | AppError:
    began = time.perf_counter()
    try:
        return sampler.sample_row(row)
    except AppError as error:
        return error
    except Exception as error:  # noqa: BLE001 (the edge of a request: the others must not suffer)
        _log.exception("sampling failed")
        return AppError("generation_failed", reason=type(error).__name__)
    finally:
        sampler.cost_s += _WEIGHT * (time.perf_counter() - began - sampler.cost_s)
