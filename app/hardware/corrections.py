"""What was measured on this machine, as the speed model uses it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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


@dataclass(frozen=True)
class Corrections:
    """All of it for one model. `calibrated` is by ggml's device names, "CPU" for the processor."""

    calibrated: Mapping[str, Calibrated] = field(default_factory=dict)
    decode: Corrected = Corrected()
    prefill: Corrected = Corrected()


NOTHING_MEASURED = Corrections()
