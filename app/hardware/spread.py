"""How many layers each of several devices holds: bytes per layer on one side, room per device on the other.

Estimates, made to guess well: what a plan says is always checked with `memory_use`.
"""

from collections.abc import Sequence

from app.hardware.geometry import Geometry, Layer
from app.hardware.wish import Setting
from app.protocol import KvType

_ELEMENT_BYTES = {
    KvType.F32: 4.0,
    KvType.F16: 2.0,
    KvType.BF16: 2.0,
    KvType.Q8_0: 1.0625,
    KvType.Q5_1: 0.75,
    KvType.Q5_0: 0.6875,
    KvType.Q4_1: 0.625,
    KvType.Q4_0: 0.5625,
    KvType.IQ4_NL: 0.5625,
}
"""Bytes of a number in the cache, the scales of its block shared out (hardware_fit.md §2.2)."""
_SHARES = (1.0, 1.03, 1.08, 1.2)
"""Steps by which even shares are widened until whole layers go into them."""


def layer_costs(geometry: Geometry, setting: Setting, slots: int) -> list[int]:
    """Bytes each block takes on a device besides its experts, and last the output's."""
    costs = [layer.dense.size + int(_cache(layer, setting)) + layer.state * slots for layer in geometry.layers]
    return [*costs, geometry.output.size]


def with_experts(costs: Sequence[int], geometry: Geometry, cpu_experts: int) -> list[int]:
    """The same with the experts, but for those of the first layers that stay beside the processor."""
    heavy = [layer.experts.size if index >= cpu_experts else 0 for index, layer in enumerate(geometry.layers)]
    return [cost + experts for cost, experts in zip(costs, [*heavy, 0], strict=True)]


def fill(costs: Sequence[int], rooms: Sequence[int]) -> list[int]:
    """Layers on each device: from the last layer and the last device on, as many as there is room for."""
    counts = [0] * len(rooms)
    layer = len(costs) - 1
    for device in reversed(range(len(rooms))):
        left = rooms[device]
        while layer >= 0 and costs[layer] <= left:
            left -= costs[layer]
            counts[device] += 1
            layer -= 1
    return counts


def fill_evenly(costs: Sequence[int], rooms: Sequence[int]) -> list[int]:
    """The same where all layers have room, in shares as even as whole layers allow."""
    total, room = sum(costs), sum(rooms)
    share = total / room if room > 0 else 1.0
    for step in _SHARES:
        if share * step >= 1.0:
            break
        counts = fill(costs, [int(each * share * step) for each in rooms])
        if sum(counts) == len(costs):
            return counts
    return fill(costs, rooms)


def _cache(layer: Layer, setting: Setting) -> float:
    cells = setting.context if layer.window is None else min(setting.context, layer.window + setting.micro_batch)
    key, value = (_ELEMENT_BYTES[kind] for kind in setting.kv)
    return cells * (layer.key_width * key + layer.value_width * value)
