"""The scratch memory of a computation: what ggml's allocator reserves for the graph of one micro-batch.

The factors were found by varying one figure of a model at a time (docs/fit.md); they hold to 1 % or 40 MiB.
"""

from dataclasses import dataclass

from app.hardware.cells import cells_of, rounded
from app.hardware.geometry import Geometry
from app.hardware.graph import GraphWidths
from app.hardware.placement import Placement
from app.protocol import KvType

_F16, _F32 = 2, 4
_STREAMS = 4
"""Copies of the residual stream at the widest moment of a feed-forward layer."""
_EXPERT_STREAMS = 5
_STATE_COPIES = 2
_COPIES = 4
"""Of what a device is handed, where several compute everything one after the other (GGML_SCHED_MAX_COPIES)."""
CUDA_LIKE = frozenset({"CUDA", "ROCm", "HIP", "MUSA"})
METAL = frozenset({"Metal", "MTL"})
_METAL_ROWS = 32
_UNQUANTIZED = frozenset({KvType.F32, KvType.F16, KvType.BF16})


@dataclass(frozen=True)
class Compute:
    """Bytes of scratch memory beside the processor, and on each device that computes layers."""

    host: int
    device: int
    output: int
    """Logits as they are handed out."""


def compute_of(geometry: Geometry, placement: Placement, outputs: int) -> Compute:
    """What the graph of one micro-batch takes at its widest moment."""
    tokens = min(placement.micro_batch, placement.batch, rounded(placement.context_length))
    stream = tokens * geometry.width * _F32
    masks = _masks(geometry, placement, tokens)
    layers = max(_feeding(geometry, placement, tokens), _attending(geometry, placement, tokens)) + masks
    logits = min(outputs, tokens) * geometry.vocabulary * _F32 + 2 * stream
    peak = max(layers, logits)
    kept = placement.slots * geometry.vocabulary * _F32
    if placement.gpu_layers == 0:
        return Compute(host=peak, device=0, output=kept)
    host = 2 * stream + masks
    whole = placement.gpu_layers > placement.blocks and not placement.cpu_experts and placement.kv_offload
    copies = (_COPIES - 1) * (masks + stream) if whole and len(placement.device_layers) > 1 else 0
    device = logits if placement.gpu_layers == 1 else peak  # a single layer is the output
    return Compute(
        host=host if whole else max(host, layers),
        device=max(device - stream, 0) + copies,
        output=kept,
    )


def _feeding(geometry: Geometry, placement: Placement, tokens: int) -> int:
    """The widest moment of feed-forward and recurrent layers, without masks."""
    graph = geometry.graph
    inner = (3 if graph.gated else 2) * graph.dense
    numbers = [inner + _streams(graph, placement) + _beside(graph), graph.recurrent]
    if graph.experts:
        numbers.append(_expert_numbers(graph))
    return max(numbers) * tokens * _F32 + _STATE_COPIES * geometry.largest_state * placement.slots


def _streams(graph: GraphWidths, placement: Placement) -> int:
    """What is held of the residual stream beside a dense layer."""
    if not placement.flash_attention:
        return (_STREAMS + (1 if graph.wide_queries else 0)) * graph.width
    if placement.kv_type_k in _UNQUANTIZED or graph.windows:
        return _STREAMS * graph.width
    if graph.parallel:
        return _STREAMS * graph.width + graph.parallel
    # queries are rotated first, and what they leave is used later where it is large enough
    return (_STREAMS - 1) * graph.width + (graph.queries if graph.queries > graph.width else 0)


def _expert_numbers(graph: GraphWidths) -> int:
    """Experts hold gate, up and their product; what they put out is added in where those leave no gap for it."""
    outputs = graph.experts_used * graph.width
    streams = _STREAMS if graph.shared_experts else _EXPERT_STREAMS
    apart = graph.shared_experts or 2 * graph.experts < outputs
    return 3 * graph.experts + (outputs if apart else 0) + streams * graph.width


def _beside(graph: GraphWidths) -> int:
    """Embeddings for each layer, and what is computed from them."""
    return graph.beside + 2 * graph.width if graph.beside else 0


def _attending(geometry: Geometry, placement: Placement, tokens: int) -> int:
    """The widest moment of attention, without masks."""
    graph = geometry.graph
    if not geometry.cache_kinds:
        return 0
    numbers = graph.beside + (7 * graph.width) // 2
    numbers += (7 if graph.wide_queries else 0 if graph.joined else 4) * graph.queries // 2
    numbers += graph.uncompressed + (graph.width if graph.uncompressed else 0)
    if placement.flash_attention:
        return numbers * tokens * _F32
    cells = max(cells_of(layer, placement) for layer in geometry.cache_kinds)
    transposed = max(cells * graph.value_row * _F16 - graph.width * tokens * _F32, 0)
    return (numbers + graph.heads * cells) * tokens * _F32 + transposed


def _masks(geometry: Geometry, placement: Placement, tokens: int) -> int:
    """One mask for layers that see everything and one for those with a window."""
    widest = {False: 0, True: 0}
    for layer in geometry.cache_kinds:
        slides = layer.window is not None
        widest[slides] = max(widest[slides], cells_of(layer, placement))
    return sum(widest.values()) * tokens * (_F16 if placement.flash_attention else _F32)


def backend_scratch(backend: str, geometry: Geometry, placement: Placement) -> int:
    """What the kernels of a backend need besides on each device, inside llama.cpp's scratch buffer."""
    if not placement.flash_attention:
        return 0
    if backend in CUDA_LIKE:
        return unpacked_cache(geometry, placement)
    if backend in METAL:
        rows = min(placement.micro_batch, _METAL_ROWS) * geometry.heads * _METAL_ROWS
        experts = _F32 * geometry.expert_count * placement.micro_batch
        return unpacked_cache(geometry, placement) + _F32 * rows * (geometry.value_head + 2) + experts
    return 0


def unpacked_cache(geometry: Geometry, placement: Placement) -> int:
    """Keys and values of one layer in 16 bits: flash attention reads no others, and a quantized cache is unpacked."""
    if placement.kv_type_k in _UNQUANTIZED:
        return 0
    kinds = geometry.cache_kinds
    return max((cells_of(one, placement) * (one.key_width + one.value_width) * _F16 for one in kinds), default=0)
