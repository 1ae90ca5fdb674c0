"""Writes what goes with tiny models, tiny as well: a projector for pictures, LoRA adapters, and models that embed.

All have random weights and real architectures of llama.cpp, so the real engine runs them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.gguf import FloatArray, gguf_bytes

_U32, _F32, _BOOL, _STRING, _ARRAY, _I32 = 4, 6, 7, 8, 9, 5

PICTURE_SIDE, PATCH_SIDE = 56, 14
"""Pixels; pictures are resized to the first."""
PICTURE_CELLS = 4
"""Embeddings of a picture: 4 × 4 patches, of which 2 × 2 are merged to one."""

_SEEING = 32
"""Width of a projector inside."""

POOL_MEAN, POOL_CLS, POOL_LAST, POOL_RANK = 1, 2, 3, 4
WORDS = ("red", "green", "blue", "apple", "sky", "sea", "grass", "tomato")


def write_tiny_projector(path: Path, text_width: int = 128, seed: int = 3, kind: str = "gemma3") -> Path:
    """A projector for a text model of that width. Its kind is gemma3's, where every picture becomes PICTURE_CELLS
    embeddings, or "qwen2vl_merger", where a larger one becomes more of them, in rows."""
    random, rows = np.random.default_rng(seed), kind == "qwen2vl_merger"
    shapes = _block_shapes() | (_row_shapes(text_width) if rows else _square_shapes(text_width))
    tensors = _random(shapes, random)
    for norm in ("v.blk.0.ln1", "v.blk.0.ln2", "v.post_ln"):
        tensors |= {f"{norm}.weight": np.ones(_SEEING, np.float32), f"{norm}.bias": np.zeros(_SEEING, np.float32)}
    if not rows:
        tensors["mm.soft_emb_norm.weight"] = np.ones(_SEEING, np.float32)
    path.write_bytes(gguf_bytes(_projector_fields(kind, text_width), tensors))
    return path


def _block_shapes() -> dict[str, Sequence[int]]:
    shapes: dict[str, Sequence[int]] = {"v.patch_embd.weight": (_SEEING, 3, PATCH_SIDE, PATCH_SIDE)}
    for part in ("q", "k", "v", "out"):
        shapes |= {f"v.blk.0.attn_{part}.weight": (_SEEING, _SEEING), f"v.blk.0.attn_{part}.bias": (_SEEING,)}
    shapes |= {"v.blk.0.ffn_up.weight": (2 * _SEEING, _SEEING), "v.blk.0.ffn_up.bias": (2 * _SEEING,)}
    shapes |= {"v.blk.0.ffn_down.weight": (_SEEING, 2 * _SEEING), "v.blk.0.ffn_down.bias": (_SEEING,)}
    return shapes


def _square_shapes(text_width: int) -> dict[str, Sequence[int]]:
    return {
        "v.patch_embd.bias": (_SEEING,),
        "v.position_embd.weight": ((PICTURE_SIDE // PATCH_SIDE) ** 2, _SEEING),
        "mm.input_projection.weight": (_SEEING, text_width),
    }


def _row_shapes(text_width: int) -> dict[str, Sequence[int]]:
    merged = 4 * _SEEING
    return {
        "v.patch_embd.weight.1": (_SEEING, 3, PATCH_SIDE, PATCH_SIDE),
        "mm.0.weight": (merged, merged),
        "mm.0.bias": (merged,),
        "mm.2.weight": (text_width, merged),
        "mm.2.bias": (text_width,),
    }


def _projector_fields(kind: str, text_width: int) -> dict[str, tuple[int, Any]]:
    vision: dict[str, tuple[int, Any]] = {
        "image_size": (_U32, PICTURE_SIDE),
        "patch_size": (_U32, PATCH_SIDE),
        "embedding_length": (_U32, _SEEING),
        "feed_forward_length": (_U32, 2 * _SEEING),
        "block_count": (_U32, 1),
        "projection_dim": (_U32, text_width),
        "attention.head_count": (_U32, 2),
        "attention.layer_norm_epsilon": (_F32, 1e-6),
        "projector.scale_factor": (_U32, 2),
        "image_mean": (_ARRAY, (_F32, [0.5, 0.5, 0.5])),
        "image_std": (_ARRAY, (_F32, [0.5, 0.5, 0.5])),
    }
    fields: dict[str, tuple[int, Any]] = {
        "general.architecture": (_STRING, "clip"),
        "general.type": (_STRING, "mmproj"),
        "clip.has_vision_encoder": (_BOOL, True),
        "clip.projector_type": (_STRING, kind),
        "clip.use_gelu": (_BOOL, True),
    }
    return fields | {f"clip.vision.{name}": value for name, value in vision.items()}


def write_tiny_adapter(
    path: Path,
    tensors: Mapping[str, tuple[int, int]],
    seed: int = 4,
    architecture: str = "llama",
    kind: str = "adapter",
    scale: float = 0.2,
) -> Path:
    """A LoRA adapter of rank 4. `tensors`: name → (rows, columns) of the model's tensor."""
    rank, random = 4, np.random.default_rng(seed)
    pairs: dict[str, FloatArray] = {}
    for name, (rows, columns) in tensors.items():
        pairs |= _random({f"{name}.lora_a": (rank, columns), f"{name}.lora_b": (rows, rank)}, random, scale)
    fields: dict[str, tuple[int, Any]] = {
        "general.architecture": (_STRING, architecture),
        "general.type": (_STRING, kind),
        "adapter.type": (_STRING, "lora"),
        "adapter.lora.alpha": (_F32, float(rank)),
    }
    path.write_bytes(gguf_bytes(fields, pairs))
    return path


def write_tiny_encoder(path: Path, pooling: int = POOL_MEAN, context: int = 64, template: str = "") -> Path:
    """A BERT that knows the WORDS, for embeddings or, with POOL_RANK, for reranking (`template`: of a pair)."""
    width, hidden, random = 32, 64, np.random.default_rng(6)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"▁{word}" for word in WORDS)]
    shapes: dict[str, Sequence[int]] = {
        "token_embd.weight": (len(tokens), width),
        "token_types.weight": (2, width),
        "position_embd.weight": (context, width),
        "blk.0.ffn_up.weight": (hidden, width),
        "blk.0.ffn_up.bias": (hidden,),
        "blk.0.ffn_down.weight": (width, hidden),
        "blk.0.ffn_down.bias": (width,),
    }
    for part in ("q", "k", "v", "output"):
        shapes |= {f"blk.0.attn_{part}.weight": (width, width), f"blk.0.attn_{part}.bias": (width,)}
    if pooling == POOL_RANK:
        shapes |= {"cls.weight": (width, width), "cls.bias": (width,), "cls.output.weight": (1, width)}
        shapes |= {"cls.output.bias": (1,)}
    tensors = _random(shapes, random, 0.5)
    for norm in ("token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm"):
        tensors |= {f"{norm}.weight": np.ones(width, np.float32), f"{norm}.bias": np.zeros(width, np.float32)}
    fields = _encoder_fields(tokens, pooling, context, width, hidden)
    if template:
        fields["tokenizer.chat_template.rerank"] = (_STRING, template)
    path.write_bytes(gguf_bytes(fields, tensors))
    return path


def _encoder_fields(
    tokens: list[str], pooling: int, context: int, width: int, hidden: int
) -> dict[str, tuple[int, Any]]:
    return {
        "general.architecture": (_STRING, "bert"),
        "general.name": (_STRING, "Tiny encoder"),
        "bert.context_length": (_U32, context),
        "bert.embedding_length": (_U32, width),
        "bert.feed_forward_length": (_U32, hidden),
        "bert.block_count": (_U32, 1),
        "bert.attention.head_count": (_U32, 2),
        "bert.attention.layer_norm_epsilon": (_F32, 1e-6),
        "bert.attention.causal": (_BOOL, False),
        "bert.pooling_type": (_U32, pooling),
        "tokenizer.ggml.model": (_STRING, "bert"),
        "tokenizer.ggml.token_type_count": (_U32, 2),
        "tokenizer.ggml.tokens": (_ARRAY, (_STRING, tokens)),
        "tokenizer.ggml.token_type": (_ARRAY, (_I32, [3] * 5 + [1] * len(WORDS))),
        "tokenizer.ggml.padding_token_id": (_U32, 0),
        "tokenizer.ggml.unknown_token_id": (_U32, 1),
        "tokenizer.ggml.cls_token_id": (_U32, 2),
        "tokenizer.ggml.bos_token_id": (_U32, 2),
        "tokenizer.ggml.seperator_token_id": (_U32, 3),
        "tokenizer.ggml.eos_token_id": (_U32, 3),
        "tokenizer.ggml.mask_token_id": (_U32, 4),
    }


def _random(
    shapes: Mapping[str, Sequence[int]], random: np.random.Generator, scale: float = 0.1
) -> dict[str, FloatArray]:
    return {
        name: (random.standard_normal(tuple(shape), dtype=np.float32) * np.float32(scale)).astype(np.float32)
        for name, shape in shapes.items()
    }
