"""How soon the window is usable after the command, what it and the backend weigh, and what they cost when idle.

Usable: painted, the list of conversations filled, the composer takes keys; the window's log says so. Needs a display
(or QT_QPA_PLATFORM=offscreen). Prints one JSON object; `--idle` adds 60 seconds of watching.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from app.launch import read_handshake
from app.paths import Paths
from bench.common import percentile, print_result

ROOT = Path(__file__).resolve().parent.parent
IDLE_S = 60.0
PATIENCE_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle", action="store_true", help="also measure the processor time of 60 idle seconds")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        times = [_run(home) for _ in range(arguments.runs)]
        figures = _weigh(home, IDLE_S if arguments.idle else 0.0)
    warm = times[1:] or times
    print_result("window", usable_s=round(percentile(warm, 0.5), 3), worst_s=round(max(warm), 3), **figures)


def _run(home: Path) -> float:
    """Start a window, wait until it is usable, end it; seconds from the command."""
    process, seconds = _start(home)
    _end(process, home)
    return seconds


def _start(home: Path) -> "tuple[subprocess.Popen[bytes], float]":
    log = home / "logs" / "window.log"
    seen = log.read_text().count("usable") if log.exists() else 0
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "app"], cwd=ROOT, env=os.environ | {"ALCOVE_HOME": str(home)})
    while not log.exists() or log.read_text().count("usable") == seen:
        if process.poll() is not None or time.perf_counter() - begun > PATIENCE_S:
            raise SystemExit("the window did not become usable")
        time.sleep(0.002)
    return process, time.perf_counter() - begun


def _end(process: "subprocess.Popen[bytes]", home: Path) -> None:
    """End the window and wait until its backend has gone too."""
    process.terminate()
    process.wait()
    while read_handshake(_paths(home)) is not None:
        time.sleep(0.02)


def _weigh(home: Path, idle_s: float) -> dict[str, float]:
    """Resident memory in MiB of window and backend; with `idle_s`, their share of one core over that time."""
    process, _ = _start(home)
    handshake = read_handshake(_paths(home))
    if handshake is None:
        raise SystemExit("the backend has gone")
    both = [psutil.Process(process.pid), psutil.Process(handshake.pid)]
    time.sleep(2)
    window, backend = (each.memory_info().rss / 1024**2 for each in both)
    figures = {"window_mib": round(window, 1), "backend_mib": round(backend, 1), "both_mib": round(window + backend, 1)}
    if idle_s:
        before = sum(sum(each.cpu_times()[:2]) for each in both)
        time.sleep(idle_s)
        spent = sum(sum(each.cpu_times()[:2]) for each in both) - before
        figures["idle_percent"] = round(100 * spent / idle_s, 2)
    _end(process, home)
    return figures


def _paths(home: Path) -> Paths:
    return Paths(data=home, cache=home / "cache", logs=home / "logs")


if __name__ == "__main__":
    main()
