"""Writes GGUF models of a real model's shape with random weights: what they say is noise, what they cost is real.

    python -m bench.model_file [SHAPE]    prints the path of the file, made on first use and kept in the cache folder

The vocabulary is a byte-level one of full size: single bytes, then a space and up to four letters. So any text can be
written with it, ` abc` is one token, and what the model says is read again as the tokens it was said in.
"""

import argparse
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from string import ascii_lowercase
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from app.hardware.gguf_writing import ALIGNMENT, field, pad, text
from app.paths import Paths
from tests.gguf import CHATML, byte_letters

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>")
_FORMAT = 4
"""Part of the file's name: raised when what is written changes."""
_BLOCK = 32
"""Weights of a Q8_0 block: one half-precision scale, then a signed byte each."""
_UNIFORM_DEVIATION = 73.3
"""Standard deviation of whole numbers drawn evenly from -127 to 127."""
_DEVIATION = 0.02
"""Of the weights, as models are initialised; it makes logits with a deviation of about 0.6."""
_ROWS = 4096
"""Rows drawn at once, so that the largest tensor needs little memory."""
_U32, _I32, _F32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9
_TENSOR_F32, _TENSOR_Q8_0 = 0, 8
_NORMAL, _CONTROL, _UNUSED = 1, 3, 5


@dataclass(frozen=True)
class Shape:
    """A model of the qwen2 architecture with tied embeddings, weights in Q8_0."""

    name: str
    layers: int
    width: int
    heads: int
    kv_heads: int
    hidden: int
    vocabulary: int = 151_936
    context: int = 32_768


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("0.5b", layers=24, width=896, heads=14, kv_heads=2, hidden=4864),
        Shape("80m", layers=10, width=384, heads=6, kv_heads=2, hidden=1536),
    )
}
"""`0.5b` is Qwen2.5-0.5B's shape; `80m` is for quick looks."""


@dataclass(frozen=True)
class Tensor:
    """A tensor to be written: `rows` of `columns` random weights, or one row of the same number throughout.

    `signs` gives that number random signs; the first `empty` rows are zero.
    """

    name: str
    rows: int
    columns: int
    constant: float | None = None
    signs: bool = False
    deviation: float = _DEVIATION
    empty: int = 0

    @property
    def size(self) -> int:
        """Bytes in the file, without padding."""
        if self.constant is not None:
            return 4 * self.columns
        return self.rows * self.columns // _BLOCK * (_BLOCK + 2)

    @property
    def description(self) -> bytes:
        """Number of dimensions, the dimensions (innermost first) and the type, as the header has them."""
        if self.constant is not None:
            return struct.pack("<IQI", 1, self.columns, _TENSOR_F32)
        return struct.pack("<IQQI", 2, self.columns, self.rows, _TENSOR_Q8_0)

    def write(self, file: BinaryIO, random: np.random.Generator) -> None:
        if self.constant is not None:
            signs = random.choice([-1.0, 1.0], self.columns) if self.signs else 1.0
            file.write(np.full(self.columns, self.constant * signs, "<f4").tobytes())
            return
        for first in range(0, self.rows, _ROWS):
            rows = min(_ROWS, self.rows - first)
            blocks = _random_blocks(rows * self.columns // _BLOCK, self.deviation, random)
            blocks[: max(0, self.empty - first) * self.columns // _BLOCK] = 0
            file.write(blocks.tobytes())


def model_file(shape: Shape, folder: Path | None = None) -> Path:
    """The path of that shape's file; it is written first where it is missing."""
    folder = folder or Paths.current().cache / "bench"
    path = folder / f"random-{shape.name}-{_FORMAT}.gguf"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.part")
        with unfinished.open("wb") as file:
            write_model(file, shape)
        unfinished.replace(path)
    return path


def write_model(file: BinaryIO, shape: Shape, seed: int = 1) -> None:
    """Write the model (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 3)."""
    tensors = list(_tensors(shape))
    fields = _fields(shape)
    file.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields)))
    file.writelines(field(name, kind, value) for name, (kind, value) in fields.items())
    offset = 0
    for tensor in tensors:
        file.write(text(tensor.name) + tensor.description + struct.pack("<Q", offset))
        offset += tensor.size + -tensor.size % ALIGNMENT
    random = np.random.default_rng(seed)
    for tensor in tensors:
        pad(file)
        tensor.write(file, random)
    pad(file)


# ---------------------------------------------------------------- weights


def _tensors(shape: Shape) -> Iterator[Tensor]:
    width, head = shape.width, shape.width // shape.heads
    kv_width = head * shape.kv_heads
    # Single bytes have nothing in common with anything, so greedy answers are whole characters.
    yield Tensor("token_embd.weight", shape.vocabulary, width, empty=len(byte_letters()))
    # Without the signs a token's embedding, still there in the end, would find itself: every token follows itself.
    yield Tensor("output_norm.weight", 1, width, 1.0, signs=True)
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        yield Tensor(f"{block}attn_norm.weight", 1, width, 1.0)
        for name, rows in (("q", width), ("k", kv_width), ("v", kv_width)):
            yield Tensor(f"{block}attn_{name}.weight", rows, width)
            yield Tensor(f"{block}attn_{name}.bias", 1, rows, 0.0)
        yield Tensor(f"{block}attn_output.weight", width, width, deviation=0.005)
        yield Tensor(f"{block}ffn_norm.weight", 1, width, 1.0)
        yield Tensor(f"{block}ffn_gate.weight", shape.hidden, width)
        yield Tensor(f"{block}ffn_up.weight", shape.hidden, width)
        # Strong, so that the last token decides what follows more than the mean of all before: else it says one word.
        yield Tensor(f"{block}ffn_down.weight", width, shape.hidden, deviation=0.2)


def _random_blocks(blocks: int, deviation: float, random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Q8_0 blocks of evenly distributed weights, shape [blocks, 34]."""
    data = np.empty((blocks, _BLOCK + 2), np.uint8)
    data[:, :2] = np.frombuffer(np.float16(deviation / _UNIFORM_DEVIATION).tobytes(), np.uint8)
    data[:, 2:] = random.integers(-127, 128, (blocks, _BLOCK), np.int8).view(np.uint8)
    return data


# ---------------------------------------------------------------- vocabulary


def _merges() -> Iterator[tuple[str, str]]:
    """What byte-pair encoding joins, in order: a space and a letter, then that with a second, a third, a fourth."""
    letters = list(ascii_lowercase)
    for length in range(4):
        for word in product(letters, repeat=length):
            yield from (("Ġ" + "".join(word), letter) for letter in letters)


def _vocabulary(size: int) -> tuple[list[str], list[int], list[str]]:
    """(pieces, their kinds, merges), in the order of the tokens: bytes, merged pieces, special tokens, unused ones."""
    single = list(byte_letters().values())
    merges = list(islice(_merges(), max(0, size - len(single) - len(SPECIAL))))
    pieces = [*single, *(first + second for first, second in merges), *SPECIAL]
    kinds = [_NORMAL] * (len(pieces) - len(SPECIAL)) + [_CONTROL] * len(SPECIAL)
    unused = range(len(pieces), size)
    pieces += [f"[PAD{number}]" for number in unused]
    return pieces, kinds + [_UNUSED] * len(unused), [" ".join(merge) for merge in merges]


# ---------------------------------------------------------------- the header


def _fields(shape: Shape) -> dict[str, tuple[int, Any]]:
    pieces, kinds, merges = _vocabulary(shape.vocabulary)
    return {
        "general.architecture": (_STRING, "qwen2"),
        "general.name": (_STRING, f"Random {shape.name}"),
        "general.file_type": (_U32, 7),
        "general.alignment": (_U32, ALIGNMENT),
        "qwen2.context_length": (_U32, shape.context),
        "qwen2.embedding_length": (_U32, shape.width),
        "qwen2.block_count": (_U32, shape.layers),
        "qwen2.feed_forward_length": (_U32, shape.hidden),
        "qwen2.attention.head_count": (_U32, shape.heads),
        "qwen2.attention.head_count_kv": (_U32, shape.kv_heads),
        "qwen2.attention.layer_norm_rms_epsilon": (_F32, 1e-6),
        "qwen2.rope.freq_base": (_F32, 1e6),
        "tokenizer.ggml.model": (_STRING, "gpt2"),
        "tokenizer.ggml.pre": (_STRING, "qwen2"),
        "tokenizer.ggml.tokens": (_ARRAY, (_STRING, pieces)),
        "tokenizer.ggml.token_type": (_ARRAY, (_I32, kinds)),
        "tokenizer.ggml.merges": (_ARRAY, (_STRING, merges)),
        "tokenizer.ggml.bos_token_id": (_U32, pieces.index("<|endoftext|>")),
        "tokenizer.ggml.eos_token_id": (_U32, pieces.index("<|im_end|>")),
        "tokenizer.ggml.add_bos_token": (_BOOL, False),
        "tokenizer.chat_template": (_STRING, CHATML),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", nargs="?", choices=sorted(SHAPES), default="0.5b")
    sys.stdout.write(f"{model_file(SHAPES[parser.parse_args().shape])}\n")


if __name__ == "__main__":
    main()
