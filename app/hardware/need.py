"""What a placement takes of each device's memory, byte by byte, from the shape of the model alone (level 0).

Formulas: docs/fit.md, checked against llama.cpp's own buffers by tests/hardware/test_need.py.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from msgspec.structs import replace as changed

from app.hardware.cells import cache_by_kind
from app.hardware.compute import CUDA_LIKE, backend_scratch, compute_of
from app.hardware.defaults import outputs_of
from app.hardware.geometry import Geometry, Weights
from app.hardware.placement import Placement
from app.hardware.repacking import has_tiles, repacked_bytes, repacked_types
from app.hardware.residual import WORKER, device_reserve, prior_residual, ram_reserve
from app.protocol import CPU, Device, KvType, Machine, MemoryUse

_MOST = 2**60
"""More than any machine has: absurd headers give numbers that fit the wire."""


@dataclass(frozen=True)
class Besides:
    """What is loaded beside the model, and what is already known of this machine."""

    projector: int = 0
    """Bytes of the projector for pictures; see `projector_bytes`."""
    draft: Geometry | None = None
    """The drafting model, which lies where the model lies."""
    residuals: Mapping[str, int] = field(default_factory=dict)
    """Measured bytes by device name, which replace the priors."""


@dataclass
class _Sum:
    """The parts of one device while they are added up."""

    host: bool
    padded: bool
    weights: int = 0
    cache: int = 0
    state: int = 0
    repacked: int = 0


NOTHING = Besides()


def memory_use(
    geometry: Geometry, placement: Placement, machine: Machine, besides: Besides = NOTHING
) -> tuple[MemoryUse, ...]:
    """What each device that is used must give, the machine's memory ("CPU") last."""
    cards = {device.engine_name or device.name: device for device in machine.devices}
    sums = _sums(geometry, placement, machine, cards)
    compute = compute_of(geometry, placement, placement.outputs or outputs_of(placement.slots, placement.batch))
    draft = _draft(besides.draft, placement, machine)
    projector = {placement.device_of(placement.blocks): besides.projector}
    uses: list[MemoryUse] = []
    for name, _ in placement.device_layers:
        card = cards.get(name)
        guess = prior_residual(card, geometry, placement) if card is not None else 0
        use = _use(name, sums[name], besides.residuals.get(name, guess), projector, draft)
        free, reserve = (card.memory_free, device_reserve(card, machine)) if card is not None else (None, 0)
        scratch = compute.device + backend_scratch(card.backend if card is not None else "", geometry, placement)
        uses.append(changed(use, compute=_bounded(scratch), free=free, reserve=reserve))
    host = changed(
        _use(CPU, sums[CPU], besides.residuals.get(CPU, WORKER), projector, draft),
        compute=_bounded(compute.host),
        output=_bounded(compute.output),
        repacked=_bounded(sums[CPU].repacked),
        free=_free_ram(machine, uses),
        reserve=ram_reserve(machine),
    )
    return (*uses, host)


def _use(name: str, part: _Sum, residual: int, projector: Mapping[str, int], draft: Mapping[str, int]) -> MemoryUse:
    return MemoryUse(
        device=name,
        weights=_bounded(part.weights),
        cache=_bounded(part.cache),
        state=_bounded(part.state),
        projector=_bounded(projector.get(name, 0)),
        draft=_bounded(draft.get(name, 0)),
        residual=_bounded(residual),
    )


def _sums(geometry: Geometry, placement: Placement, machine: Machine, cards: Mapping[str, Device]) -> dict[str, _Sum]:
    """Weights, caches and states of each device."""
    padded = {name for name, card in cards.items() if card.backend in CUDA_LIKE}
    sums = {name: _Sum(name == CPU, name in padded) for name in (*(name for name, _ in placement.device_layers), CPU)}
    types, tiles = repacked_types(machine), has_tiles(machine)
    places, host = placement.devices(), sums[CPU]
    caches = cache_by_kind(geometry, placement)
    for name, layer in zip(places, geometry.layers, strict=False):
        _add(sums[name], layer.dense, types, tiles)
        keeper = sums[name] if placement.kv_offload else host
        keeper.cache += caches.get(layer.cache_kind, 0)
        keeper.state += layer.state * placement.slots
    if geometry.expert_count:
        for index, (name, layer) in enumerate(zip(places, geometry.layers, strict=False)):
            _add(host if index < placement.cpu_experts else sums[name], layer.experts, types, tiles)
    _add(host, geometry.embedding, types, tiles)
    _add(host, geometry.other, types, tiles)
    _add(sums[places[-1]], geometry.output, types, tiles, shared=_shared(geometry))
    return sums


def _add(part: _Sum, weights: Weights, types: AbstractSet[int], tiles: bool, shared: int = 0) -> None:
    """Put weights on a device. `shared`: bytes of them that are there already where they are not repacked."""
    if not part.host:
        part.weights += weights.size + (weights.cuda_padding if part.padded else 0)
        return
    repacked = repacked_bytes(weights, types, tiles=tiles)
    part.repacked += repacked
    part.weights += weights.size - (0 if repacked >= shared else shared)


def _shared(geometry: Geometry) -> int:
    return geometry.embedding.size if geometry.tied else 0


def _draft(draft: Geometry | None, placement: Placement, machine: Machine) -> dict[str, int]:
    """What the drafting model takes of each device: it is loaded whole where the model lies, with a cache as long."""
    if draft is None:
        return {}
    blocks = len(draft.layers)
    offloaded = bool(placement.gpu_layers)
    device = placement.device_layers[-1][0] if offloaded else CPU
    own = replace(
        placement,
        blocks=blocks,
        context_length=min(placement.context_length, draft.trained_context or placement.context_length),
        device_layers=((device, blocks + 1),) if offloaded else (),
        cpu_experts=0,
        outputs=placement.slots,
        kv_type_k=KvType.F16,
        kv_type_v=KvType.F16,
    )
    uses = memory_use(draft, own, machine)
    return {use.device: use.total - use.residual for use in uses}


def _free_ram(machine: Machine, uses: Iterable[MemoryUse]) -> int | None:
    """What is free of the machine's memory once devices that compute in it have taken their part."""
    if machine.ram_available is None:
        return None
    cards = {device.engine_name or device.name: device for device in machine.devices}
    borrowed = 0
    for use in uses:
        card = cards.get(use.device)
        if card is not None and card.memory_shared:
            own = max((card.memory_total or 0) - card.memory_shared, 0)
            borrowed += max(use.total - own, 0)
    return max(machine.ram_available - borrowed, 0)


def _bounded(size: int) -> int:
    return min(max(size, 0), _MOST)
