"""Plans of the catalogue's models for one machine, each made once, and what its memories could give at most."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import inf

import msgspec

from app.hardware.catalogued import geometry_of_file
from app.hardware.corrections import Corrections
from app.hardware.geometry import Geometry
from app.hardware.need import Besides
from app.hardware.needs import Needs
from app.hardware.planner import plan
from app.hardware.wish import Wish
from app.protocol import CatalogueModel, GgufFile, Machine, Plan

_LEAST_TIME_S = 0.001
"""No token takes less."""


@dataclass
class Planning:
    """Plans of catalogue models for one machine, each made once."""

    machine: Machine
    corrections: Corrections | None = None
    context: int | None = None
    """What a person named: no less will do."""
    residuals: Mapping[str, int] = field(default_factory=dict)
    """Bytes by device that were measured outside of llama.cpp's buffers."""
    _geometries: dict[tuple[str, str], Geometry] = field(default_factory=dict)
    _plans: dict[tuple[str, str, int, bool], Plan] = field(default_factory=dict)
    _others: dict[bytes, "Planning"] = field(default_factory=dict)

    def on(self, machine: Machine) -> "Planning":
        """The same for another machine; it is made once, and shapes of models are shared."""
        key = msgspec.msgpack.encode(machine)
        if key not in self._others:
            self._others[key] = Planning(machine, self.corrections, self.context, self.residuals, self._geometries)
        return self._others[key]

    def plan(self, model: CatalogueModel, file: GgufFile, needs: Needs, sees: bool = False) -> Plan:
        """The best way to run that file here, with its projector where it shall see."""
        context, least = (self.context, self.context) if self.context else (needs.context, needs.least)
        key = (model.id, file.file, context, sees)
        if key not in self._plans:
            seeing = model.projector.size if sees and model.projector else 0
            besides = Besides(projector=seeing, residuals=self.residuals)
            wish = Wish(context=context, least_context=min(least, model.context_length))
            self._plans[key] = plan(self.geometry(model, file), self.machine, wish, self.corrections, besides)
        return self._plans[key]

    def geometry(self, model: CatalogueModel, file: GgufFile) -> Geometry:
        key = (model.id, file.file)
        if key not in self._geometries:
            self._geometries[key] = geometry_of_file(model, file)
        return self._geometries[key]

    @cached_property
    def room(self) -> int | None:
        """Bytes that all memories together have to give; None where one is not known."""
        machine, total = self.machine, 0
        for device in machine.usable_devices:
            if not device.memory_shared:
                if device.memory_free is None and device.memory_total is None:
                    return None
                total += device.memory_free if device.memory_free is not None else device.memory_total or 0
        if machine.ram_available is None:
            return total if machine.usable_devices else None
        shared = max((device.memory_free or 0 for device in machine.usable_devices if device.memory_shared), default=0)
        return total + max(machine.ram_available, shared)

    @cached_property
    def cards(self) -> int:
        """Bytes free on graphics cards with memory of their own."""
        own = [device for device in self.machine.usable_devices if not device.memory_shared]
        return sum(device.memory_free or device.memory_total or 0 for device in own)

    @property
    def ram_speed(self) -> float | None:
        return self.machine.ram_bandwidth

    @cached_property
    def fastest(self) -> float | None:
        """Bytes a second of the fastest memory; None where one is not known."""
        speeds = [device.bandwidth for device in self.machine.usable_devices]
        speeds += [self.machine.ram_bandwidth] if self.machine.ram_bandwidth or not speeds else []
        known = [speed for speed in speeds if speed]
        return max(known) if len(known) == len(speeds) else None


def fastest_pace(model: CatalogueModel, file: GgufFile, planning: Planning) -> float:
    """Tokens a second no plan can exceed: every weight that is used is read once. 0 where there is no room for it."""
    room, cards = planning.room, planning.cards
    if room is not None and file.size > room:
        return 0.0
    if planning.fastest is None or (cards and planning.ram_speed is None):
        return inf
    experts = model.shape.experts
    used = file.size * model.active_parameters / model.parameters
    spilled = max(file.size - cards, 0) * (experts.used / experts.count if experts is not None else 1.0)
    beside = min(spilled, used) / planning.ram_speed if planning.ram_speed and cards else 0.0
    return 1 / (beside + max(used - spilled if cards else used, 0) / planning.fastest + _LEAST_TIME_S)
