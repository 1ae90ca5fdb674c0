"""The answer to "what should I run?": for a use and a machine a ranked list, three picks, and what to leave alone.

Usefulness is quality less what waiting costs, never merely the largest that fits. Pure: the same arguments give the
same advice, and nothing is looked at but these.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from app.hardware.candidates import MOST, candidates, usable_files
from app.hardware.corrections import Corrections
from app.hardware.disappointments import not_worth
from app.hardware.needs import NEEDS
from app.hardware.picks import picks
from app.hardware.planning import Planning
from app.hardware.suggesting import suggestion
from app.hardware.unlocks import unlocks
from app.protocol import Advice, Catalogue, CatalogueModel, Machine, Reason, Use, Value, Verdict


def advise(
    use: Use,
    machine: Machine,
    catalogue: Catalogue,
    context: int | None = None,
    corrections: Corrections | None = None,
) -> Advice:
    """What to run for that use. `context`: tokens a person named; no model with less is suggested."""
    (advice,) = advise_all((use,), machine, catalogue, context, corrections)
    return advice


def advise_all(
    uses: Iterable[Use],
    machine: Machine,
    catalogue: Catalogue,
    context: int | None = None,
    corrections: Corrections | None = None,
    residuals: Mapping[str, int] = MappingProxyType({}),
) -> list[Advice]:
    """The same for several uses, which share their plans. `residuals`: bytes by device that were measured here."""
    planning = Planning(machine, corrections, context, residuals)
    return [_advice(use, catalogue, planning) for use in uses]


def _advice(use: Use, catalogue: Catalogue, planning: Planning) -> Advice:
    ranked = candidates(use, catalogue.models, planning)
    chosen = picks(ranked)
    disappointing = not_worth(use, catalogue, planning, ranked)
    unlocked = unlocks(use, catalogue, planning, chosen.balanced if chosen else None)
    if chosen is None:
        nothing = _nothing(use, catalogue, planning)
        return Advice(use=use, not_worth=disappointing, unlock=unlocked, nothing=nothing)
    named = {one.model.id for one in (chosen.fast, chosen.balanced, chosen.best)}
    shown = {
        one.model.id: suggestion(one, use, planning.machine)
        for place, one in enumerate(ranked)
        if place < MOST or one.model.id in named
    }
    return Advice(
        use=use,
        fast=shown[chosen.fast.model.id],
        balanced=shown[chosen.balanced.model.id],
        best=shown[chosen.best.model.id],
        ranked=tuple(shown.values()),
        not_worth=disappointing,
        unlock=unlocked,
    )


def _nothing(use: Use, catalogue: Catalogue, planning: Planning) -> Reason:
    """Why not even the smallest runs, and the way that is left: a server elsewhere."""
    able = [model for model in catalogue.models if use in model.ranks]
    if not able:
        return Reason(code="nothing_known")
    smallest = min(able, key=_smallest_size)
    _, file = usable_files(smallest)[-1]
    planned = planning.plan(smallest, file, NEEDS[use])
    values: dict[str, Value] = {"model": smallest.name}
    if planned.verdict is Verdict.NO or planned.prediction is None:
        return Reason(code="nothing_fits", values=values | {"needed_bytes": planned.total})
    return Reason(code="nothing_quick", values=values | {"rate": round(planned.prediction.decode.expected, 1)})


def _smallest_size(model: CatalogueModel) -> int:
    return min(file.size for _, file in usable_files(model))
