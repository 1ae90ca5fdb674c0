"""Writes GGUF files for tests: any header, with the tensors' data as a hole in the file (no disk space is used)."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.hardware.quantizations import TENSOR_TYPES

Number = int | float | bool
Value = str | Number | Sequence[str] | Sequence[Number] | tuple[str, Number] | tuple[str, list[int]]
"""A pair such as ("B", 3) or ("i", [1, 2]) chooses the type of numbers by their struct code."""

_TYPE_OF_CODE = {"B": 0, "b": 1, "H": 2, "h": 3, "I": 4, "i": 5, "f": 6, "?": 7, "Q": 10, "q": 11, "d": 12}


def text(value: str | bytes, order: str = "<", length: str = "Q") -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack(order + length, len(raw)) + raw


def number_code(value: Number) -> str:
    if isinstance(value, bool):
        return "?"
    return "f" if isinstance(value, float) else "I" if 0 <= value < 2**32 else "q"


def encoded(value: Value, order: str = "<", length: str = "Q") -> bytes:
    """Type and value as they stand in a file; in version 1 lengths are "I"."""
    if isinstance(value, str):
        return struct.pack(f"{order}I", 8) + text(value, order, length)
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], list):
        code, numbers = str(value[0]), value[1]
        return struct.pack(f"{order}II{length}{len(numbers)}{code}", 9, _TYPE_OF_CODE[code], len(numbers), *numbers)
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
        return struct.pack(f"{order}I{value[0]}", _TYPE_OF_CODE[value[0]], value[1])
    if isinstance(value, bool | int | float):
        return struct.pack(f"{order}I{number_code(value)}", _TYPE_OF_CODE[number_code(value)], value)
    if value and isinstance(value[0], str):
        items = b"".join(text(str(item), order, length) for item in value)
        return struct.pack(f"{order}II{length}", 9, 8, len(value)) + items
    code = number_code(value[0]) if value and not isinstance(value[0], str) else "I"
    return struct.pack(f"{order}II{length}{len(value)}{code}", 9, _TYPE_OF_CODE[code], len(value), *value)


@dataclass
class Gguf:
    """A file to be. `tensors` maps a name to (type id, shape)."""

    metadata: Mapping[str, Value] = field(default_factory=dict)
    tensors: Mapping[str, tuple[int, tuple[int, ...]]] = field(default_factory=dict)
    version: int = 3
    magic: bytes = b"GGUF"
    alignment: int = 32
    order: str = "<"
    """Or ">": numbers with their high bytes first."""

    def header(self) -> bytes:
        order, length = self.order, "I" if self.version == 1 else "Q"
        counts = struct.pack(f"{order}I2{length}", self.version, len(self.tensors), len(self.metadata))
        parts = [self.magic, counts]
        parts += [text(key, order, length) + encoded(value, order, length) for key, value in self.metadata.items()]
        offset = 0
        for name, (type_id, shape) in self.tensors.items():
            row = struct.pack(f"{order}I{len(shape)}{length}IQ", len(shape), *shape, type_id, offset)
            parts.append(text(name, order, length) + row)
            offset += -(-self.bytes_of(type_id, shape) // self.alignment) * self.alignment
        raw = b"".join(parts)
        return raw + b"\0" * (-len(raw) % self.alignment)

    def data_size(self) -> int:
        """Bytes of the tensors, the last one without padding."""
        offset = end = 0
        for type_id, shape in self.tensors.values():
            end = offset + self.bytes_of(type_id, shape)
            offset = -(-end // self.alignment) * self.alignment
        return end

    def bytes_of(self, type_id: int, shape: tuple[int, ...]) -> int:
        kind = TENSOR_TYPES.get(type_id)
        elements = 1
        for length in shape:
            elements *= length
        return elements // kind.block * kind.size if kind else 2 * elements  # some type to come

    def write(self, path: Path) -> Path:
        header = self.header()
        with path.open("wb") as file:
            file.write(header)
            file.truncate(len(header) + self.data_size())
        return path


def llama(**changes: Value) -> Gguf:
    """A small model as llama.cpp's converter writes them; `changes` are metadata, with `__` for each dot."""
    metadata: dict[str, Value] = {
        "general.architecture": "llama",
        "general.type": "model",
        "general.name": "Tiny Test",
        "general.file_type": 15,
        "llama.context_length": 2048,
        "llama.block_count": 2,
        "llama.embedding_length": 256,
        "llama.feed_forward_length": 512,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "llama.rope.freq_base": 10000.0,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": ["a", "b", "显存", ""],
        "tokenizer.ggml.scores": [0.0, -1.0, -2.0, -3.0],
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": "{{ messages }}",
    }
    metadata |= {key.replace("__", "."): value for key, value in changes.items()}
    tensors = {
        "token_embd.weight": (14, (256, 64)),
        "blk.0.attn_q.weight": (12, (256, 256)),
        "blk.0.ffn_down.weight": (14, (512, 256)),
        "blk.1.attn_q.weight": (12, (256, 256)),
        "output_norm.weight": (0, (256,)),
    }
    return Gguf(metadata, tensors)
