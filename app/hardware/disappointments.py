"""Models that people ask for and that would disappoint on this machine, and why."""

from collections.abc import Iterator, Sequence

from app.hardware.candidates import Candidate, bits_of, usable_files
from app.hardware.needs import CONVERSATION, NEEDS
from app.hardware.planning import Planning, fastest_pace
from app.protocol import Catalogue, CatalogueModel, NotWorth, Reason, Use, Verdict

_MOST_KNOWN, _MOST_OUTDATED = 3, 2
_SQUEEZED = 2.0
"""A file of so many times fewer bits than the usual four is not worth a sentence."""


def not_worth(use: Use, catalogue: Catalogue, planning: Planning, ranked: Sequence[Candidate]) -> tuple[NotWorth, ...]:
    """Well-known models that are too much for this machine, then those that others have overtaken."""
    overtaken = () if use is Use.VISION else _overtaken(catalogue, ranked)  # none of the old ones sees
    return (*_too_much(use, catalogue, planning, ranked), *overtaken)


def _too_much(use: Use, catalogue: Catalogue, planning: Planning, ranked: Sequence[Candidate]) -> list[NotWorth]:
    """Those that would be better than what is suggested, if only they ran well."""
    usable, least = {one.model.id for one in ranked}, ranked[0].quality if ranked else 0.0
    known = [model for model in catalogue.models if model.known and use in model.ranks and model.id not in usable]
    wanted = sorted((model for model in known if model.ranks[use].score > least), key=lambda model: model.parameters)
    found = (NotWorth(name=model.name, reason=_why_not(use, model, planning)) for model in wanted[:_MOST_KNOWN])
    return list(found)


def _why_not(use: Use, model: CatalogueModel, planning: Planning) -> Reason:
    """Too large, too slow, or too large unless it is spoiled by rounding."""
    _, file = usable_files(model)[-1]
    room = planning.room
    if room is not None and file.size > room:
        smallest = min((one for repo in model.gguf for one in repo.files), key=lambda one: one.size)
        if bits_of(model, smallest) > _SQUEEZED and fastest_pace(model, smallest, planning) > CONVERSATION:
            return Reason(code="too_large_unless_spoiled", values={"quantization": smallest.quantization})
        return Reason(code="too_large_here", values={"needed_bytes": file.size, "room_bytes": room})
    planned = planning.plan(model, file, NEEDS[use], sees=False)
    needed = sum(part.total + part.reserve for part in planned.memory)
    if planned.verdict is Verdict.NO:
        return Reason(code="too_large_here", values={"needed_bytes": needed, "room_bytes": room or 0})
    if planned.prediction is None:
        return Reason(code="too_slow_spilled")
    rate = min(planned.prediction.decode.expected, fastest_pace(model, file, planning))
    return Reason(code="too_slow_here", values={"rate": round(rate, 1) if rate < CONVERSATION else round(rate)})


def _overtaken(catalogue: Catalogue, ranked: Sequence[Candidate]) -> Iterator[NotWorth]:
    """Older ones, where the one that replaces them is suggested here: those of about its size."""
    names = {one.model.id: one.model.name for one in ranked}
    old = [one for one in catalogue.outdated if one.successor in names]
    order = {one.model.id: place for place, one in enumerate(ranked)}
    for one in sorted(old, key=lambda one: order[one.successor])[:_MOST_OUTDATED]:
        yield NotWorth(name=one.name, reason=Reason(code="model_outdated", values={"successor": names[one.successor]}))
