"""Who watches loads and answers, and tells what was measured: the part of `Measuring` that engines know."""

from collections.abc import Mapping
from typing import Protocol

from app.hardware.corrections import NOTHING_MEASURED, Corrections
from app.protocol import GenerationStats, Machine
from app.server.engine import Engine
from app.server.planning import Knowledge


class Witness(Knowledge, Protocol):
    """It must not block: what it stores it stores later."""

    def answered(self, engine: Engine, stats: GenerationStats) -> None:
        """An answer was written while no other was."""

    def settled(self, engine: Engine) -> None:
        """A model has been loaded."""


class Nobody:
    """Nothing is measured, nothing was."""

    def answered(self, engine: Engine, stats: GenerationStats) -> None:
        """It is not kept."""

    def settled(self, engine: Engine) -> None:
        """It is not kept."""

    def corrections(self, machine: Machine, model: str) -> Corrections:
        return NOTHING_MEASURED

    def residuals(self, machine: Machine) -> Mapping[str, int]:
        return {}


NOBODY = Nobody()
