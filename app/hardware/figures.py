"""The shape of a model from the figures a catalogue has, where no header was read: near, but not exact."""

from dataclasses import dataclass, replace
from functools import cache

from app.hardware.geometry import Geometry, Layer
from app.hardware.graph import WIDE_QUERIES, GraphWidths
from app.hardware.quantizations import TENSOR_TYPES
from app.hardware.weights import NO_WEIGHTS, Weights

_Q6_K, _Q8_0, _F16, _F32, _MXFP4 = 14, 8, 1, 0, 39
_BITS_OF_OUTPUT_LIMIT = 6.5625
"""llama.cpp keeps the output layer at Q6_K where the others have fewer bits (llama-quant.cpp)."""
_MIXES = {"IQ2_M": "IQ2_S", "IQ3_M": "IQ3_S", "IQ3_XS": "IQ3_S", "MXFP4_MOE": "MXFP4", "Q8": "Q8_0", "FP16": "F16"}
"""Mixes that are not called by the type most of them is made of."""
_REPACKED_SHARE = 0.75
"""Of a K-quant's bytes: the rest are tensors kept at more bits, which are not repacked."""
_RECURRENT_WIDTHS = 15
"""Of the residual stream, in a recurrent layer of the usual proportions."""
_PLAIN = frozenset({_F32, _F16, 30})


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a catalogue knows of a model, whatever its quantization. Zero: unknown or none."""

    architecture: str
    layers: int
    width: int
    heads: int
    kv_heads: int
    vocabulary: int
    parameters: int = 0
    """Weights in all."""
    active_parameters: int = 0
    key_head: int = 0
    value_head: int = 0
    feed_forward: int = 0
    trained_context: int | None = None
    tied: bool = False
    expert_count: int = 0
    experts_used: int = 0
    expert_feed_forward: int = 0
    shared_experts: int = 0
    dense_layers: int = 0
    """The first layers, which have no experts; 0 with experts: `feed_forward` is in every layer beside them."""
    window: int | None = None
    full_every: int = 0
    """Of so many layers one sees everything; with a window 0 means that all layers slide."""
    full_kv_heads: int = 0
    """Where layers that see everything have other heads than those with a window."""
    full_key_head: int = 0
    state_bytes: int = 0
    """Bytes of recurrent state per sequence, of all layers together."""
    shared_cache_layers: int = 0
    """The last layers that use the caches of others."""
    compressed_width: int = 0
    """Multi-head latent attention: numbers a token keeps in each layer."""


def geometry_from_figures(figures: Figures, file_size: int, quantization: str) -> Geometry:
    """The likely shape of that model in a file of so many bytes, quantized as named ("Q4_K_M")."""
    kind = main_type(quantization)
    shares = _shares(figures, file_size, kind)
    return Geometry(
        architecture=figures.architecture,
        layers=_layers(figures, shares),
        embedding=shares.embedding,
        output=shares.output,
        tied=figures.tied,
        width=figures.width,
        heads=figures.heads,
        key_head=_key_head(figures),
        value_head=figures.value_head or _key_head(figures),
        feed_forward=max(figures.feed_forward, figures.experts_used * figures.expert_feed_forward),
        vocabulary=figures.vocabulary,
        expert_count=figures.expert_count,
        experts_used=figures.experts_used,
        trained_context=figures.trained_context,
        compressed_cache=bool(figures.compressed_width),
        quantization=quantization,
        file_size=file_size,
        parameters=figures.parameters or shares.parameters,
        graph=_widths_of_graph(figures),
        active_parameters=figures.active_parameters or figures.parameters or shares.parameters,
        exact=False,
    )


@cache
def main_type(quantization: str) -> int:
    """The ggml type most of a file with that name is made of; F16 where the name tells nothing."""
    name = quantization.upper().removeprefix("UD-").removesuffix("_XL")
    name = _MIXES.get(name, name)
    found = [(len(kind.name), number) for number, kind in TENSOR_TYPES.items() if name.startswith(kind.name)]
    return max(found, default=(0, _F16))[1]


@dataclass(frozen=True)
class _Shares:
    """How the bytes of a file are likely spread."""

    embedding: Weights
    output: Weights
    dense: Weights
    experts: Weights
    """Of one layer."""
    parameters: int


def _shares(figures: Figures, file_size: int, kind: int) -> _Shares:
    table = figures.vocabulary * figures.width
    mixed = figures.layers - figures.dense_layers
    experts = 3 * figures.width * figures.expert_feed_forward * figures.expert_count * mixed
    attention = figures.width * figures.heads * 2 * _key_head(figures)
    attention += figures.width * figures.kv_heads * 2 * _key_head(figures)
    inner = 3 * figures.width * figures.feed_forward * (figures.dense_layers or figures.layers)
    inner += 3 * figures.width * figures.shared_experts * figures.expert_feed_forward * mixed
    tables = table if figures.tied else 2 * table
    known = attention * figures.layers + inner + tables + experts
    parameters = max(figures.parameters, known)
    dense = parameters - tables - experts
    output_kind = _Q6_K if _bits(kind) < _BITS_OF_OUTPUT_LIMIT else kind
    output = min(round(table * _bits(output_kind) / 8), file_size)
    rest = max(file_size - output, 0)
    if kind == _MXFP4:
        stacked = min(round(experts * _bits(kind) / 8), rest)
        others = rest - stacked
        weighed = (dense + (0 if figures.tied else table)) or 1
        embedding = 0 if figures.tied else round(others * table / weighed)
        return _packed(figures, (output, embedding, others - embedding, stacked), (kind, output_kind), parameters)
    weighed = (dense + experts + (0 if figures.tied else table)) or 1
    embedding = 0 if figures.tied else round(rest * table / weighed)
    stacked = round(rest * experts / weighed)
    return _packed(figures, (output, embedding, rest - embedding - stacked, stacked), (kind, output_kind), parameters)


def _packed(figures: Figures, sizes: tuple[int, int, int, int], kinds: tuple[int, int], parameters: int) -> _Shares:
    """`sizes`: of output, embeddings (0 where tied), all dense layers, all experts."""
    output, embedding, dense, experts = sizes
    kind, output_kind = kinds
    layers, mixed = max(figures.layers, 1), max(figures.layers - figures.dense_layers, 1)
    return _Shares(
        embedding=_weights(output if figures.tied else embedding, output_kind if figures.tied else kind, 0),
        output=_weights(output, output_kind, output),
        dense=_weights(dense // layers, kind, round(dense // layers * _REPACKED_SHARE)),
        experts=_weights(experts // mixed, kind, experts // mixed) if experts else NO_WEIGHTS,
        parameters=parameters,
    )


def _weights(size: int, kind: int, repackable: int) -> Weights:
    shaped = {kind: repackable} if repackable and kind not in _PLAIN else {}
    return Weights(size=size, by_type={kind: size}, repackable=shaped, tileable=shaped, largest=size)


def _layers(figures: Figures, shares: _Shares) -> tuple[Layer, ...]:
    """Few are unlike each other: each kind is one object."""
    full, other = _layer(figures, shares, full=True), _layer(figures, shares, full=False)
    every, own = figures.full_every, figures.layers - figures.shared_cache_layers
    sees_all = [(index + 1) % every == 0 if every else figures.window is None for index in range(figures.layers)]
    layers = [full if flag else other for flag in sees_all]
    without = {id(one): replace(one, key_width=0, value_width=0) for one in (full, other)}
    own_caches = (layer if index < own else without[id(layer)] for index, layer in enumerate(layers))
    first = figures.dense_layers
    return tuple(replace(one, experts=NO_WEIGHTS) if at < first else one for at, one in enumerate(own_caches))


def _layer(figures: Figures, shares: _Shares, *, full: bool) -> Layer:
    every = figures.full_every
    recurrent = bool(figures.state_bytes) and not full
    key, value = (0, 0) if recurrent else _widths(figures, full)
    rest = figures.layers - figures.layers // every if every else figures.layers
    return Layer(
        dense=shares.dense,
        experts=shares.experts,
        key_width=key,
        value_width=value,
        window=None if full or recurrent else figures.window,
        state=figures.state_bytes // max(rest, 1) if recurrent else 0,
    )


def _widths(figures: Figures, full: bool) -> tuple[int, int]:
    if figures.compressed_width:
        return figures.compressed_width, 0
    heads, head = figures.kv_heads, _key_head(figures)
    if full and figures.window is not None:
        heads = figures.full_kv_heads or heads
        if figures.full_key_head:
            return heads * figures.full_key_head, heads * figures.full_key_head
    return heads * head, heads * (figures.value_head or head)


def _widths_of_graph(figures: Figures) -> GraphWidths:
    value = figures.value_head or _key_head(figures)
    compressed = bool(figures.compressed_width)
    return GraphWidths(
        width=figures.width,
        queries=0 if compressed else figures.heads * max(_key_head(figures), figures.full_key_head),
        heads=figures.heads,
        dense=figures.feed_forward or figures.shared_experts * figures.expert_feed_forward,
        experts=figures.experts_used * figures.expert_feed_forward,
        experts_used=figures.experts_used,
        shared_experts=bool(figures.shared_experts),
        recurrent=_RECURRENT_WIDTHS * figures.width if figures.state_bytes else 0,
        uncompressed=figures.heads * (2 * figures.compressed_width + value) if compressed else 0,
        value_row=figures.compressed_width,
        wide_queries=figures.architecture.startswith(WIDE_QUERIES),
        windows=figures.window is not None,
    )


def _key_head(figures: Figures) -> int:
    return figures.key_head or figures.width // max(figures.heads, 1)


def _bits(kind: int) -> float:
    known = TENSOR_TYPES[kind]
    return known.size * 8 / known.block
