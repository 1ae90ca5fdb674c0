"""What one token costs each device of a placement: bytes that are read, weights that are multiplied, attention.

Nothing here depends on how fast a device is; `app.hardware.speed` turns these amounts into seconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from app.hardware.geometry import Geometry, Layer, Weights
from app.hardware.placement import Placement
from app.hardware.quantizations import TENSOR_TYPES
from app.protocol import CPU, KvType

_BYTES_PER_NUMBER = {
    KvType.F32: 4.0,
    KvType.F16: 2.0,
    KvType.BF16: 2.0,
    KvType.Q8_0: 34 / 32,
    KvType.Q5_1: 24 / 32,
    KvType.Q5_0: 22 / 32,
    KvType.Q4_1: 20 / 32,
    KvType.Q4_0: 18 / 32,
    KvType.IQ4_NL: 18 / 32,
}
_STATE_PASSES = 2
"""A recurrent state is read and written back."""
_UNKNOWN_BITS = 0.6
"""Bytes per weight of a type that is not known: about five bits."""


@dataclass
class Work:
    """One device's share of a token. Sizes are bytes."""

    read: dict[int, float] = field(default_factory=dict)
    """Weights read while writing one token, by ggml type."""
    held: float = 0.0
    """Weights of the layers, all experts: read once for each micro-batch of a prompt."""
    multiplied: float = 0.0
    """Weights of the layers a prompt's token is multiplied with. The output layer is none: only the last token is."""
    routed: float = 0.0
    """Of these, in routed experts."""
    by_kind: dict[int, float] = field(default_factory=dict)
    """`multiplied`, by ggml type."""
    layers: int = 0
    expert_layers: int = 0
    cache: tuple[tuple[int | None, float], ...] = ()
    """(window, bytes of keys and values a token keeps) of each layer with a cache."""
    state: float = 0.0
    """Recurrent state that is read and written for each token."""
    flash: bool = True
    """Attention is computed without writing its scores to the memory."""

    def cache_read(self, depth: int) -> float:
        """Bytes of keys and values read for a token with `depth` tokens before it."""
        return sum(size * _seen(window, depth) for window, size in self.cache)

    def seen(self, depth: int) -> int:
        """Tokens that are attended to, added up over the layers."""
        return sum(_seen(window, depth) for window, _ in self.cache)


def work_by_device(geometry: Geometry, placement: Placement) -> dict[str, Work]:
    """What each device of the placement does, by ggml's name; "CPU" is the processor."""
    works: dict[str, Work] = {}
    share, flash = geometry.expert_share, placement.flash_attention
    places = placement.devices()
    for index, layer in enumerate(geometry.layers):
        device = places[index]
        work = works.setdefault(device, Work(flash=flash))
        work.layers += 1
        work.expert_layers += bool(layer.experts.size)
        work.state += layer.state * _STATE_PASSES
        _add_layer_weights(work, layer.dense)
        beside = CPU if index < placement.cpu_experts else device
        _add_layer_weights(works.setdefault(beside, Work(flash=flash)), layer.experts, share)
        cached = works.setdefault(device if placement.kv_offload else CPU, Work(flash=flash))
        _add_cache(cached, layer, placement)
    output = works.setdefault(places[-1], Work(flash=flash))
    _add_read(output, geometry.embedding if geometry.tied and not geometry.output.size else geometry.output)
    return works


def crossings(placement: Placement) -> int:
    """How often the numbers of a token go from one device to another."""
    experts = placement.cpu_experts
    places = placement.devices()
    beside = sum(place != CPU for place in places[: min(experts, placement.blocks)])
    return 2 * beside + sum(one != other for one, other in pairwise(places))


def weights_in(sizes: Iterable[tuple[int, float]]) -> float:
    """How many weights tensors of these types and bytes hold."""
    return sum(size * _weights_per_byte(kind) for kind, size in sizes)


def _add_layer_weights(work: Work, weights: Weights, share: float = 1.0) -> None:
    if not weights.size:
        return
    _add_read(work, weights, share)
    work.held += weights.size
    for kind, size in _by_type(weights):
        count = size * share * _weights_per_byte(kind)
        work.multiplied += count
        work.by_kind[kind] = work.by_kind.get(kind, 0.0) + count
        if share < 1.0:
            work.routed += count


def _add_read(work: Work, weights: Weights, share: float = 1.0) -> None:
    for kind, size in _by_type(weights):
        work.read[kind] = work.read.get(kind, 0.0) + size * share


def _add_cache(work: Work, layer: Layer, placement: Placement) -> None:
    if not layer.key_width:
        return
    keys = layer.key_width * _BYTES_PER_NUMBER[placement.kv_type_k]
    values = layer.value_width * _BYTES_PER_NUMBER[placement.kv_type_v]
    work.cache += ((layer.window, keys + values),)


def _by_type(weights: Weights) -> Iterable[tuple[int, float]]:
    """Sizes by type; all of them of an unknown type where the geometry does not say."""
    return weights.by_type.items() if weights.by_type else ((-1, weights.size),)


def _weights_per_byte(kind: int) -> float:
    known = TENSOR_TYPES.get(kind)
    return known.block / known.size if known else 1 / _UNKNOWN_BITS


def _seen(window: int | None, depth: int) -> int:
    return depth if window is None else min(window, depth)
