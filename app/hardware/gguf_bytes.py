"""Reading the bytes of a GGUF header: numbers, strings and arrays, each within limits, so that no file can do harm.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 1 to 3, both byte orders).
"""

import struct
from collections.abc import Callable
from typing import TypeAlias

from app.hardware.gguf_source import ByteSource

Scalar: TypeAlias = int | float | bool | str
MetaValue: TypeAlias = Scalar | tuple[Scalar, ...]

STRING, ARRAY = 8, 9
"""Types of values that are no numbers."""
STRING_LIMIT = 4 * 1024**2
"""Bytes of one string; the longest chat templates have some 30 kB."""
KEY_LIMIT = 65_535
KEPT_LIMIT = 6 * 1024**2
"""Bytes of all values kept from one header: as text they may take four times as much."""
SHORT_ARRAY = 4096
"""Arrays of numbers up to this length are kept: one value per layer. Longer ones and all texts are skipped."""
ITEMS_LIMIT = 8_000_000
"""Array items of all strings in one header; large vocabularies have 0.6 million."""
FIRST_STEP, LARGEST_STEP = 128 * 1024, 4 * 1024**2
"""Bytes asked for at first, and at most at once; each step is twice the one before."""

_ITEM = 32
"""Bytes a number takes once it is kept."""
_CODES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
NUMBER_CODES = _CODES
"""The struct code of each type of number."""
_ORDERS = {order: {number: struct.Struct(order + code) for number, code in _CODES.items()} for order in "<>"}
_U32, _U64 = 4, 10


class DamagedError(Exception):
    """The header cannot be what its writer wrote; the text says why."""


class CutOffError(Exception):
    """The source ends, after so many bytes, within the header."""

    def __init__(self, found: int) -> None:
        super().__init__(found)
        self.found = found


class HeaderBytes:
    """A position in a source and the typed values that follow it. Raises DamagedError or CutOffError."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._window = b""
        self._start = 0
        self._at = 0
        self._kept = 0
        self._items = 0
        self._step = FIRST_STEP
        self._numbers = _ORDERS["<"]
        self._length = self._numbers[_U64]
        self.fetched = 0
        """Bytes read so far."""

    @property
    def position(self) -> int:
        """Bytes from the start of the source."""
        return self._start + self._at

    @property
    def size(self) -> int | None:
        return self._source.size

    def set_format(self, *, big_endian: bool, short_lengths: bool) -> None:
        """How numbers are written; in version 1 lengths have 32 bits."""
        self._numbers = _ORDERS[">" if big_endian else "<"]
        self._length = self._numbers[_U32 if short_lengths else _U64]

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        self._need(size)
        taken = self._window[self._at : self._at + size]
        self._at += size
        return taken

    def u32(self) -> int:
        return int(self._number(self._numbers[_U32]))

    def u64(self) -> int:
        return int(self._number(self._numbers[_U64]))

    def length(self) -> int:
        """How much of something follows."""
        return int(self._number(self._length))

    def string(self, limit: int = STRING_LIMIT) -> str:
        """A string of at most `limit` bytes; bytes that are no UTF-8 become replacement characters."""
        size = self.length()
        if self.size is not None and size > self.size - self.position:
            raise self._cut_off()
        if size > limit:
            raise DamagedError(f"a text of {size} bytes")
        self._keep(size)
        return self.take(size).decode(errors="replace")

    def value(self, type_id: int) -> tuple[MetaValue | None, tuple[int, ...]]:
        """One value of that type, None for an array that was skipped; and its type with that of its items."""
        if type_id == STRING:
            return self.string(), (STRING,)
        if type_id == ARRAY:
            return self._array()
        number = self._numbers.get(type_id)
        if number is None:
            raise DamagedError(f"unknown value type {type_id}")
        self._keep(_ITEM)
        return self._number(number), (type_id,)

    def array_length(self) -> tuple[int, int]:
        """Type and count of the array that begins here."""
        return self.u32(), self.length()

    def skip_array(self, type_id: int, count: int) -> None:
        """Pass over the items of an array without making anything of them."""
        if type_id == STRING:
            self._skip_strings(count)
        elif type_id in self._numbers:
            self._seek(self.position + count * self._numbers[type_id].size)
        else:
            raise DamagedError(f"an array of type {type_id}")

    def _array(self) -> tuple[MetaValue | None, tuple[int, ...]]:
        type_id, count = self.array_length()
        number = self._numbers.get(type_id)
        if number is None or count > SHORT_ARRAY:
            self.skip_array(type_id, count)
            return None, (ARRAY, type_id)
        self._keep(_ITEM * count)
        return tuple(item for (item,) in number.iter_unpack(self.take(number.size * count))), (ARRAY, type_id)

    def _skip_strings(self, count: int) -> None:
        """Hop from length to length. This loop runs once per vocabulary entry, hence its plainness."""
        self._items += count
        if self._items > ITEMS_LIMIT:
            raise DamagedError(f"an array of {count} texts")
        unpack: Callable[[bytes, int], tuple[int]] = self._length.unpack_from
        width = self._length.size
        while count:
            self._need(width)
            window, at = self._window, self._at
            last = len(window) - width
            while count and at <= last:
                at += unpack(window, at)[0] + width
                count -= 1
            self._seek(self._start + at)

    def _number(self, number: struct.Struct) -> int | float | bool:
        value: int | float | bool = number.unpack(self.take(number.size))[0]
        return value

    def _keep(self, size: int) -> None:
        self._kept += size
        if self._kept > KEPT_LIMIT:
            raise DamagedError("more metadata than any model has")

    def _cut_off(self) -> CutOffError:
        found = self._start + len(self._window)
        return CutOffError(found if self.size is None else self.size)

    def _seek(self, position: int) -> None:
        if self.size is not None and position > self.size:
            raise self._cut_off()
        self._at = position - self._start

    def _need(self, size: int) -> None:
        """Have `size` bytes from the position on in the window."""
        if self._at + size <= len(self._window):
            return
        position = self.position
        if self.size is not None and position + size > self.size:
            raise self._cut_off()
        kept = self._window[self._at :] if self._at < len(self._window) else b""
        step = max(size - len(kept), self._step)
        self._step = min(self._step * 2, LARGEST_STEP)
        found = self._source.read(position + len(kept), step)
        self.fetched += len(found)
        self._window, self._start, self._at = kept + found, position, 0
        if len(self._window) < size:
            raise self._cut_off()
