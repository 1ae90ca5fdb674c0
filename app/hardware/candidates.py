"""What could be recommended: each model in the files that may be good enough, planned for the machine."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from math import inf, isinf

import msgspec

from app.hardware.catalogued import geometry_of_file
from app.hardware.corrections import Corrections
from app.hardware.geometry import Geometry
from app.hardware.losses import quantization_loss
from app.hardware.need import Besides
from app.hardware.needs import CONVERSATION, NEEDS, Needs, pace_cost, worth
from app.hardware.planner import plan
from app.hardware.wish import Wish
from app.protocol import CatalogueModel, GgufFile, KvType, Machine, Plan, Rank, Use, Verdict

LEAST_BITS = ((14.0, 4.2), (40.0, 3.4), (inf, 2.7))
"""Bits a weight below which a model is not itself any more, by billions of weights (hardware_fit.md §6.4)."""
_TWO_BITS = ("Q2", "IQ2", "Q1", "IQ1", "TQ")
_LARGE = 40.0
_SMALL_CACHE_COST = 0.5
_NO_ROOM = 0.25
"""What is left of the worth of a model for which the disk has no room."""
_LEAST_TIME_S = 0.001
"""No token takes less."""
MOST = 10
"""Models that are ranked for a use."""


@dataclass(frozen=True)
class Candidate:
    """A model in one file on the machine."""

    model: CatalogueModel
    repo: str
    file: GgufFile
    plan: Plan
    rank: Rank
    quality: float
    """The rank less what the quantization and the cache cost."""
    slowness: float
    """Points of quality that its pace costs."""
    disk_free: int | None

    @property
    def utility(self) -> float:
        """What it is worth here: how good it is, less what waiting for it costs, and less for what has no room."""
        return worth(self.quality, self.slowness) * (_NO_ROOM if (self.disk_left or 0) < 0 else 1.0)

    @property
    def disk_left(self) -> int | None:
        """Bytes free on the disk after the download; negative where there is no room."""
        return None if self.disk_free is None else self.disk_free - self.download

    @property
    def rate(self) -> float:
        """Tokens a second; 0 where nobody can say."""
        return self.plan.prediction.decode.expected if self.plan.prediction is not None else 0.0

    @property
    def sees(self) -> bool:
        """Whether it is planned with the file for pictures."""
        return any(use.projector for use in self.plan.memory)

    @property
    def download(self) -> int:
        """Bytes to be downloaded."""
        return self.file.size + (self.model.projector.size if self.sees and self.model.projector else 0)


@dataclass
class Planning:
    """Plans of catalogue models for one machine, each made once."""

    machine: Machine
    corrections: Corrections | None = None
    context: int | None = None
    """What a person named: no less will do."""
    _geometries: dict[tuple[str, str], Geometry] = field(default_factory=dict)
    _plans: dict[tuple[str, str, int, bool], Plan] = field(default_factory=dict)
    _others: dict[bytes, "Planning"] = field(default_factory=dict)

    def on(self, machine: Machine) -> "Planning":
        """The same for another machine; it is made once, and shapes of models are shared."""
        key = msgspec.msgpack.encode(machine)
        if key not in self._others:
            self._others[key] = Planning(machine, self.corrections, self.context, self._geometries)
        return self._others[key]

    def plan(self, model: CatalogueModel, file: GgufFile, needs: Needs, sees: bool = False) -> Plan:
        """The best way to run that file here, with its projector where it shall see."""
        context, least = (self.context, self.context) if self.context else (needs.context, needs.least)
        key = (model.id, file.file, context, sees)
        if key not in self._plans:
            besides = Besides(projector=model.projector.size if sees and model.projector else 0)
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


def candidates(use: Use, models: Iterable[CatalogueModel], planning: Planning, least: float = 0.0) -> list[Candidate]:
    """Every model that can be used here, once, in the file that is worth most: the most useful first.

    Those that could not be worth more than `least`, nor be among the first `MOST`, are not planned at all.
    """
    found: list[Candidate] = []
    able = [model for model in models if use in model.ranks and (planning.context or 0) <= model.context_length]
    for model in sorted(able, key=lambda model: -model.ranks[use].score):
        worth = sorted((one.utility for one in found), reverse=True)
        enough = max(least, worth[MOST - 1] if len(worth) >= MOST else 0.0)
        if (best := _best_of(use, model, planning, enough)) is not None:
            found.append(best)
    return sorted(found, key=lambda one: (-one.utility, -one.quality, one.model.id))


def usable_files(model: CatalogueModel) -> list[tuple[str, GgufFile]]:
    """(repository, file) with enough bits, the best first; where a model has none, its largest."""
    all_files = [(repo.repo, file) for repo in model.gguf for file in repo.files]
    all_files.sort(key=lambda pair: -pair[1].size)
    return [pair for pair in all_files if _has_enough_bits(model, pair[1])] or all_files[:1]


def _has_enough_bits(model: CatalogueModel, file: GgufFile) -> bool:
    """Mixes of two bits are for the largest models only, whatever the average of their tensors is."""
    two_bits = file.quantization.upper().removeprefix("UD-").startswith(_TWO_BITS)
    return bits_of(model, file) >= least_bits(model) and not (two_bits and model.parameters < _LARGE)


def bits_of(model: CatalogueModel, file: GgufFile) -> float:
    """Bits a weight takes."""
    return file.size * 8 / (model.parameters * 1e9)


def least_bits(model: CatalogueModel) -> float:
    return next(bits for limit, bits in LEAST_BITS if model.parameters < limit)


def _best_of(use: Use, model: CatalogueModel, planning: Planning, least: float) -> Candidate | None:
    """The model in the file that is worth most; files that cannot be worth more than what is found are not planned."""
    needs, rank = NEEDS[use], model.ranks[use]
    best: Candidate | None = None
    hopes = [(_hope(model, file, planning, needs, rank), repo, file) for repo, file in usable_files(model)]
    for hope, repo, file in sorted(hopes, key=lambda entry: -entry[0]):
        if hope <= max(least, best.utility if best is not None else 0.0):
            break
        planned = planning.plan(model, file, needs, sees=use is Use.VISION)
        found = _candidate(rank, model, repo, file, planned, planning, needs)
        if found is not None and found.utility > max(least, best.utility if best is not None else 0.0):
            best = found
    return best


def _hope(model: CatalogueModel, file: GgufFile, planning: Planning, needs: Needs, rank: Rank) -> float:
    """What the file could be worth at most: at the pace bandwidth alone allows; 0: out of the question."""
    rate = fastest_pace(model, file, planning)
    if rate == 0 or (needs.writes and rate < CONVERSATION):
        return 0.0
    cost = pace_cost(rate / needs.thinking) if needs.writes else 0.0
    return worth(rank.score - quantization_loss(file.quantization, model.parameters), cost)


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


def _candidate(
    rank: Rank, model: CatalogueModel, repo: str, file: GgufFile, planned: Plan, planning: Planning, needs: Needs
) -> Candidate | None:
    """The file with its plan; None where it does not run, is too slow, or nobody can say whether it runs."""
    slowness = needs.slowness(planned.prediction)
    if planned.verdict is Verdict.NO or isinf(slowness):
        return None
    if planned.verdict is not Verdict.GPU and (planning.machine.ram_available is None or planned.prediction is None):
        return None
    return Candidate(
        model=model,
        repo=repo,
        file=file,
        plan=planned,
        rank=rank,
        quality=max(rank.score - quantization_loss(file.quantization, model.parameters) - _cache_loss(planned), 0.0),
        slowness=slowness,
        disk_free=planning.machine.disk_free,
    )


def _cache_loss(planned: Plan) -> float:
    """Points that a cache of fewer bits costs: a few answers of a thousand change (hardware_fit.md §2.5)."""
    return 0.0 if planned.params.kv_type_k in (None, KvType.F16, KvType.BF16, KvType.F32) else _SMALL_CACHE_COST
