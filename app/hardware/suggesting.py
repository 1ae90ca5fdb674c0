"""A candidate as it is suggested to a person, with the one or two sentences that say why."""

from collections.abc import Iterator

from app.hardware.candidates import Candidate
from app.hardware.needs import EASY, LONG_WAIT_S, NEEDS, SMOOTH
from app.protocol import CPU, KvType, Machine, Plan, Reason, Suggestion, Use, Value, Verdict

_NOTICEABLE_LOSS = 4.0
"""Points of quality from which a person is told what the quantization costs."""
_TOY = 25.0
"""Quality below which a model is good for little more than trying."""
_FULL_BITS = ("Q8", "F16", "BF16", "F32")


def suggestion(candidate: Candidate, use: Use, machine: Machine) -> Suggestion:
    """The candidate with its reasons."""
    model = candidate.model
    return Suggestion(
        model=model.id,
        name=model.name,
        maker=model.maker,
        licence=model.licence,
        parameters=model.parameters,
        active_parameters=model.active_parameters,
        repo=candidate.repo,
        file=candidate.file.file,
        quantization=candidate.file.quantization,
        download_bytes=candidate.download,
        disk_left=candidate.disk_left,
        plan=candidate.plan,
        quality=round(candidate.quality, 1),
        quality_source=candidate.rank.system,
        reasons=(_place(candidate, use, machine), *_remarks(candidate, use)),
    )


def _place(candidate: Candidate, use: Use, machine: Machine) -> Reason:
    """Where it runs, and how that feels."""
    planned = candidate.plan
    values: dict[str, Value] = {"device": place_of(planned, machine), "rate": shown_rate(candidate.rate)}
    if not NEEDS[use].writes:
        return Reason(code="runs_reading", values=values)
    if planned.prediction is None:
        return Reason(code="runs_unmeasured", values=values)
    pace = "easy" if candidate.rate >= EASY else "smooth" if candidate.rate >= SMOOTH else "slow"
    if planned.verdict is Verdict.PARTLY:
        experts = bool(planned.params.cpu_experts)
        if experts:
            values["active"] = round(candidate.model.active_parameters, 1)
            values["total"] = round(candidate.model.parameters, 1)
        else:
            values["share"] = round(100 * (planned.params.gpu_layers or 0) / max(planned.layers, 1))
        return Reason(code=_PARTLY[experts, pace], values=values)
    return Reason(code=_WHOLE[planned.verdict is Verdict.GPU, pace], values=values)


_PARTLY = {
    (True, "easy"): "runs_experts_easy",
    (True, "smooth"): "runs_experts_smooth",
    (True, "slow"): "runs_experts_slow",
    (False, "easy"): "runs_layers_easy",
    (False, "smooth"): "runs_layers_smooth",
    (False, "slow"): "runs_layers_slow",
}
_WHOLE = {
    (True, "easy"): "runs_card_easy",
    (True, "smooth"): "runs_card_smooth",
    (True, "slow"): "runs_card_slow",
    (False, "easy"): "runs_processor_easy",
    (False, "smooth"): "runs_processor_smooth",
    (False, "slow"): "runs_processor_slow",
}


def _remarks(candidate: Candidate, use: Use) -> Iterator[Reason]:
    """At most one more sentence: what matters most of what one should know."""
    yield from list(_caveats(candidate, use))[:1]


def _caveats(candidate: Candidate, use: Use) -> Iterator[Reason]:
    planned, needs = candidate.plan, NEEDS[use]
    if candidate.disk_left is not None and candidate.disk_left < 0:
        yield Reason(code="disk_short", values={"missing_bytes": -candidate.disk_left})
    if candidate.quality < _TOY and needs.writes:
        yield Reason(code="good_for_little")
    if needs.writes and planned.prediction is not None and planned.prediction.ttft_s.expected > LONG_WAIT_S:
        yield Reason(code="waits_long", values={"wait_s": round(planned.prediction.ttft_s.expected)})
    loss = candidate.rank.score - candidate.quality
    if loss >= _NOTICEABLE_LOSS:
        yield Reason(code="loses_by_rounding", values={"quantization": candidate.file.quantization})
    if candidate.sees and candidate.model.projector is not None:
        yield Reason(code="sees_with_file", values={"size_bytes": candidate.model.projector.size})
    if 0 < planned.context_length < needs.context:
        yield Reason(code="context_short", values={"context": planned.context_length})
    if candidate.model.thinks and use in (Use.REASONING, Use.AGENTS, Use.CODE):
        yield Reason(code="thinks_first")
    if planned.params.kv_type_k is KvType.Q8_0:
        yield Reason(code="cache_rounded")
    if candidate.file.quantization.startswith(_FULL_BITS):
        yield Reason(code="hardly_rounded", values={"quantization": candidate.file.quantization})
    yield Reason(code="rounded_well", values={"quantization": candidate.file.quantization})


def place_of(planned: Plan, machine: Machine) -> str:
    """The names of the devices it lies on; the processor is called what it is."""
    names = {device.engine_name or device.name: device.name for device in machine.devices}
    used = [names.get(use.device, use.device) for use in planned.memory if use.device != CPU]
    counted = [name if used.count(name) == 1 else f"{used.count(name)} × {name}" for name in dict.fromkeys(used)]
    return " + ".join(counted) or machine.cpu_name or CPU


def shown_rate(rate: float) -> int:
    """A speed as it is said: no more digits than it deserves."""
    return round(rate) if rate < 100 else 10 * round(rate / 10)
