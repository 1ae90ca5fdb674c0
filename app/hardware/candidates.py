"""What could be recommended: each model in the files that may be good enough, planned for the machine."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import inf, isinf, log2

from app.hardware.needs import CONVERSATION, NEEDS, Needs, pace_cost, worth
from app.hardware.planning import Planning, fastest_pace
from app.hardware.quality import quality_loss
from app.protocol import CPU, CatalogueModel, GgufFile, KvType, Plan, Rank, Use, Verdict

LEAST_BITS = ((14.0, 4.2), (40.0, 3.4), (inf, 2.7))
"""Bits a weight below which a model is not itself any more, by billions of weights (hardware_fit.md §6.4)."""
_TWO_BITS = ("Q2", "IQ2", "Q1", "IQ1", "TQ")
_LARGE = 40.0
_POINTS, _CURVE = 40.0, 0.8
"""Points = 40 x divergence^0.8: at 0.33 nats three words in ten are no longer the same."""
_SMALL_CACHE_COST = 0.5
_HALF_CONTEXT_COST = 4.0
_CROWDING_COST = 1.0
_NO_ROOM = 0.25
"""What is left of the worth of a model for which the disk has no room."""
_LIKE = 1.25
"""How far files of one model may differ in the share of the bandwidth they reach, and in the wait."""
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
    """The rank less what the quantization, a rounded cache and a shortened context cost."""
    slowness: float
    """Points that its pace, its wait and what it leaves to others cost."""
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


def candidates(
    use: Use, models: Iterable[CatalogueModel], planning: Planning, least: float = 0.0, most: int = MOST
) -> list[Candidate]:
    """Every model that can be used here, once, in the file that is worth most: the most useful first.

    Those that could not be worth more than `least`, nor be among the first `most`, are not planned at all.
    """
    found: list[Candidate] = []
    able = [model for model in models if use in model.ranks and (planning.context or 0) <= model.context_length]
    for model in sorted(able, key=lambda model: -model.ranks[use].score):
        values = sorted((one.utility for one in found), reverse=True)
        enough = max(least, values[most - 1] if len(values) >= most else 0.0)
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


@dataclass(frozen=True)
class _Learned:
    """What one file of a model has shown, as far as others may differ from it."""

    share: float = 1.0
    """Of the pace that bandwidth alone allows."""
    wait_cost: float = 0.0

    @classmethod
    def of(cls, planned: Plan, bound: float, needs: Needs) -> "_Learned":
        if planned.verdict is Verdict.NO or planned.prediction is None or not 0 < bound < inf:
            return cls()
        reached = planned.prediction.decode.expected / bound
        return cls(min(reached * _LIKE, 1.0), needs.wait_cost(planned.prediction.ttft_s.expected) / _LIKE)


def _best_of(use: Use, model: CatalogueModel, planning: Planning, least: float) -> Candidate | None:
    """The model in the file that is worth most; files that cannot be worth more than what is found are not planned."""
    needs, rank = NEEDS[use], model.ranks[use]
    best: Candidate | None = None
    enough, learned = least, _Learned()
    files = [(fastest_pace(model, file, planning), repo, file) for repo, file in usable_files(model)]
    files.sort(key=lambda entry: -_hope(model, entry[2], entry[0], needs, rank, _Learned()))
    for bound, repo, file in files:
        if _hope(model, file, bound, needs, rank, learned) <= enough:
            continue
        planned = planning.plan(model, file, needs, sees=use is Use.VISION)
        learned = _Learned.of(planned, bound, needs)
        found = _candidate(rank, model, repo, file, planned, planning, needs)
        if found is not None and found.utility > enough:
            best, enough = found, found.utility
    return best


def _hope(model: CatalogueModel, file: GgufFile, bound: float, needs: Needs, rank: Rank, learned: _Learned) -> float:
    """What the file could be worth at most, at the pace that bandwidth allows; 0: out of the question."""
    rate = bound * learned.share
    if rate == 0 or (needs.writes and rate < CONVERSATION):
        return 0.0
    cost = learned.wait_cost + (pace_cost(rate / needs.thinking) if needs.writes else 0.0)
    return worth(rank.score - points_lost(model, file), cost)


def _candidate(
    rank: Rank, model: CatalogueModel, repo: str, file: GgufFile, planned: Plan, planning: Planning, needs: Needs
) -> Candidate | None:
    """The file with its plan; None where it does not run, is too slow, or nobody can say whether it runs."""
    slowness = needs.slowness(planned.prediction)
    if planned.verdict is Verdict.NO or isinf(slowness):
        return None
    lost = points_lost(model, file) + _cache_loss(planned) + _context_loss(planned, planning, needs)
    if planned.verdict is not Verdict.GPU and (planning.machine.ram_available is None or planned.prediction is None):
        return None
    return Candidate(
        model=model,
        repo=repo,
        file=file,
        plan=planned,
        rank=rank,
        quality=max(rank.score - lost, 0.0),
        slowness=slowness + _crowding(planned),
        disk_free=planning.machine.disk_free,
    )


def points_lost(model: CatalogueModel, file: GgufFile) -> float:
    """Points of the rank that the quantization costs: 2.3 for Q4_K_M of 8 billion weights, 16 for Q2_K."""
    return _points(file.quantization, bits_of(model, file), model.parameters)


@lru_cache(maxsize=2048)
def _points(quantization: str, bits: float, parameters: float) -> float:
    return float(_POINTS * quality_loss(quantization, bits, parameters) ** _CURVE)


def _cache_loss(planned: Plan) -> float:
    """Points that a cache of fewer bits costs: a few answers of a thousand change (hardware_fit.md §2.5)."""
    return 0.0 if planned.params.kv_type_k in (None, KvType.F16, KvType.BF16, KvType.F32) else _SMALL_CACHE_COST


def _context_loss(planned: Plan, planning: Planning, needs: Needs) -> float:
    """Points that a shorter context than was asked for costs, for every halving."""
    short = (planning.context or needs.context) / max(planned.context_length, 1)
    return _HALF_CONTEXT_COST * log2(short) if short > 1 else 0.0


def _crowding(planned: Plan) -> float:
    """Points that it costs to leave other programs little of the main memory."""
    share = sum(use.total / use.free for use in planned.memory if use.device == CPU and use.free)
    return _CROWDING_COST * min(share, 1.0)
