"""llama-cpp-python's own high-level streaming, in a process of its own, as somebody would use it who reads its page."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.common import read_line

ROOT = Path(__file__).resolve().parent.parent
CONTEXT = 8192
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class HighLevel:
    """The parent's end of a child that answers with `llama_cpp.Llama`."""

    def __init__(self, model: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.high_level", model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        read_line(self._process)

    def run(self, prompt: str, seconds: float) -> float:
        """Tokens a second while it answers that prompt for so long."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"prompt": prompt, "seconds": seconds}) + "\n")
        self._process.stdin.flush()
        return float(read_line(self._process))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()


def _stream(llama: Any, prompt: str, seconds: float) -> float:
    first, count, now = 0.0, 0, 0.0
    for _ in llama.create_completion(prompt, max_tokens=None, temperature=0.0, repeat_penalty=1.0, stream=True):
        now = time.perf_counter()
        first = first or now
        count += 1
        if now - first > seconds:
            break
    return (count - 1) / (now - first)


def main() -> None:
    import llama_cpp  # noqa: PLC0415 (the whole package, which nothing else here wants)

    llama = llama_cpp.Llama(sys.argv[1], n_ctx=CONTEXT, n_threads=THREADS, verbose=False)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(f"{_stream(llama, **json.loads(line))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
