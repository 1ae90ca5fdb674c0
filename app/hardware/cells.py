"""How many cells the KV cache of each layer has, and what they take by the type they are kept in."""

from dataclasses import dataclass

from app.hardware.geometry import Geometry, Layer
from app.hardware.placement import Placement
from app.protocol import KvType

CELL_STEP = 256
"""llama.cpp rounds caches up to whole steps."""

_TYPES = {
    KvType.F32: (1, 4),
    KvType.F16: (1, 2),
    KvType.BF16: (1, 2),
    KvType.Q8_0: (32, 34),
    KvType.Q5_1: (32, 24),
    KvType.Q5_0: (32, 22),
    KvType.Q4_1: (32, 20),
    KvType.Q4_0: (32, 18),
    KvType.IQ4_NL: (32, 18),
}
"""Numbers of a block and its bytes."""


@dataclass(frozen=True)
class CacheBytes:
    """What one layer's cache takes."""

    cells: int = 0
    keys: int = 0
    values: int = 0

    @property
    def total(self) -> int:
        return self.keys + self.values


def rounded(tokens: int) -> int:
    """Up to whole steps."""
    return -(-tokens // CELL_STEP) * CELL_STEP


def cells_of(layer: Layer, placement: Placement) -> int:
    """Tokens the cache of this layer holds; a window needs room for a micro-batch besides, for each sequence."""
    whole = rounded(placement.context_length)
    if layer.window is None or placement.swa_full:
        return whole
    batch = min(placement.micro_batch, placement.batch, whole)
    return rounded(min(whole, layer.window * placement.slots + batch))


def layer_cache(layer: Layer, placement: Placement, widest_value: int = 0) -> CacheBytes:
    """Bytes of one layer's keys and values. `widest_value`: of all layers, as `widest_value` says."""
    if not layer.key_width:
        return CacheBytes()
    cells = cells_of(layer, placement)
    values = layer.value_width if placement.flash_attention or not layer.value_width else widest_value
    return CacheBytes(
        cells=cells,
        keys=cells * row_bytes(layer.key_width, placement.kv_type_k),
        values=cells * row_bytes(values, placement.kv_type_v),
    )


def cache_by_kind(geometry: Geometry, placement: Placement) -> dict[tuple[int, int, int | None], int]:
    """Bytes of the cache of a layer of each kind."""
    widest = widest_value(geometry)
    return {one.cache_kind: layer_cache(one, placement, widest).total for one in geometry.cache_kinds}


def widest_value(geometry: Geometry) -> int:
    """Without flash attention values lie transposed, and every layer takes as much as the widest."""
    return max((layer.value_width for layer in geometry.cache_kinds), default=0)


def row_bytes(width: int, kind: KvType) -> int:
    """Bytes of a row of so many numbers."""
    block, size = _TYPES[kind]
    return -(-width // block) * size
