"""A picture's file before anybody decodes it: its kind and its size in pixels, and whether it may be looked at.

The decoder behind llama.cpp's projectors takes any size, and bytes it does not know it hands to other programs.
"""

import struct
from dataclasses import dataclass
from math import prod

from app.errors import AppError

MOST_BYTES = 32 * 1024 * 1024
MOST_PIXELS = 64_000_000
"""Decoded a pixel takes three bytes, and some more while it is made smaller."""
MOST_NARROW = 200
"""The longer side in times of the shorter."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_GIF = (b"GIF87a", b"GIF89a")
_BMP = b"BM"
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a JPEG's frame header (SOF0 …), which has the size."""
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length."""


@dataclass(frozen=True)
class PictureSize:
    """In pixels."""

    width: int
    height: int


def check_picture(data: bytes) -> PictureSize:
    """The size the file says it has. Raises AppError: "picture_too_large" or "picture_unreadable"."""
    if len(data) > MOST_BYTES:
        raise AppError("picture_too_large", reason="picture_bytes", size_bytes=len(data), limit_bytes=MOST_BYTES)
    try:
        size = _read_size(data)
    except (struct.error, IndexError):
        size = None
    if size is None or size.width <= 0 or size.height <= 0:
        raise AppError("picture_unreadable", reason="picture_damaged")
    _check_size(size)
    return size


def _check_size(size: PictureSize) -> None:
    width, height = size.width, size.height
    if prod((width, height)) > MOST_PIXELS:
        raise AppError(
            "picture_too_large", reason="picture_pixels", width=width, height=height, limit_pixels=MOST_PIXELS
        )
    if max(width, height) > MOST_NARROW * min(width, height):
        raise AppError("picture_unreadable", reason="picture_too_narrow", width=width, height=height)


def _read_size(data: bytes) -> PictureSize | None:
    """None where a file of a known kind does not say; raises struct.error where it is too short."""
    if data.startswith(_PNG):
        return PictureSize(*struct.unpack_from(">II", data, 16)) if data[12:16] == b"IHDR" else None
    if data.startswith(_GIF):
        return PictureSize(*struct.unpack_from("<HH", data, 6))
    if data.startswith(_JPEG):
        return _jpeg_size(data)
    if data.startswith(_BMP):
        return _bmp_size(data)
    raise AppError("picture_unreadable", reason="picture_format")


def _bmp_size(data: bytes) -> PictureSize:
    if struct.unpack_from("<I", data, 14)[0] == 12:
        return PictureSize(*struct.unpack_from("<HH", data, 18))
    width, height = struct.unpack_from("<ii", data, 18)
    return PictureSize(width, abs(height))  # below zero: the rows stand from top to bottom


def _jpeg_size(data: bytes) -> PictureSize | None:
    """Walks from segment to segment to the frame header. Raises IndexError or struct.error at the file's end."""
    at = 2
    while data[at] == 0xFF:
        while data[at] == 0xFF:  # a marker may have any number of these before it
            at += 1
        marker, at = data[at], at + 1
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", data, at + 3)
            return PictureSize(width, height)
        if marker not in _JPEG_ALONE:
            at += struct.unpack_from(">H", data, at)[0]
    return None
