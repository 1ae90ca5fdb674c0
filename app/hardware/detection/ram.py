"""The machine's memory and what a process here may still take of it."""

from pathlib import Path

from app.hardware.detection.answers import Answers
from app.hardware.detection.files import fields, text
from app.hardware.limits import memory_limits

_KIB = 1024


def memory(answers: Answers, root: Path) -> tuple[int | None, int | None]:
    """Total and available bytes: the kernel's figures, lowered by the limits of containers and of the process."""
    total, available = _system_memory(answers, root)
    for limit in memory_limits(root):
        total = limit.total if total is None else min(total, limit.total)
        available = limit.available if available is None else min(available, limit.available)
    return total, available


def system_memory(root: Path) -> tuple[int | None, int | None]:
    """Total and available bytes as Linux counts them; kernels before 3.14 do not say what is available."""
    told = fields(text(root / "proc/meminfo"))
    total, available = _kib(told.get("memtotal")), _kib(told.get("memavailable"))
    if available is None and total is not None:
        parts = [_kib(told.get(name)) or 0 for name in ("memfree", "buffers", "cached")]
        available = sum(parts) or None
    return total, available


def _system_memory(answers: Answers, root: Path) -> tuple[int | None, int | None]:
    if answers.platform != "linux":
        return answers.memory_total, answers.memory_available
    total, available = system_memory(root)
    return total or answers.memory_total, available or answers.memory_available


def _kib(words: str | None) -> int | None:
    digits = (words or "").partition(" ")[0]
    return int(digits) * _KIB if digits.isdigit() else None
