"""What machine a benchmark ran on: the part of its result that figures mean nothing without."""

import os
import platform
from pathlib import Path

import psutil

from app.backends.llama.cores import performance_cores


def describe_machine() -> dict[str, object]:
    """Processor, cores, memory, system, and how busy it was when asked."""
    return {
        "processor": _processor(),
        "cores": performance_cores(),
        "logical_processors": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_average": [round(load, 2) for load in psutil.getloadavg()],
    }


def _processor() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
