"""Real files of small pictures."""

import hashlib
import struct
import zlib
from dataclasses import dataclass
from functools import cached_property

from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QColor, QImage


@dataclass(frozen=True)
class Picture:
    data: bytes

    @cached_property
    def key(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def picture(color: str = "red", width: int = 80, height: int = 60, kind: str = "PNG") -> Picture:
    """One colour, with another one in its upper left quarter."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor(color))
    for x in range(width // 2):
        for y in range(height // 2):
            image.setPixelColor(x, y, QColor("white"))
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    assert image.save(buffer, kind)  # type: ignore[call-overload]
    return Picture(bytes(data.data()))


def png_that_says(width: int, height: int) -> bytes:
    """A PNG whose header names that size, with next to nothing behind it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + _chunk(b"IEND", b"")
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


GIF = Picture(
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\x00\x00\xff\xff\xff!\xf9\x04\x00\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""One red pixel."""
