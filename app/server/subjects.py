"""What a figure was measured of: a loaded model, where it lies, and which hardware that is."""

from dataclasses import dataclass

from app.hardware.geometry import Geometry
from app.hardware.placement import Placement
from app.hardware.planner import as_named
from app.hardware.search import Search
from app.hardware.trial import name_of
from app.hardware.wish import Wish
from app.protocol import CPU, Machine
from app.server.engine import Engine


@dataclass(frozen=True)
class Subject:
    """A loaded model as the speed model sees it."""

    model: str
    geometry: Geometry
    placement: Placement
    machine: Machine

    @property
    def device(self) -> str:
        """Where it runs: ggml's device names joined by "+", "CPU" the last where layers or experts are there."""
        names = [name for name, layers in self.placement.device_layers if layers]
        beside = self.placement.gpu_layers <= self.placement.blocks or self.placement.cpu_experts > 0
        return "+".join([*names, CPU] if beside or not names else names)

    @property
    def key(self) -> str:
        """Which hardware and drivers that is."""
        return key_of(self.machine, self.device)


def subject_of(engine: Engine) -> Subject | None:
    """The model of that engine; None while it is not loaded."""
    if engine.prepared is None:
        return None
    search, plan = engine.prepared.search, engine.prepared.plan
    placed = as_named(Search(search.geometry, search.machine, Wish.of(plan.params), None, search.besides))
    return Subject(engine.entry.id, search.geometry, placed.placement, search.machine)


def key_of(machine: Machine, device: str) -> str:
    """Names and drivers of the hardware those device names stand for on this machine."""
    known = {name_of(one): f"{one.name} ({one.backend} {one.driver})".replace(" )", ")") for one in machine.devices}
    known[CPU] = machine.cpu_name or ""
    return "; ".join(known.get(name, name) for name in device.split("+"))
