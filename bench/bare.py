"""The yardstick: llama.cpp's own decode and sampler in a loop, with nothing round it, in a process of its own.

The child reads one `Task` a line on standard input and answers each with one `Measured`; the parent's end is `Bare`.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Self

import numpy as np

from app.backends.llama.binding import capture_log, llama, set_fields
from app.backends.llama.cores import default_threads
from app.backends.llama.process import worker_environment
from app.backends.llama.threads import ThreadGovernor
from bench.common import read_line

ROOT = Path(__file__).resolve().parent.parent
CONTEXT = 8192
BATCH = 512
_CACHED_PROMPT = 64


@dataclass(frozen=True)
class Task:
    """Decode for that long with that many sequences. `threads` 0: as the governor says, with at most `most`."""

    seconds: float = 5.0
    streams: int = 1
    threads: int = 0
    most: int = 0
    """0: as many as suit the machine."""
    greedy: bool = True
    prompt: int = _CACHED_PROMPT
    """Tokens of each sequence's prompt."""


@dataclass(frozen=True)
class Measured:
    """What a task came to: tokens a second of all sequences together, and times of steps in milliseconds."""

    rate: float
    step_ms: float
    worst_step_ms: float
    threads: float
    """Mean over the steps."""
    prefill_s: float
    """Of the first sequence's prompt."""


class Loop:
    """A model with a context, decoding random prompts further."""

    def __init__(self, path: str, streams: int) -> None:
        capture_log(lambda _level, _text: None)
        llama.llama_backend_init()
        self._model = llama.llama_model_load_from_file(os.fsencode(path), llama.llama_model_default_params())
        params = llama.llama_context_default_params()
        set_fields(params, n_ctx=CONTEXT, n_batch=BATCH, n_ubatch=BATCH, n_seq_max=streams, kv_unified=True)
        set_fields(params, no_perf=True, n_outputs_max=streams, flash_attn_type=llama.LLAMA_FLASH_ATTN_TYPE_AUTO)
        self._context = llama.llama_init_from_model(self._model, params)
        if self._context is None:
            raise RuntimeError("no context")
        self._memory = llama.llama_get_memory(self._context)
        self._vocabulary = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(self._model))
        self._batch = llama.llama_batch_init(BATCH, 0, 1)
        array = np.ctypeslib.as_array
        self._tokens = array(self._batch.token, (BATCH,))
        self._positions = array(self._batch.pos, (BATCH,))
        self._sequences = [array(self._batch.seq_id[row], (1,)) for row in range(BATCH)]
        self._outputs = array(self._batch.logits, (BATCH,))
        array(self._batch.n_seq_id, (BATCH,))[:] = 1

    def run(self, task: Task) -> Measured:
        """Prefill every sequence, then decode all of them together until the time is over."""
        governor = ThreadGovernor(task.threads or task.most or default_threads(), adaptive=task.threads == 0)
        llama.llama_memory_clear(self._memory, True)
        prefill_s = [self._prefill(sequence, task.prompt, governor) for sequence in range(task.streams)]
        samplers = [_sampler(task.greedy) for _ in range(task.streams)]
        last = [llama.llama_sampler_sample(samplers[0], self._context, -1)] * task.streams
        times: list[float] = []
        used: list[int] = []
        begun = now = time.perf_counter()
        while now - begun < task.seconds and (task.prompt + len(times) + 1) * task.streams < CONTEXT:
            used.append(self._step(last, task.prompt + len(times), governor))
            last = [llama.llama_sampler_sample(sampler, self._context, row) for row, sampler in enumerate(samplers)]
            times.append(time.perf_counter() - now)
            now += times[-1]
        for sampler in samplers:
            llama.llama_sampler_free(sampler)
        return Measured(
            rate=round(len(times) * task.streams / (now - begun), 2),
            step_ms=round(median(times) * 1000, 2),
            worst_step_ms=round(max(times) * 1000, 1),
            threads=round(sum(used) / len(used), 2),
            prefill_s=round(prefill_s[0], 3),
        )

    def _prefill(self, sequence: int, length: int, governor: ThreadGovernor) -> float:
        begun = time.perf_counter()
        prompt = np.random.default_rng(sequence).integers(0, self._vocabulary, length)
        for first in range(0, length, BATCH):
            count = min(BATCH, length - first)
            self._tokens[:count] = prompt[first : first + count]
            self._positions[:count] = np.arange(first, first + count)
            for row in range(count):
                self._sequences[row][0] = sequence
            self._outputs[:count] = 0
            self._outputs[count - 1] = first + count == length
            self._decode(count, governor)
        return time.perf_counter() - begun

    def _step(self, tokens: list[int], position: int, governor: ThreadGovernor) -> int:
        count = len(tokens)
        self._tokens[:count] = tokens
        self._positions[:count] = position
        for row in range(count):
            self._sequences[row][0] = row
        self._outputs[:count] = 1
        return self._decode(count, governor)

    def _decode(self, count: int, governor: ThreadGovernor) -> int:
        threads = governor.threads_for(count)
        llama.llama_set_n_threads(self._context, threads, threads)
        self._batch.n_tokens = count
        begun = time.perf_counter()
        code = llama.llama_decode(self._context, self._batch)
        governor.observe(count, time.perf_counter() - begun)
        if code != 0:
            raise RuntimeError(f"llama_decode returned {code}")
        return threads


def _sampler(greedy: bool) -> Any:
    """A chain of llama.cpp's samplers: the likeliest token, or what a chat takes."""
    chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
    if greedy:
        stages = [llama.llama_sampler_init_greedy()]
    else:
        stages = [
            llama.llama_sampler_init_top_k(40),
            llama.llama_sampler_init_top_p(0.95, 1),
            llama.llama_sampler_init_min_p(0.05, 1),
            llama.llama_sampler_init_temp(0.8),
            llama.llama_sampler_init_dist(1),
        ]
    for stage in stages:
        llama.llama_sampler_chain_add(chain, stage)
    return chain


class Bare:
    """The parent's end of a child that decodes; `environment` is added to a worker's own."""

    def __init__(self, model: str, streams: int = 1, environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.bare", model, "--streams", str(streams)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=worker_environment(dict(os.environ) | dict(environment or {})),
            cwd=ROOT,
            text=True,
        )
        read_line(self._process)

    def run(self, task: Task) -> Measured:
        self.begin(task)
        return self.result()

    def begin(self, task: Task) -> None:
        """Let it work; `result` waits for the end."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(task)) + "\n")
        self._process.stdin.flush()

    def result(self) -> Measured:
        return Measured(**json.loads(read_line(self._process)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--streams", type=int, default=1, help="the most sequences of any task")
    options = parser.parse_args()
    loop = Loop(options.model, options.streams)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(asdict(loop.run(Task(**json.loads(line))))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
