"""Models made on the spot to measure a machine with: their weights are noise, and cost what any weights would.

A file is of the llama architecture in Q4_K, the most common format, with a small vocabulary of single bytes.
"""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from app.hardware.geometry import Geometry, Layer, Weights
from app.hardware.quantizations import TENSOR_TYPES

Q4_K = 12
_F32 = 0
_ALIGNMENT = 32
_U32, _FLOAT, _STRING, _ARRAY, _I32 = 4, 6, 8, 9, 5
_NORMAL, _CONTROL = 1, 3
_END = "<end>"
_CHUNK_BLOCKS = 8192
_SCALE = 1e-4
"""Of a block, and 7.5 times that as its least: the weights' mean is then about zero."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a model: every width is a multiple of 256, so that rows are whole blocks."""

    name: str
    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    context: int = 2048

    @property
    def head(self) -> int:
        return self.width // self.heads

    @property
    def layer_weights(self) -> int:
        """Weights of the matrices of one layer."""
        kv = self.head * self.kv_heads
        return self.width * (2 * self.width + 2 * kv + 3 * self.feed_forward)

    @property
    def layer_size(self) -> int:
        """Bytes of these."""
        return self.layer_weights * TENSOR_TYPES[Q4_K].size // TENSOR_TYPES[Q4_K].block

    def geometry(self) -> Geometry:
        """As the speed model sees it."""
        vocabulary = len(_pieces())
        output = vocabulary * self.width * TENSOR_TYPES[Q4_K].size // TENSOR_TYPES[Q4_K].block
        kv = self.head * self.kv_heads
        return Geometry(
            architecture="llama",
            layers=(
                Layer(
                    dense=Weights(size=self.layer_size, by_type={Q4_K: self.layer_size}), key_width=kv, value_width=kv
                ),
            )
            * self.layers,
            embedding=Weights(size=output, by_type={Q4_K: output}),
            output=Weights(size=output, by_type={Q4_K: output}),
            width=self.width,
            heads=self.heads,
            key_head=self.head,
            vocabulary=vocabulary,
        )


def shapes(cache: int, largest: int) -> tuple[Shape, Shape]:
    """A model of few wide layers, whose weights take at least four times `cache`, and one of many narrow ones.

    What the first takes is mostly reading, what the second takes beside it is its layers' overhead. Neither is larger
    than `largest` bytes where `cache` lets them.
    """
    wide = Shape("wide", layers=3, width=2048, feed_forward=8192, heads=16, kv_heads=4)
    needed = min(4 * cache, largest)
    wide = Shape("wide", max(wide.layers, -(-needed // wide.layer_size)), 2048, 8192, 16, 4)
    narrow = Shape("narrow", layers=24, width=512, feed_forward=2048, heads=8, kv_heads=4)
    return wide, narrow


def write_synthetic(path: Path, shape: Shape) -> None:
    """Write the file. Raises OSError."""
    tensors, fields = list(_tensors(shape)), _fields(shape)
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields)))
        for name, (kind, value) in fields.items():
            file.write(_string(name) + struct.pack("<I", kind) + _value(kind, value))
        offset = 0
        for name, dimensions, kind in tensors:
            size = _size(dimensions, kind)
            file.write(_string(name) + struct.pack(f"<I{len(dimensions)}Q", len(dimensions), *dimensions))
            file.write(struct.pack("<IQ", kind, offset))
            offset += size + -size % _ALIGNMENT
        noise = _noise()
        for _, dimensions, kind in tensors:
            _pad(file)
            _write_tensor(file, _size(dimensions, kind), kind, noise)
        _pad(file)


def _tensors(shape: Shape) -> Iterator[tuple[str, tuple[int, ...], int]]:
    """Name, dimensions (the row's length first) and type of each."""
    width, kv, vocabulary = shape.width, shape.head * shape.kv_heads, len(_pieces())
    yield "token_embd.weight", (width, vocabulary), Q4_K
    yield "output_norm.weight", (width,), _F32
    yield "output.weight", (width, vocabulary), Q4_K
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        yield f"{block}attn_norm.weight", (width,), _F32
        yield f"{block}attn_q.weight", (width, width), Q4_K
        yield f"{block}attn_k.weight", (width, kv), Q4_K
        yield f"{block}attn_v.weight", (width, kv), Q4_K
        yield f"{block}attn_output.weight", (width, width), Q4_K
        yield f"{block}ffn_norm.weight", (width,), _F32
        yield f"{block}ffn_gate.weight", (width, shape.feed_forward), Q4_K
        yield f"{block}ffn_up.weight", (width, shape.feed_forward), Q4_K
        yield f"{block}ffn_down.weight", (shape.feed_forward, width), Q4_K


def _fields(shape: Shape) -> dict[str, tuple[int, Any]]:
    pieces = _pieces()
    kinds = [_NORMAL] * (len(pieces) - 1) + [_CONTROL]
    return {
        "general.architecture": (_STRING, "llama"),
        "general.name": (_STRING, f"Noise, {shape.name}"),
        "llama.context_length": (_U32, shape.context),
        "llama.embedding_length": (_U32, shape.width),
        "llama.block_count": (_U32, shape.layers),
        "llama.feed_forward_length": (_U32, shape.feed_forward),
        "llama.attention.head_count": (_U32, shape.heads),
        "llama.attention.head_count_kv": (_U32, shape.kv_heads),
        "llama.attention.layer_norm_rms_epsilon": (_FLOAT, 1e-5),
        "llama.rope.dimension_count": (_U32, shape.head),
        "tokenizer.ggml.model": (_STRING, "gpt2"),
        "tokenizer.ggml.pre": (_STRING, "default"),
        "tokenizer.ggml.tokens": (_ARRAY, (_STRING, pieces)),
        "tokenizer.ggml.token_type": (_ARRAY, (_I32, kinds)),
        "tokenizer.ggml.merges": (_ARRAY, (_STRING, [])),
        "tokenizer.ggml.bos_token_id": (_U32, len(pieces) - 1),
        "tokenizer.ggml.eos_token_id": (_U32, len(pieces) - 1),
    }


def _pieces() -> list[str]:
    """A token for each byte as byte-level vocabularies write it, and one that ends; all of them 512."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(plain)]
    letters = {byte: chr(byte) for byte in plain} | {byte: chr(256 + number) for number, byte in enumerate(others)}
    single = [letters[byte] for byte in range(256)]
    return [*single, *(f"[{number}]" for number in range(255)), _END]


def _size(dimensions: tuple[int, ...], kind: int) -> int:
    count = 1
    for dimension in dimensions:
        count *= dimension
    return count // TENSOR_TYPES[kind].block * TENSOR_TYPES[kind].size


def _noise() -> bytes:
    """Blocks of Q4_K, again and again: scale and least of each block, then its 6-bit scales and 4-bit weights."""
    noise = random.Random(1)
    head = struct.pack("<ee", _SCALE, 7.5 * _SCALE)
    rest = TENSOR_TYPES[Q4_K].size - len(head)
    return b"".join(head + noise.randbytes(rest) for _ in range(_CHUNK_BLOCKS))


def _write_tensor(file: BinaryIO, size: int, kind: int, noise: bytes) -> None:
    if kind == _F32:
        file.write(struct.pack("<f", 1.0) * (size // 4))
        return
    file.writelines(noise[: min(len(noise), size - start)] for start in range(0, size, len(noise)))


def _pad(file: BinaryIO) -> None:
    file.write(b"\0" * (-file.tell() % _ALIGNMENT))


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(kind: int, value: Any) -> bytes:
    if kind == _STRING:
        return _string(value)
    if kind == _ARRAY:
        element, items = value
        return struct.pack("<IQ", element, len(items)) + b"".join(_value(element, item) for item in items)
    return struct.pack({_U32: "<I", _I32: "<i", _FLOAT: "<f"}[kind], value)
