"""A GGUF file that is a header and nothing else: with it llama.cpp reckons what the model would take.

The vocabulary is left out (llama.cpp then takes only its size), parts of a split model become one, and the tensors are
a hole in the file.
"""

import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from app.hardware.gguf_bytes import ARRAY, STRING
from app.hardware.gguf_header import Header, Tensor
from app.hardware.gguf_writing import ALIGNMENT, field, text

_U32 = 4
_LEFT_OUT = ("tokenizer.", "split.", "general.alignment")
_SET_SPARSE = 0x900C4
"""FSCTL_SET_SPARSE."""
_NO_VOCABULARY = "no_vocab"


def hollow_header(header: Header) -> bytes:
    """The bytes of such a header, of version 3 and little-endian, whatever the model's own is."""
    fields = list(_fields(header))
    table, _ = _table(header)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(header.tensors), len(fields))
    raw = head + b"".join(fields) + table
    return raw + b"\0" * (-len(raw) % ALIGNMENT)


def write_hollow(header: bytes, data_size: int, path: Path) -> None:
    """Write it with a hole for so many bytes of tensors. Raises OSError."""
    with path.open("wb") as file:
        file.write(header)
        if sys.platform == "win32":
            _write_hole(file, len(header) + data_size)
        else:
            file.truncate(len(header) + data_size)


def _write_hole(file: BinaryIO, size: int) -> None:
    """On Windows a file has holes only where it is told so, and lengthening it would write zeros."""
    import ctypes  # noqa: PLC0415 (Windows alone)
    import msvcrt  # noqa: PLC0415

    file.flush()
    handle, written = msvcrt.get_osfhandle(file.fileno()), ctypes.c_ulong()  # type: ignore[attr-defined,unused-ignore]
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    kernel.DeviceIoControl(ctypes.c_void_p(handle), _SET_SPARSE, None, 0, None, 0, ctypes.byref(written), None)
    file.seek(size - 1)
    file.write(b"\0")


def data_size(header: Header) -> int:
    """Bytes of all tensors, one after the other."""
    return _table(header)[1]


def _fields(header: Header) -> Iterator[bytes]:
    for key, value in header.metadata.items():
        if not key.startswith(_LEFT_OUT) and key != f"{header.architecture}.vocab_size":
            kind, *item = header.types[key]
            yield field(key, kind, (*item, value) if kind == ARRAY else value)
    yield field("tokenizer.ggml.model", STRING, _NO_VOCABULARY)
    if (size := header.vocabulary_size) is not None:
        yield field(f"{header.architecture}.vocab_size", _U32, size)


def _table(header: Header) -> tuple[bytes, int]:
    rows, offset = [], 0
    for tensor in header.tensors:
        rows.append(_row(tensor, offset))
        offset += -(-(tensor.size or 0) // ALIGNMENT) * ALIGNMENT
    return b"".join(rows), offset


def _row(tensor: Tensor, offset: int) -> bytes:
    shape = tensor.shape
    return text(tensor.name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, tensor.type_id, offset)
