"""The engine's figures, one JSON object: `python -m bench.engine [--only NAME …] [--llama-server PATH] [--requests N]`.

Everything goes through real workers. What is compared is measured in turns, round by round, so that a machine that
changes its speed changes it for all; figures are medians of the rounds. `--shape` writes a model of a real model's
shape with random weights, `--model` takes a file of yours.
"""

import argparse
import asyncio
import inspect
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from app.paths import STARTER_MODEL, Paths
from bench import engine_output, engine_prompts, engine_streams, engine_work
from bench.common import print_result
from bench.machine import describe_machine
from bench.model_file import SHAPES, model_file
from bench.workers import Bench

Figure: TypeAlias = Callable[[Bench], Awaitable[dict[str, object]]]

FIGURES: dict[str, Figure] = {
    "start": engine_work.start,
    "one_stream": engine_streams.one_stream,
    "streams": engine_streams.streams,
    "llama_server": engine_streams.beside_llama_server,
    "second_turn": engine_prompts.second_turn,
    "prefill_share": engine_prompts.prefill_share,
    "speculation": engine_output.speculation,
    "constrained": engine_output.constrained,
    "python_time": engine_work.python_time,
    "requests": engine_work.many_requests,
}


async def measure(options: argparse.Namespace, model: str) -> dict[str, object]:
    """The figures asked for, by name."""
    results: dict[str, object] = {}
    for name in options.only or FIGURES:
        with tempfile.TemporaryDirectory() as scratch:
            bench = Bench(
                model=model,
                starter=str(STARTER_MODEL),
                scratch=scratch,
                rounds=options.rounds,
                seconds=options.seconds,
                requests=options.requests,
                llama_server=options.llama_server,
            )
            results[name] = await FIGURES[name](bench)
        sys.stderr.write(f"{name}: {results[name]}\n")
    return results


def main() -> None:
    figures = "\n".join(f"  {name:14} {inspect.getdoc(figure)}" for name, figure in FIGURES.items())
    parser = argparse.ArgumentParser(
        description=f"{__doc__}\nfigures:\n{figures}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=sorted(FIGURES), metavar="NAME", help="measure these figures")
    parser.add_argument("--model", help="a GGUF of yours in place of random weights")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="0.5b")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--llama-server", metavar="PATH", help="a llama-server of the same llama.cpp (bench/README.md)")
    options = parser.parse_args()
    model = options.model or str(model_file(SHAPES[options.shape], Paths.current().cache / "bench"))
    machine = describe_machine()
    with tempfile.TemporaryDirectory() as home:
        os.environ["ALCOVE_HOME"] = home
        results = asyncio.run(measure(options, model))
    print_result("engine", machine=machine, model=os.path.basename(model), rounds=options.rounds, figures=results)


if __name__ == "__main__":
    main()
