"""How many layers each of several devices holds: bytes per layer on one side, room per device on the other.

Estimates, made to guess well: what a plan says is always checked with `memory_use`.
"""

from collections.abc import Sequence

from app.hardware.cells import layer_cache, widest_value
from app.hardware.geometry import Geometry
from app.hardware.placement import Placement

_SHARES = (1.0, 1.03, 1.08, 1.2)
"""Steps by which even shares are widened until whole layers go into them."""


def layer_costs(geometry: Geometry, placement: Placement) -> list[int]:
    """Bytes each block takes on a device besides its experts, caches kept as in that placement; last the output's."""
    widest, slots = widest_value(geometry), placement.slots
    costs = [
        layer.dense.size + layer_cache(layer, placement, widest).total + layer.state * slots
        for layer in geometry.layers
    ]
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
