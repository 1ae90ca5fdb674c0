"""The scratch memory of a computation: what ggml's allocator reserves for the graph of one micro-batch."""

from dataclasses import dataclass

from app.hardware.cells import cells_of, rounded
from app.hardware.geometry import Geometry
from app.hardware.placement import Placement

_F16, _F32 = 2, 4


@dataclass(frozen=True)
class Compute:
    """Bytes of scratch memory beside the processor, and on each device that computes layers."""

    host: int
    device: int
    output: int
    """Logits as they are handed out."""


def compute_of(geometry: Geometry, placement: Placement, outputs: int) -> Compute:
    """What the graph of one micro-batch takes at its widest point."""
    tokens = min(placement.micro_batch, placement.batch, rounded(placement.context_length))
    layer = _layer_peak(geometry, placement, tokens)
    logits = min(outputs, tokens) * geometry.vocabulary * _F32 + tokens * geometry.width * _F32
    peak = max(layer, logits)
    kept = placement.slots * geometry.vocabulary * _F32
    if placement.gpu_layers == 0:
        return Compute(host=peak, device=0, output=kept)
    host = 2 * tokens * geometry.width * _F32 + _mask(geometry, placement, tokens)
    whole = placement.gpu_layers > placement.blocks and not placement.cpu_experts
    return Compute(host=host if whole else max(host, layer), device=peak, output=kept)


def _layer_peak(geometry: Geometry, placement: Placement, tokens: int) -> int:
    width, cells = tokens * geometry.width * _F32, rounded(placement.context_length)
    mask = _mask(geometry, placement, tokens)
    inner = 3 * tokens * geometry.feed_forward * _F32 + 4 * width + mask
    if placement.flash_attention:
        return inner
    scores = geometry.heads * cells * tokens * _F32
    return max(inner, scores + mask + 4 * width + width // 2)


def _mask(geometry: Geometry, placement: Placement, tokens: int) -> int:
    """One mask for each size of cache."""
    sizes = {cells_of(layer, placement) for layer in geometry.layers if layer.key_width}
    return sum(sizes) * tokens * (_F16 if placement.flash_attention else _F32)
