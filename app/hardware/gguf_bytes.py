"""Reading the bytes of a GGUF header: numbers, strings and arrays, each within limits, so that no file can do harm.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (little-endian, versions 2 and 3).
"""

import os
import struct
from collections.abc import Callable
from typing import BinaryIO, TypeAlias

Scalar: TypeAlias = int | float | bool | str
MetaValue: TypeAlias = Scalar | tuple[Scalar, ...]

STRING_LIMIT = 16 * 1024**2
"""Bytes of one string; the longest chat templates have some 30 kB."""
KEY_LIMIT = 65_535
KEPT_LIMIT = 16 * 1024**2
"""Bytes of all values kept from one header."""
SHORT_ARRAY = 4096
"""Arrays of numbers up to this length are kept: one value per layer. Longer ones and all texts are skipped."""
ITEMS_LIMIT = 8_000_000
"""Array items of all strings in one header; large vocabularies have 0.6 million."""

_CHUNK = 1024 * 1024
_STRING, _ARRAY = 8, 9
_CODES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_NUMBERS = {number: struct.Struct("<" + code) for number, code in _CODES.items()}
_U32, _U64 = _NUMBERS[4], _NUMBERS[10]


class DamagedError(Exception):
    """The header cannot be what its writer wrote; the text says why."""


class CutOffError(Exception):
    """The file of so many bytes ends within its header."""

    def __init__(self, file_size: int) -> None:
        super().__init__(file_size)
        self.file_size = file_size


class HeaderBytes:
    """A position in a file and the typed values that follow it. Raises DamagedError or CutOffError."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._window = b""
        self._start = 0
        self._at = 0
        self._kept = 0
        self._items = 0
        self.file_size = os.fstat(file.fileno()).st_size

    @property
    def position(self) -> int:
        """Bytes from the start of the file."""
        return self._start + self._at

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        self._need(size)
        taken = self._window[self._at : self._at + size]
        self._at += size
        return taken

    def u32(self) -> int:
        return int(self._number(_U32))

    def u64(self) -> int:
        return int(self._number(_U64))

    def string(self, limit: int = STRING_LIMIT) -> str:
        """A string of at most `limit` bytes; bytes that are no UTF-8 become replacement characters."""
        size = self.u64()
        if size > self.file_size - self.position:
            raise self._cut_off()
        if size > limit:
            raise DamagedError(f"a text of {size} bytes")
        self._keep(size)
        return self.take(size).decode(errors="replace")

    def value(self, type_id: int) -> MetaValue | None:
        """One value of that type; None for an array that was skipped."""
        if type_id == _STRING:
            return self.string()
        if type_id == _ARRAY:
            return self._array()
        number = _NUMBERS.get(type_id)
        if number is None:
            raise DamagedError(f"unknown value type {type_id}")
        self._keep(8)
        return self._number(number)

    def array_length(self) -> tuple[int, int]:
        """Type and count of the array that begins here."""
        return self.u32(), self.u64()

    def skip_array(self, type_id: int, count: int) -> None:
        """Pass over the items of an array without making anything of them."""
        if type_id == _STRING:
            self._skip_strings(count)
        elif type_id in _NUMBERS:
            self._seek(self.position + count * _NUMBERS[type_id].size)
        else:
            raise DamagedError(f"an array of type {type_id}")

    def _array(self) -> MetaValue | None:
        type_id, count = self.array_length()
        number = _NUMBERS.get(type_id)
        if number is None or count > SHORT_ARRAY:
            self.skip_array(type_id, count)
            return None
        self._keep(8 * count)
        return tuple(item for (item,) in number.iter_unpack(self.take(number.size * count)))

    def _skip_strings(self, count: int) -> None:
        """Hop from length to length. This loop runs once per vocabulary entry, hence its plainness."""
        self._items += count
        if self._items > ITEMS_LIMIT:
            raise DamagedError(f"an array of {count} texts")
        unpack: Callable[[bytes, int], tuple[int]] = _U64.unpack_from
        while count:
            self._need(8)
            window, at = self._window, self._at
            last = len(window) - 8
            while count and at <= last:
                at += unpack(window, at)[0] + 8
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
        return CutOffError(self.file_size)

    def _seek(self, position: int) -> None:
        if position > self.file_size:
            raise self._cut_off()
        self._at = position - self._start

    def _need(self, size: int) -> None:
        """Have `size` bytes from the position on in the window."""
        if self._at + size <= len(self._window):
            return
        position = self.position
        if position + size > self.file_size:
            raise self._cut_off()
        self._file.seek(position)
        self._window = self._file.read(max(size, _CHUNK))
        self._start, self._at = position, 0
        if len(self._window) < size:
            raise self._cut_off()
