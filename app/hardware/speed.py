"""How fast a model will be: seconds per token from what it costs each device and how fast the device is.

A token that is written takes, summed over the devices (docs/fit.md tells where this comes from):

    hypot(weights read / bandwidth, weights unpacked / rate) + keys and values read / bandwidth + layers x overhead

A token of a prompt takes the operations of its products and its attention, and its part of what a micro-batch takes
once: reading all weights, and the layers' overhead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot

from app.hardware.corrections import NOTHING_MEASURED, Corrected, Corrections
from app.hardware.geometry import Geometry
from app.hardware.placement import Placement
from app.hardware.rates import Rates, rates_by_device
from app.hardware.speed_classes import speed_table
from app.hardware.traffic import Work, crossings, weights_in, work_by_device
from app.protocol import CPU, Confidence, Machine, Prediction, Range

PROMPT = 1000
"""Tokens of the prompt whose reading is predicted."""
_FLOATS = frozenset({0, 1, 30})
"""ggml types that need no unpacking: F32, F16, BF16."""
_Q8_0 = 8
_K_QUANTS = frozenset({10, 11, 12, 13, 14})
_MEASURED = 0.03
"""How far the mean of several answers may be off, at least."""
_ENOUGH = 1
"""Answers after which a speed counts as measured."""
_SHARED_TRANSFER = 0.4
"""Share of the bandwidth at which weights are copied within memory that device and processor share."""


@dataclass(frozen=True)
class Shape:
    """What the speed of a prompt depends on besides its weights."""

    width: int
    heads: int
    attention: int
    """Numbers of a token's queries, all heads together."""
    latent: bool = False
    """Keys are compressed."""


def decode_seconds(work: Work, rates: Rates, depth: int, latent: bool = False) -> float:
    """Seconds one device takes for a token with `depth` tokens before it."""
    constants = rates.constants
    reading = unpacking = 0.0
    for kind, size in work.read.items():
        reading += size * rates.kernels.get(kind, 1.0)
        if kind not in _FLOATS:
            unpacking += weights_in(((kind, size),)) * (constants.unpack_k if kind in _K_QUANTS else 1.0)
    cache = constants.latent_cache if latent else constants.cache if work.flash else constants.plain_cache
    # What was measured of reading weights holds for keys and values too, in the same proportion.
    memory = rates.bandwidth / constants.efficiency
    seconds = hypot(reading / rates.bandwidth, unpacking / rates.unpacked)
    seconds += work.cache_read(depth) / (memory * cache) + work.state / rates.bandwidth
    return seconds + rates.layer_s * (work.layers + (constants.expert_layer - 1) * work.expert_layers)


def prefill_seconds(work: Work, rates: Rates, shape: Shape, depth: float, batch: int) -> float:
    """Seconds one device takes for a prompt's token, read `batch` at once, with `depth` tokens before it on average."""
    constants = rates.constants
    narrow = shape.width / (shape.width + constants.narrow) if shape.width else 1.0
    operations = 0.0
    for kind, count in work.by_kind.items():
        gain = constants.floats if kind in _FLOATS else constants.eight if kind == _Q8_0 else 1.0
        operations += 2 * count / gain
    routed = work.routed / work.multiplied if work.multiplied else 0.0
    seconds = operations * ((1 - routed) / rates.products + routed / rates.expert_products) / narrow
    seen = work.seen(round(depth))
    seconds += 4 * shape.attention * seen / (rates.products * constants.attention)
    if not work.flash:
        seconds += constants.scores * shape.heads * seen / rates.bandwidth
    overhead = rates.layer_s * (work.layers + (constants.expert_layer - 1) * work.expert_layers)
    return seconds + (work.held / rates.bandwidth + overhead) / batch


class Speeds:
    """The speeds of one placement, at any depth."""

    def __init__(
        self, geometry: Geometry, placement: Placement, machine: Machine, corrections: Corrections = NOTHING_MEASURED
    ) -> None:
        self._placement = placement
        self._corrections = corrections
        self._works = {name: work for name, work in work_by_device(geometry, placement).items() if _works(work)}
        self._stated = rates_by_device(machine, {})
        self._rates = rates_by_device(machine, corrections.calibrated) if corrections.calibrated else self._stated
        self._shape = shape_of(geometry)
        self._crossings = crossings(placement)

    @property
    def known(self) -> bool:
        """Whether the bandwidth of every device is known, or can at least be bounded."""
        return all(name in self._rates for name in self._works)

    @property
    def confidence(self) -> Confidence:
        if self._corrections.decode.count >= _ENOUGH:
            return Confidence.MEASURED
        calibrated = all(self._rates[name].calibrated for name in self._works)
        return Confidence.CALIBRATED if calibrated and self._works else Confidence.PRIOR

    def decode(self, depth: int) -> Range:
        """Tokens per second that are written with `depth` tokens before them."""
        rates, latent = self._rates_for(self._corrections.decode), self._shape.latent
        times = {name: decode_seconds(work, rates[name], depth, latent) for name, work in self._works.items()}
        spread = _weighted({name: rates[name].spread for name in times}, times)
        seconds = sum(times.values()) + self._crossings * speed_table().crossing_us * 1e-6
        return _corrected(1 / seconds, spread, self._corrections.decode)

    def prefill(self, tokens: int, depth: int = 0) -> Range:
        """Tokens per second of reading that many more, with `depth` before them."""
        placement = self._placement
        batch = max(1, min(tokens, placement.micro_batch, placement.batch))
        rates = self._rates_for(self._corrections.prefill)
        times = {name: self._reading(name, rates, depth + tokens / 2, batch) for name in self._works}
        spread = _weighted({name: rates[name].prefill_spread for name in times}, times)
        seconds = sum(times.values()) + self._crossings * speed_table().crossing_us * 1e-6 / batch
        return _corrected(1 / seconds, spread, self._corrections.prefill)

    def _rates_for(self, measured: Corrected) -> Mapping[str, Rates]:
        """A model's own measurements are reckoned from what makers state, whatever a calibration found since."""
        return self._stated if measured.count >= _ENOUGH else self._rates

    def _reading(self, name: str, rates: Mapping[str, Rates], depth: float, batch: int) -> float:
        """Seconds a token of a prompt takes on that device; with a GPU, it computes what lies beside the processor."""
        work = self._works[name]
        device = next((device for device, layers in self._placement.device_layers if layers), None)
        if name != CPU or device is None or device not in rates:
            return prefill_seconds(work, rates[name], self._shape, depth, batch)
        theirs, transfer = rates[device], speed_table().transfer
        if theirs.shares_memory:
            transfer = max(transfer, _SHARED_TRANSFER * theirs.memory)
        return max(prefill_seconds(work, theirs, self._shape, depth, batch), work.held / transfer / batch)


def predict(
    geometry: Geometry,
    placement: Placement,
    machine: Machine,
    corrections: Corrections | None = None,
    depth: int = 4096,
) -> Prediction | None:
    """How fast the placed model will write with `depth` tokens before it, and read a prompt of 1,000 tokens.

    None where the bandwidth of a device that is used is neither known nor bounded.
    """
    speeds = Speeds(geometry, placement, machine, corrections or NOTHING_MEASURED)
    if not speeds.known:
        return None
    first, prefill = speeds.decode(PROMPT), speeds.prefill(PROMPT)
    return Prediction(
        decode=speeds.decode(depth),
        prefill=prefill,
        ttft_s=Range(
            low=PROMPT / prefill.high + 1 / first.high,
            expected=PROMPT / prefill.expected + 1 / first.expected,
            high=PROMPT / prefill.low + 1 / first.low,
        ),
        depth=depth,
        confidence=speeds.confidence,
    )


def shape_of(geometry: Geometry) -> Shape:
    """What the speed of a prompt depends on besides its weights."""
    return Shape(
        width=geometry.width,
        heads=geometry.heads,
        attention=geometry.heads * geometry.key_head or geometry.width,
        latent=geometry.compressed_cache,
    )


def _works(work: Work) -> bool:
    return bool(work.read or work.layers or work.cache or work.state)


def _weighted(spreads: dict[str, float], times: dict[str, float]) -> float:
    """The spread of a sum: each device's, by its part of the time."""
    total = sum(times.values())
    return sum(spreads[name] * time for name, time in times.items()) / total if total else 0.0


def _corrected(speed: float, spread: float, measured: Corrected) -> Range:
    if measured.count >= _ENOUGH:
        speed, spread = speed * measured.factor, max(_MEASURED, measured.spread)
    return Range(low=speed / (1 + spread), expected=speed, high=speed * (1 + spread))
