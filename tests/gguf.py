"""Writes tiny GGUF models for tests: a scripted one that says just what a test wants, and one with random weights.

Both are real llama-architecture models for the real engine, some hundred kilobytes large, with a byte-level vocabulary,
ChatML tokens and a chat template.

A scripted model computes "the token after this one" by its weights alone: attention and feed-forward add nothing, so
the last token's embedding reaches the output matrix, whose row for the successor is that very embedding. Every script
piece is a token of its own, so tests choose where tokens begin and end, even inside a character.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

CHATML = """{%- for message in messages -%}
<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% if enable_thinking %}<think>
{% endif %}{%- endif -%}"""

END = "<|im_end|>"
SPECIAL = ("<|endoftext|>", "<|im_start|>", END, "<think>", "</think>")
_NORMAL, _CONTROL, _USER_DEFINED = 1, 3, 4
_U32, _F32, _STRING, _ARRAY, _I32 = 4, 6, 8, 9, 5
_ALIGNMENT = 32
_NEWLINE = "Ċ"
"""How a byte-level vocabulary writes the line break that ends every ChatML prompt."""

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TinyModel:
    """What the file holds. With `script` it says these pieces, one token each, after any prompt, then ends;
    with `repeat` it says them for ever. Without a script its weights are random by `seed`."""

    script: Sequence[str | bytes] = ()
    repeat: bool = False
    seed: int = 1
    embedding: int = 128
    layers: int = 1
    context: int = 32768
    template: str | None = CHATML
    adds_bos: bool = False
    temperature: float = 0.05
    """Scale of a random model's logits: small ones make every token likely."""
    architecture: str = "llama"
    """Or "qwen2vl", whose tensors are the same, for positions in rows (M-RoPE)."""
    recommends: Mapping[str, float] = field(default_factory=dict)
    """Sampling the file asks for, by the last part of its key: temp, top_k …"""


def write_tiny_model(path: Path, model: TinyModel | None = None) -> Path:
    """Write the model and return its path."""
    model = model or TinyModel()
    tokens, kinds, merges = tiny_vocabulary(model)
    fields = tiny_fields(model, tokens, kinds, merges)
    path.write_bytes(gguf_bytes(fields, _tensors(model, tokens)))
    return path


# ---------------------------------------------------------------- vocabulary


def byte_letters() -> dict[int, str]:
    """GPT-2's letter for each byte: printable ones stand for themselves, the rest for letters from U+0100 on."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = {byte: chr(byte) for byte in plain}
    others = [byte for byte in range(256) if byte not in letters]
    return letters | {byte: chr(256 + index) for index, byte in enumerate(others)}


def spell(piece: str | bytes) -> str:
    """A piece of text, or raw bytes, as the vocabulary writes it; special tokens stay as they are."""
    if piece in SPECIAL:
        return str(piece)
    data = piece.encode() if isinstance(piece, str) else piece
    letters = byte_letters()
    return "".join(letters[byte] for byte in data)


def tiny_vocabulary(model: TinyModel) -> tuple[list[str], list[int], list[str]]:
    """The tokens of that model as its file spells them, the kind of each, and the merges."""
    tokens = list(byte_letters().values())
    kinds = [_NORMAL] * len(tokens)
    merges = ["h e", "he l", "l o"]
    for merge in merges:
        tokens.append(merge.replace(" ", ""))
        kinds.append(_NORMAL)
    for text in SPECIAL:
        tokens.append(text)
        kinds.append(_CONTROL)
    for piece in model.script:
        if (token := spell(piece)) not in tokens:
            tokens.append(token)
            kinds.append(_USER_DEFINED if token in SPECIAL else _NORMAL)
    return tokens, kinds, merges


# ---------------------------------------------------------------- weights


def _tensors(model: TinyModel, tokens: Sequence[str]) -> dict[str, FloatArray]:
    width, hidden, random = model.embedding, model.embedding * 2, np.random.default_rng(model.seed)
    embeddings = random.standard_normal((len(tokens), width), dtype=np.float32)
    tensors = {"token_embd.weight": embeddings, "output_norm.weight": np.ones(width, np.float32)}
    tensors["output.weight"] = _output(model, tokens, embeddings, random)
    scale = 0.0 if model.script else 0.1
    for layer in range(model.layers):
        tensors |= {f"blk.{layer}.{name}.weight": np.ones(width, np.float32) for name in ("attn_norm", "ffn_norm")}
        for name, shape in {
            "attn_q": (width, width),
            "attn_k": (width, width),
            "attn_v": (width, width),
            "attn_output": (width, width),
            "ffn_gate": (hidden, width),
            "ffn_up": (hidden, width),
            "ffn_down": (width, hidden),
        }.items():
            weights = random.standard_normal(shape, dtype=np.float32) * np.float32(scale)
            tensors[f"blk.{layer}.{name}.weight"] = weights.astype(np.float32)
    return tensors


def _output(model: TinyModel, tokens: Sequence[str], embeddings: FloatArray, random: np.random.Generator) -> FloatArray:
    if not model.script:
        noise = random.standard_normal(embeddings.shape, dtype=np.float32)
        return (noise * np.float32(model.temperature)).astype(np.float32)
    output = np.zeros_like(embeddings)
    for token, successor in _successors(model, tokens).items():
        output[successor] += embeddings[token]
    return output


def _successors(model: TinyModel, tokens: Sequence[str]) -> Mapping[int, int]:
    """The successor of each scripted token, beginning with the line break that ends the prompt."""
    number = {token: index for index, token in enumerate(tokens)}
    chain = [number[spell(piece)] for piece in model.script]
    if len(set(chain)) != len(chain):
        raise ValueError("a piece can be in a script once")
    last = chain[0] if model.repeat else number[END]
    return dict(zip([number[_NEWLINE], *chain], [*chain, last], strict=True))


# ---------------------------------------------------------------- the file


def tiny_fields(model: TinyModel, tokens: list[str], kinds: list[int], merges: list[str]) -> dict[str, tuple[int, Any]]:
    kind = model.architecture
    number = {token: index for index, token in enumerate(tokens)}
    fields: dict[str, tuple[int, Any]] = {
        "general.architecture": (_STRING, kind),
        "general.name": (_STRING, "Tiny"),
        f"{kind}.context_length": (_U32, model.context),
        f"{kind}.embedding_length": (_U32, model.embedding),
        f"{kind}.block_count": (_U32, model.layers),
        f"{kind}.feed_forward_length": (_U32, model.embedding * 2),
        f"{kind}.attention.head_count": (_U32, 4),
        f"{kind}.attention.head_count_kv": (_U32, 4),
        f"{kind}.attention.layer_norm_rms_epsilon": (_F32, 1e-5),
        f"{kind}.rope.dimension_count": (_U32, model.embedding // 4),
        "tokenizer.ggml.model": (_STRING, "gpt2"),
        "tokenizer.ggml.pre": (_STRING, "qwen2"),
        "tokenizer.ggml.tokens": (_ARRAY, (_STRING, tokens)),
        "tokenizer.ggml.token_type": (_ARRAY, (_I32, kinds)),
        "tokenizer.ggml.merges": (_ARRAY, (_STRING, merges)),
        "tokenizer.ggml.bos_token_id": (_U32, number["<|endoftext|>"]),
        "tokenizer.ggml.eos_token_id": (_U32, number[END]),
        "tokenizer.ggml.add_bos_token": (7, model.adds_bos),
    }
    if kind == "qwen2vl":
        quarter = model.embedding // 4 // 8
        fields[f"{kind}.rope.dimension_sections"] = (_ARRAY, (_I32, [quarter * 2, quarter, quarter, 0]))
    for name, value in model.recommends.items():
        fields[f"general.sampling.{name}"] = (_F32, value)
    if model.template is not None:
        fields["tokenizer.chat_template"] = (_STRING, model.template)
    return fields


def gguf_bytes(fields: Mapping[str, tuple[int, Any]], tensors: Mapping[str, FloatArray]) -> bytes:
    """A GGUF file of version 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), all tensors F32."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields))
    head += b"".join(
        _string(name) + struct.pack("<I", kind) + _value(kind, value) for name, (kind, value) in fields.items()
    )
    data = b""
    for name, tensor in tensors.items():
        shape = tensor.shape[::-1]
        head += _string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(data))
        data += _padded(tensor.astype("<f4").tobytes())
    return _padded(head) + data


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % _ALIGNMENT)


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(kind: int, value: Any) -> bytes:
    if kind == _STRING:
        return _string(value)
    if kind == _ARRAY:
        element, items = value
        return struct.pack("<IQ", element, len(items)) + b"".join(_value(element, item) for item in items)
    return struct.pack({_U32: "<I", _I32: "<i", _F32: "<f", 7: "<?"}[kind], value)
