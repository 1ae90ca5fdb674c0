"""How many threads suit this machine: one for each physical performance core this process may use.

A second thread on a core, or one on an efficiency core, is what all others would wait for. With more than four cores
one is left for the window and whatever else runs: decoding is limited by memory there, and hardly notices.
"""

import math
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil

_SYSTEM = Path("/sys")
_LEAVES_ONE_FROM = 5
"""Cores from which on one is left free."""
_PERFORMANCE = 0.8
"""Of the strongest core's capacity: cores below are efficiency cores."""


def default_threads() -> int:
    """Threads for a model that runs on this machine's processor; at least 1."""
    cores = performance_cores()
    return cores - 1 if cores >= _LEAVES_ONE_FROM else cores


def performance_cores() -> int:
    """Physical performance cores this process may use, no more than its share of processor time; at least 1."""
    allowed = allowed_processors()
    if sys.platform == "linux":
        cores = min(linux_cores(allowed, _SYSTEM) or _counted(allowed), time_quota(_SYSTEM) or len(allowed))
    elif sys.platform == "darwin":
        cores = _mac_cores() or _counted(allowed)
    else:
        cores = _counted(allowed)
    return max(1, cores)


def allowed_processors() -> frozenset[int]:
    """Numbers of the logical processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def linux_cores(processors: Iterable[int], system: Path) -> int | None:
    """Physical performance cores among these logical processors; None where the kernel does not tell."""
    efficient = _listed(_read(system / "devices/cpu_atom/cpus"))
    siblings: dict[str, int] = {}
    for processor in processors:
        folder = system / f"devices/system/cpu/cpu{processor}"
        core = _read(folder / "topology/core_cpus_list") or _read(folder / "topology/thread_siblings_list")
        if not core:
            return None
        if processor not in efficient:
            siblings[core] = int(_read(folder / "cpu_capacity") or 0)
    strongest = max(siblings.values(), default=0)
    return sum(capacity >= _PERFORMANCE * strongest for capacity in siblings.values()) or None


def time_quota(system: Path) -> int | None:
    """Processors whose whole time this process's control group may use, rounded up; None without a limit."""
    allowed, _, period = _read(system / "fs/cgroup/cpu.max").partition(" ")
    if not allowed.isdigit() or not period.isdigit() or int(period) == 0:
        return None
    return max(1, math.ceil(int(allowed) / int(period)))


def _counted(allowed: frozenset[int]) -> int:
    return min(psutil.cpu_count(logical=False) or len(allowed), len(allowed))


def _mac_cores() -> int | None:
    """Cores of the fastest kind; None on machines with one kind only."""
    command = ["/usr/sbin/sysctl", "-n", "hw.perflevel0.physicalcpu"]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
    return int(answer) if answer.isdigit() else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _listed(text: str) -> frozenset[int]:
    """The kernel's lists of processors: "0-3,8"."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)
