"""Writes tiny models whose memory cannot be cut anywhere: one with a sliding window, one with a recurrent state."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.gguf import FloatArray, TinyModel, gguf_bytes, tiny_fields, tiny_vocabulary

WINDOW = 64
"""Tokens a layer of the sliding-window model looks back on."""
_U32, _F32, _STRING = 4, 6, 8
_WIDTH, _HIDDEN, _STATE, _RANK, _KERNEL = 64, 128, 8, 4, 4

Shapes = Mapping[str, Sequence[int]]


def write_sliding_model(path: Path) -> Path:
    """Of the architecture gemma2: every second layer sees WINDOW tokens. Random weights."""
    shapes: dict[str, Sequence[int]] = {}
    for layer in range(2):
        for name in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            shapes[f"blk.{layer}.{name}.weight"] = (_WIDTH,)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            shapes[f"blk.{layer}.{name}.weight"] = (_WIDTH, _WIDTH)
        for name in ("ffn_gate", "ffn_up"):
            shapes[f"blk.{layer}.{name}.weight"] = (_HIDDEN, _WIDTH)
        shapes[f"blk.{layer}.ffn_down.weight"] = (_WIDTH, _HIDDEN)
    fields = {"attention.sliding_window": (_U32, WINDOW), "block_count": (_U32, 2)}
    return _write(path, "gemma2", fields, shapes)


def write_recurrent_model(path: Path) -> Path:
    """Of the architecture mamba: it has a state and no KV cache. Random weights."""
    inner = 2 * _WIDTH
    shapes: dict[str, Sequence[int]] = {
        "blk.0.attn_norm.weight": (_WIDTH,),
        "blk.0.ssm_in.weight": (2 * inner, _WIDTH),
        "blk.0.ssm_conv1d.weight": (inner, _KERNEL),
        "blk.0.ssm_conv1d.bias": (inner,),
        "blk.0.ssm_x.weight": (_RANK + 2 * _STATE, inner),
        "blk.0.ssm_dt.weight": (inner, _RANK),
        "blk.0.ssm_dt.bias": (inner,),
        "blk.0.ssm_a": (inner, _STATE),
        "blk.0.ssm_d": (inner,),
        "blk.0.ssm_out.weight": (_WIDTH, inner),
    }
    fields = {
        "ssm.conv_kernel": (_U32, _KERNEL),
        "ssm.inner_size": (_U32, inner),
        "ssm.state_size": (_U32, _STATE),
        "ssm.time_step_rank": (_U32, _RANK),
    }
    return _write(path, "mamba", fields, shapes)


def _write(path: Path, architecture: str, own: Mapping[str, tuple[int, Any]], shapes: Shapes) -> Path:
    model = TinyModel(seed=7, embedding=_WIDTH)
    tokens, kinds, merges = tiny_vocabulary(model)
    usual = tiny_fields(model, tokens, kinds, merges)
    fields = {name.replace("llama.", f"{architecture}."): value for name, value in usual.items()}
    fields["general.architecture"] = (_STRING, architecture)
    fields |= {f"{architecture}.{name}": value for name, value in own.items()}
    all_shapes = {"token_embd.weight": (len(tokens), _WIDTH), "output_norm.weight": (_WIDTH,), **shapes}
    path.write_bytes(gguf_bytes(fields, _random(all_shapes)))
    return path


def _random(shapes: Shapes) -> dict[str, FloatArray]:
    random = np.random.default_rng(8)
    tensors: dict[str, FloatArray] = {}
    for name, shape in shapes.items():
        if "norm" in name:
            tensors[name] = np.ones(shape, np.float32)
        elif name.endswith("ssm_a"):
            tensors[name] = -random.uniform(0.1, 1.0, shape).astype(np.float32)
        else:
            tensors[name] = (random.standard_normal(shape, dtype=np.float32) * np.float32(0.3)).astype(np.float32)
    return tensors
