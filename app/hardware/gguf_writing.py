"""The pieces a GGUF file is written of: texts, typed values, padding. The format is that of `gguf_bytes`."""

import struct
from typing import Any, BinaryIO

from app.hardware.gguf_bytes import ARRAY, NUMBER_CODES, STRING

ALIGNMENT = 32
"""Of the tensors' data, bytes, where the header says nothing else."""


def text(value: str) -> bytes:
    """A text with its length before it."""
    data = value.encode(errors="replace")
    return struct.pack("<Q", len(data)) + data


def field(key: str, kind: int, value: Any) -> bytes:
    """A key with its typed value; that of an array is the items' type and the items."""
    return text(key) + struct.pack("<I", kind) + _value(kind, value)


def pad(file: BinaryIO) -> None:
    """Go on to where the next tensor may begin."""
    file.write(b"\0" * (-file.tell() % ALIGNMENT))


def _value(kind: int, value: Any) -> bytes:
    if kind == STRING:
        return text(value)
    if kind == ARRAY:
        item, items = value
        head = struct.pack("<IQ", item, len(items))
        if item in NUMBER_CODES:
            return head + struct.pack(f"<{len(items)}{NUMBER_CODES[item]}", *items)
        return head + b"".join(_value(item, one) for one in items)
    return struct.pack(f"<{NUMBER_CODES[kind]}", value)
