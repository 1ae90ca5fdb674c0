"""What was measured on this machine, as the speed model uses it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import exp, log

_LATEST = 0.3
"""Weight of the latest measurement; the first few count alike."""


@dataclass(frozen=True)
class Calibrated:
    """What the ten-second measurement found of one device."""

    bandwidth: float
    """Bytes a second at which quantized weights were read while writing."""
    layer_s: float
    """Seconds a layer takes besides."""
    products: float | None = None
    """Operations a second in a prompt's products with quantized weights, everything included."""


@dataclass(frozen=True)
class Corrected:
    """How far a prediction was off for one model on one device, over its latest answers."""

    factor: float = 1.0
    """Measured speed, as a multiple of the predicted one."""
    spread: float = 0.0
    """Mean distance of single measurements from it, as a share."""
    count: int = 0


def corrected(ratios: Iterable[float]) -> Corrected:
    """From measured speeds as multiples of the predicted ones, oldest first: an exponential average."""
    mean = deviation = 0.0
    count = 0
    for ratio in ratios:
        step = log(ratio) - mean
        count += 1
        share = max(_LATEST, 1 / count)
        mean += share * step
        deviation += share * (abs(step) - deviation) if count > 1 else 0.0
    return Corrected(factor=exp(mean), spread=deviation, count=count)


@dataclass(frozen=True)
class Corrections:
    """All of it for one model. `calibrated` is by ggml's device names, "CPU" for the processor."""

    calibrated: Mapping[str, Calibrated] = field(default_factory=dict)
    decode: Corrected = Corrected()
    prefill: Corrected = Corrected()


NOTHING_MEASURED = Corrections()
