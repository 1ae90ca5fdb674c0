"""What the benchmarks share: percentiles, and one JSON object on standard output as the result."""

import json
import math
import subprocess
import sys
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least `share` (0 to 1) of them do not exceed. Raises ValueError for none."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def read_line(process: "subprocess.Popen[str]") -> str:
    """The next line a child prints. Raises RuntimeError when it has ended."""
    assert process.stdout is not None
    if not (line := process.stdout.readline()):
        raise RuntimeError(f"a child has ended: {process.args!r}")
    return line


def print_result(name: str, **figures: object) -> None:
    """Print the one JSON object of a benchmark."""
    sys.stdout.write(json.dumps({"bench": name, **figures}, ensure_ascii=False) + "\n")
