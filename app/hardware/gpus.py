"""What makers say of their GPUs, for what no interface tells: resources/gpus.json, found by name and memory."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

import msgspec

from app.paths import RESOURCES
from app.protocol import Wire

GIB = 1024**3


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_BRANDS = _set(
    "nvidia geforce amd radeon intel apple qualcomm gpu graphics tesla quadro jetson instinct tm r with w design"
    " generation edition workstation server blackwell dgx"
)
"""Words that names have or lack without meaning another card."""
_SERIES = _set("rtx gtx rx arc")
"""Words people leave out: "4070 Ti", "A770"."""
_RIVAL_SERIES = _set("rtx gtx rx gt mx")
_QUALIFIERS = _set("ti super xt xtx gre d m s g max q pro ultra laptop ada sff nvl pcie sxm le")
"""Words that mean another card than the same name without them."""
_SYNONYMS = {"mobile": "laptop", "notebook": "laptop"}
_COMPUTERS = re.compile(r"\b(?:macbook (?:pro|air)|mac (?:pro|mini|studio)|imac)\b")
_PLAUSIBLE = 0.25
"""How far a card's memory may be from the maker's figure to count as that version of the card."""


class _Entry(Wire, frozen=True):
    names: tuple[str, ...]
    memory: tuple[int, ...] = ()
    bandwidth: float | None = None
    fp16: float | None = None
    cores: int | None = None


class _Group(Wire, frozen=True):
    vendor: str
    architecture: str
    kind: Literal["discrete", "integrated", "unified"]
    source: str
    gpus: tuple[_Entry, ...]


class _Table(Wire, frozen=True):
    version: int
    units: dict[str, str]
    groups: tuple[_Group, ...]


@dataclass(frozen=True)
class KnownGpu:
    """A GPU as its maker describes it: memory in bytes, bandwidth in bytes a second, compute as in `Device`."""

    name: str
    vendor: str
    architecture: str
    kind: Literal["discrete", "integrated", "unified"]
    memory: int | None
    """None where it is the machine's, or no version of the card has as much as was said."""
    bandwidth: float | None
    compute: float | None
    cores: int | None = None
    """GPU cores, for Apple's chips."""


def known_gpu(name: str, memory: int | None = None, cores: int | None = None) -> KnownGpu | None:
    """The GPU of that name, as drivers or people write it; None where no entry is certain to mean it.

    `memory` (bytes) and `cores` choose among its versions and may also stand in the name, "RTX 3060 12GB". Without
    them it is the version that is listed first.
    """
    words = _Words.of(name)
    memory = memory or words.memory
    cores = cores or words.cores
    found = [(len(tokens), group, entry) for tokens, group, entry in _patterns() if words.mean(tokens)]
    if not found:
        return None
    longest = max(length for length, _, _ in found)
    versions = [(group, entry) for length, group, entry in found if length == longest]
    if cores is not None:
        versions = [pair for pair in versions if pair[1].cores in (None, cores)] or versions
    group, entry = min(versions, key=lambda pair: _distance(pair[1], memory))
    return KnownGpu(
        name=entry.names[0],
        vendor=group.vendor,
        architecture=group.architecture,
        kind=group.kind,
        memory=_memory(group, entry, memory),
        bandwidth=None if entry.bandwidth is None else entry.bandwidth * 1e9,
        compute=None if entry.fp16 is None else entry.fp16 * 1e12,
        cores=entry.cores,
    )


def known_gpus() -> Iterator[KnownGpu]:
    """Every GPU in the table, each of its names and versions once."""
    for group in _table().groups:
        for entry in group.gpus:
            for name in entry.names:
                for size in entry.memory or (None,):
                    found = known_gpu(name, size and size * GIB, entry.cores)
                    if found is not None:
                        yield found


@dataclass(frozen=True)
class _Words:
    """A name taken apart; what it says about memory and cores is set aside."""

    tokens: tuple[str, ...]
    memory: int | None
    cores: int | None

    @classmethod
    def of(cls, name: str) -> "_Words":
        text = re.sub(r"\((?:r|tm|c)\)", " ", name.casefold())
        cores = re.search(r"(\d+)[- ]?core(?:s)?(?: gpu)?", text)
        text = re.sub(_COMPUTERS, " ", text)
        size = re.search(r"(?<![\da-z.])(\d+) ?g(?:i?b)?\b", text)
        for part in (cores, size):
            text = text.replace(part[0], " ") if part else text
        text = re.sub(r"\([^)]*\)", " ", text).rpartition(" w/ ")[2]
        found = (_SYNONYMS.get(token, token) for token in re.findall(r"[a-z]+|\d+", text))
        return cls(
            tokens=tuple(token for token in found if token not in _BRANDS),
            memory=int(size[1]) * GIB if size else None,
            cores=int(cores[1]) if cores else None,
        )

    def mean(self, pattern: tuple[str, ...]) -> bool:
        """Whether the name has the pattern's words in their order, and no other that would make it another card."""
        rest = list(self.tokens)
        position = 0
        for token in pattern:
            if token in rest[position:]:
                position = rest.index(token, position)
                del rest[position]
            elif token not in _SERIES or not _unmistakable(pattern):
                return False
        return not any(_distinguishes(token) for token in rest)


def _distinguishes(token: str) -> bool:
    return token in _QUALIFIERS or token in _RIVAL_SERIES or (token.isdigit() and len(token) >= 3)


def _unmistakable(pattern: tuple[str, ...]) -> bool:
    """Whether the pattern means a card without its series: a number of four digits, or a letter before the number."""
    return any(token.isdigit() and len(token) >= 4 for token in pattern) or len(pattern) >= 3


def _distance(entry: _Entry, memory: int | None) -> float:
    if memory is None or not entry.memory:
        return 0.0
    return min(abs(size * GIB - memory) / memory for size in entry.memory)


def _memory(group: _Group, entry: _Entry, memory: int | None) -> int | None:
    if not entry.memory or (memory is None and group.kind == "unified" and len(entry.memory) > 1):
        return None
    if memory is None:
        return entry.memory[0] * GIB
    nearest = min(entry.memory, key=lambda size: abs(size * GIB - memory)) * GIB
    return nearest if abs(nearest - memory) <= _PLAUSIBLE * nearest else None


@cache
def _table() -> _Table:
    return msgspec.json.decode((RESOURCES / "gpus.json").read_bytes(), type=_Table)


@cache
def _patterns() -> tuple[tuple[tuple[str, ...], _Group, _Entry], ...]:
    return tuple(
        (_Words.of(name).tokens, group, entry)
        for group in _table().groups
        for entry in group.gpus
        for name in entry.names
    )
