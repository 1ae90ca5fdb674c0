"""How wide the computation of a model is: numbers per token that the steps of its layers hold at once.

Derived from the graphs llama.cpp builds (src/models/*.cpp) and measured against its allocator (docs/fit.md): ggml
frees a tensor after its last use, so what counts is the widest moment, not the sum.
"""

from dataclasses import dataclass

from app.hardware.caches import compresses, head_lengths, sliding_window
from app.hardware.gguf import Header

WIDE_QUERIES = ("gemma", "qwen35", "qwen3next", "qwen4exp")
"""Architectures that hold their queries longer: gated, or normed once more after the attention."""
_RWKV = ("rwkv", "arwkv")
_RWKV_WIDTHS = 19
"""Mixes of a token with the one before, for each of its projections."""


@dataclass(frozen=True)
class GraphWidths:
    """Numbers per token."""

    width: int = 0
    queries: int = 0
    """Of all heads together."""
    heads: int = 0
    """Scores per cell of the cache, without flash attention."""
    dense: int = 0
    """The widest feed-forward layer that every token passes."""
    gated: bool = True
    """Whether feed-forward layers multiply by a gate."""
    experts: int = 0
    """Of one expert, times those used."""
    experts_used: int = 0
    shared_experts: bool = False
    recurrent: int = 0
    """The widest moment of a recurrent layer, the residual stream included."""
    beside: int = 0
    """Held during the whole computation: embeddings for each layer."""
    uncompressed: int = 0
    """Multi-head latent attention: numbers of all heads while it multiplies with compressed keys."""
    value_row: int = 0
    """Numbers of a compressed row that serve as values: they are transposed where there is no flash attention."""
    parallel: int = 0
    """What a scan projects in layers that attend at the same time."""
    joined: bool = False
    """Queries, keys and values are one matrix."""
    wide_queries: bool = False
    windows: bool = False
    """Whether some layers have a window: they have a mask of their own."""


NO_WIDTHS = GraphWidths()


def graph_widths(header: Header) -> GraphWidths:
    """The widths of the model with that header."""
    width = header.embedding_length or 0
    heads = header.head_count or 0
    key, value = head_lengths(header)
    used = max(header.per_layer("expert_used_count"), default=0)
    parts = {name[2] for tensor in header.tensors if len(name := tensor.name.split(".", 3)) > 3 and name[0] == "blk"}
    return GraphWidths(
        width=width,
        queries=0 if compresses(header) else heads * key,
        heads=heads,
        dense=_dense(header, parts),
        gated=bool(parts & {"ffn_gate", "ffn_gate_exps", "ffn_gate_up_exps"}) or "phi" in header.architecture,
        experts=used * _expert_width(header, used),
        experts_used=used,
        shared_experts=any("shexp" in part for part in parts),
        recurrent=_recurrent(header, width, parts),
        beside=(header.own("embedding_length_per_layer_input") or 0) * (header.block_count or 0),
        uncompressed=heads * (key + value + (header.own("attention.key_length_mla") or 0)) if compresses(header) else 0,
        value_row=value if compresses(header) else 0,
        parallel=_projected(header) if header.architecture == "falcon-h1" else 0,
        joined="attn_qkv" in parts and "attn_q" not in parts,
        wide_queries=header.architecture.startswith(WIDE_QUERIES),
        windows=sliding_window(header) is not None,
    )


def _dense(header: Header, parts: set[str]) -> int:
    """The widest layer that is no expert; some families give the experts' width under that name."""
    if parts and not parts & {"ffn_down", "ffn_down_shexp", "channel_mix_key", "ffn_up"}:
        return 0
    return max(header.per_layer("feed_forward_length"), default=0)


def _expert_width(header: Header, used: int) -> int:
    own = max(header.per_layer("expert_feed_forward_length"), default=0)
    return own or max(header.per_layer("feed_forward_length"), default=0) if used else 0


def _recurrent(header: Header, width: int, parts: set[str]) -> int:
    """The widest moment of a recurrent layer."""
    if header.architecture.startswith(_RWKV):
        return _RWKV_WIDTHS * width
    inner, size = header.own("ssm.inner_size") or 0, header.own("ssm.state_size") or 0
    if not inner:
        return 3 * 3 * width if header.own("shortconv.l_cache") else 0
    convolved = inner + 2 * (header.own("ssm.group_count") or 0) * size
    if "ssm_in" not in parts:
        return 2 * convolved + 3 * inner + width
    return _projected(header) + 2 * convolved + 2 * inner + width


def _projected(header: Header) -> int:
    """What a scan's first matrix gives (Mamba-2): gates, what is convolved, and a time step for each head."""
    inner, size = header.own("ssm.inner_size") or 0, header.own("ssm.state_size") or 0
    groups, rank = header.own("ssm.group_count") or 0, header.own("ssm.time_step_rank") or 0
    return 2 * inner + 2 * groups * size + rank
