"""What was measured of this machine, as far as plans ask for it."""

from collections.abc import Mapping
from typing import Protocol

from app.hardware.corrections import Corrections
from app.protocol import Machine


class Measured(Protocol):
    """Knows it without looking anything up: plans are made on the event loop."""

    def corrections(self, machine: Machine, model: str) -> Corrections:
        """What was measured of the speed of that machine and that model (its id)."""

    def residuals(self, machine: Machine) -> Mapping[str, int]:
        """Bytes by device that were taken outside of llama.cpp's buffers, as they were measured."""
