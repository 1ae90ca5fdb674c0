"""The memory limits of this process: Linux control groups, version 1 and 2, nested, and the limit of its own.

Sources: https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/memory.html.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NO_LIMIT = 2**63 - 4096
"""Version 1 writes this or more (2^63 rounded down to pages) where there is no limit."""


@dataclass(frozen=True)
class MemoryLimit:
    """What one control group allows, in bytes. File cache that can be dropped at once counts as available."""

    total: int
    available: int


def memory_limits(root: Path = Path("/")) -> list[MemoryLimit]:
    """The limits of all groups this process is in, innermost first, and its own; [] where there are none.

    `root` is for tests.
    """
    try:
        membership = (root / "proc/self/cgroup").read_text()
    except OSError:
        membership = ""
    limits: list[MemoryLimit] = []
    for line in membership.splitlines():
        number, _, membership_of = line.partition(":")
        controllers, colon, path = membership_of.partition(":")
        if not number or not colon:
            continue
        if not controllers:
            limits += _walk(root / "sys/fs/cgroup", path, _limit_v2)
        elif "memory" in controllers.split(","):
            limits += _walk(root / "sys/fs/cgroup/memory", path, _limit_v1)
    return limits + _address_space(root)


def _address_space(root: Path) -> list[MemoryLimit]:
    """What `ulimit -v` allows each process: a worker begins anew and may take all of it (getrlimit(2), RLIMIT_AS)."""
    for line in _lines(root / "proc/self/limits"):
        if line.startswith("Max address space"):
            soft = line.removeprefix("Max address space").split()[0]
            return [MemoryLimit(int(soft), int(soft))] if soft.isdigit() and int(soft) < _NO_LIMIT else []
    return []


def _walk(mount: Path, path: str, read: "_Reader") -> Iterator[MemoryLimit]:
    """The limits from the group itself up to the mount; a container sees its own group as the mount."""
    inner = [part for part in path.split("/") if part not in ("", "..", ".")]
    for depth in range(len(inner), -1, -1):
        limit = read(mount.joinpath(*inner[:depth]))
        if limit is not None:
            yield limit


class _Reader:
    """Reads the limit of one group's folder, under the file names of its version."""

    def __init__(self, limits: tuple[str, ...], usage: str, droppable: tuple[str, ...]) -> None:
        self._limits = limits
        self._usage = usage
        self._droppable = droppable

    def __call__(self, folder: Path) -> MemoryLimit | None:
        values = [_number(folder / name) for name in self._limits]
        total = min((value for value in values if value is not None and value < _NO_LIMIT), default=None)
        if total is None:
            return None
        used = _number(folder / self._usage)
        if used is None:
            return MemoryLimit(total, total)
        return MemoryLimit(total, max(total - max(used - self._stat(folder), 0), 0))

    def _stat(self, folder: Path) -> int:
        """Bytes of files, used lately or not, that can be dropped and read again: what MemAvailable counts as well."""
        found = (line.partition(" ") for line in _lines(folder / "memory.stat"))
        return sum(int(value) for name, _, value in found if name in self._droppable and value.isdigit())


_limit_v2 = _Reader(("memory.max", "memory.high"), "memory.current", ("inactive_file", "active_file"))
_limit_v1 = _Reader(("memory.limit_in_bytes",), "memory.usage_in_bytes", ("total_inactive_file", "total_active_file"))


def _number(path: Path) -> int | None:
    text = "".join(_lines(path))
    return int(text) if text.isdigit() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
