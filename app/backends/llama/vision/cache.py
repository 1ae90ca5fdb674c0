"""Keeps what was used last, up to a number of bytes."""

import threading
from collections import OrderedDict
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    @property
    def size(self) -> int:
        """In bytes."""


KeptT = TypeVar("KeptT", bound=Sized)


class RecentlyUsed(Generic[KeptT]):
    """Least recently used things are dropped first; one larger than the limit is not kept. Any thread may use it."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._kept: OrderedDict[str, KeptT] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size(self) -> int:
        """Bytes of all that is kept."""
        with self._lock:
            return self._sum()

    def get(self, key: str) -> KeptT | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def add(self, key: str, thing: KeptT) -> None:
        with self._lock:
            self._kept[key] = thing
            self._kept.move_to_end(key)
            while self._sum() > self._limit:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()

    def _sum(self) -> int:
        return sum(thing.size for thing in self._kept.values())
