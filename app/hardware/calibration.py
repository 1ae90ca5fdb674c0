"""Solves for what a machine really does: bandwidth and seconds per layer from the speeds of two known models.

Both take `reading / bandwidth + layers x overhead` for a token; two models with different shares of the two give both.
"""

from dataclasses import dataclass
from math import sqrt

from app.hardware.corrections import Calibrated
from app.hardware.geometry import Geometry
from app.hardware.placement import Placement
from app.hardware.rates import Rates, rates_by_device
from app.hardware.speed import prefill_seconds, shape_of
from app.hardware.traffic import Work, work_by_device
from app.protocol import CPU, Machine, Measurement, MeasurementKind

_ROUNDS = 60
_LEAST_OPERATIONS, _MOST_OPERATIONS = 1e8, 1e16


@dataclass(frozen=True)
class Run:
    """What was measured of one model on one device. Times are seconds per token."""

    geometry: Geometry
    decode_s: float
    decode_depth: int
    """Tokens before the one in the middle."""
    prefill_s: float
    prompt: int
    """Tokens of the prompt that was read."""


def calibrated(runs: tuple[Run, Run], device: str, machine: Machine) -> Calibrated:
    """What these runs say of the device (ggml's name, or "CPU")."""
    rates = rates_by_device(machine, {device: Calibrated(bandwidth=1e9, layer_s=0.0)})[device]
    works = [_work(run.geometry, device) for run in runs]
    reads = [_reading(work, rates, run.decode_depth) for work, run in zip(works, runs, strict=True)]
    bandwidth, layer_s = _solved(reads, works, runs)
    found = Calibrated(bandwidth=bandwidth, layer_s=layer_s)
    return Calibrated(bandwidth, layer_s, _products(runs[0], works[0], rates, found))


def as_measurements(
    found: Calibrated, expected: Calibrated | None, device: str, key: str, build: str, now: float
) -> list[Measurement]:
    """The rows in which a calibration is stored, beside what the constants promised."""
    figures = (
        (MeasurementKind.BANDWIDTH, found.bandwidth, expected.bandwidth if expected else None),
        (MeasurementKind.LAYER, found.layer_s, expected.layer_s if expected else None),
        (MeasurementKind.PRODUCTS, found.products, expected.products if expected else None),
    )
    return [
        Measurement(
            id=0, created=now, kind=kind, model="", device=device, key=key, build=build,
            predicted=predicted, measured=measured,
        )
        for kind, measured, predicted in figures
        if measured is not None
    ]  # fmt: skip


def from_measurements(rows: list[Measurement]) -> Calibrated | None:
    """The newest calibration among these rows of one device, oldest first; None without one."""
    newest = {row.kind: row.measured for row in rows}
    bandwidth = newest.get(MeasurementKind.BANDWIDTH)
    if not bandwidth:
        return None
    return Calibrated(bandwidth, newest.get(MeasurementKind.LAYER, 0.0), newest.get(MeasurementKind.PRODUCTS))


def promised(machine: Machine, device: str) -> Calibrated | None:
    """What the constants promise of a device; None where nobody knows its bandwidth."""
    rates = rates_by_device(machine, {}).get(device)
    return None if rates is None else Calibrated(rates.bandwidth, rates.layer_s, rates.products)


def _work(geometry: Geometry, device: str) -> Work:
    layers = len(geometry.layers)
    placed = () if device == CPU else ((device, layers + 1),)
    placement = Placement(context_length=2048, blocks=layers, device_layers=placed)
    return work_by_device(geometry, placement)[device]


def _reading(work: Work, rates: Rates, depth: int) -> float:
    """Bytes a token reads, keys and values counted as the bytes of weights that would take as long."""
    constants = rates.constants
    weights = sum(size * rates.kernels.get(kind, 1.0) for kind, size in work.read.items())
    return weights + work.cache_read(depth) * constants.efficiency / constants.cache


def _solved(reads: list[float], works: list[Work], runs: tuple[Run, Run]) -> tuple[float, float]:
    """Bandwidth and seconds per layer; where noise would make one negative, all is put down to reading the larger."""
    (first, second), (one, other) = reads, runs
    layers = [work.layers for work in works]
    determinant = first * layers[1] - second * layers[0]
    slowness = (one.decode_s * layers[1] - other.decode_s * layers[0]) / determinant
    layer_s = (first * other.decode_s - second * one.decode_s) / determinant
    if slowness <= 0 or layer_s < 0:
        return first / one.decode_s, 0.0
    return 1 / slowness, layer_s


def _products(run: Run, work: Work, rates: Rates, found: Calibrated) -> float:
    """Operations per second with which the prompt takes as long as it did."""
    shape = shape_of(run.geometry)
    low, high = _LEAST_OPERATIONS, _MOST_OPERATIONS
    for _ in range(_ROUNDS):
        middle = sqrt(low * high)
        tried = rates.calibrate(Calibrated(found.bandwidth, found.layer_s, middle))
        slow = prefill_seconds(work, tried, shape, run.prompt / 2, min(run.prompt, 512)) > run.prefill_s
        low, high = (middle, high) if slow else (low, middle)
    return sqrt(low * high)
