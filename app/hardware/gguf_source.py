"""Where the bytes of a GGUF header come from: a file here, a prefix in memory, or a server asked for ranges."""

import os
from typing import BinaryIO, Protocol


class ByteSource(Protocol):
    """Bytes that can be read from any position on. A header is read from the front, in growing steps."""

    @property
    def size(self) -> int | None:
        """Bytes in all; None where that is not known."""
        ...

    def read(self, start: int, size: int) -> bytes:
        """Up to `size` bytes from `start` on; fewer only where the source ends. May raise OSError or AppError."""
        ...


class FileSource:
    """A file that is open."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size

    @property
    def size(self) -> int | None:
        return self._size

    def read(self, start: int, size: int) -> bytes:
        self._file.seek(start)
        return self._file.read(min(size, max(self._size - start, 0)))


class PrefixSource:
    """The first bytes of a file that is `size` bytes long in all."""

    def __init__(self, prefix: bytes, size: int | None = None) -> None:
        self._prefix = prefix
        self._size = size

    @property
    def size(self) -> int | None:
        return self._size

    def read(self, start: int, size: int) -> bytes:
        return self._prefix[start : start + size]
