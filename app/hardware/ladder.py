"""What to try next when a model did not load for want of memory although it should have: one step smaller each time.

The order is the planner's: a smaller micro-batch, an 8-bit cache, a shorter context (never below what was asked),
experts and then layers beside the processor, at last the processor alone.
"""

from collections.abc import Iterator

from app.hardware.placement import Placement
from app.hardware.planner import told
from app.hardware.search import Search
from app.hardware.trial import Trial, name_of
from app.hardware.wish import Setting
from app.protocol import LoadParams, Plan, Verdict

_STEPS = 4
"""Parts in which experts or layers are taken off the devices."""


def stepped_down(search: Search, failed: Plan) -> Plan | None:
    """The next smaller plan; None where nothing is left to give up, or what was named leaves no choice."""
    if search.wish.names_places:
        return None
    placement = placement_of(failed.params, search)
    for trial in _steps(search, placement):
        plan = told(search, trial)
        if plan.verdict is not Verdict.NO:
            return plan
    return None


def placement_of(params: LoadParams, search: Search) -> Placement:
    """Where a plan with these parameters puts everything."""
    layers = min(params.gpu_layers or 0, search.layers)
    names = list(params.devices) or [name_of(device) for device in search.devices[-1:]]
    counts = [int(share) for share in params.tensor_split] or [layers]
    placed = tuple(zip(names, counts, strict=False)) if layers else ()
    return search.wish.placement(search.geometry, _setting(params, search), placed, params.cpu_experts or 0)


def _setting(params: LoadParams, search: Search) -> Setting:
    best = search.target
    return Setting(
        params.context_length or best.context,
        (params.kv_type_k or best.kv[0], params.kv_type_v or best.kv[1]),
        params.micro_batch or best.micro_batch,
    )


def _steps(search: Search, placement: Placement) -> Iterator[Trial]:
    """All that can still be given up, the least first."""
    wish, least = search.wish, search.wish.least(search.geometry)
    setting = Setting(placement.context_length, (placement.kv_type_k, placement.kv_type_v), placement.micro_batch)
    placed, experts = placement.device_layers, placement.cpu_experts
    if wish.micro_batches()[-1] < setting.micro_batch:
        yield search.trial(setting._replace(micro_batch=wish.micro_batches()[-1]), placed, experts)
    best, *_, smallest = (*wish.kinds(search.geometry), wish.kinds(search.geometry)[-1])
    if smallest != setting.kv and best == setting.kv:
        yield search.trial(setting._replace(kv=smallest), placed, experts)
    if least < setting.context:
        yield search.trial(setting._replace(context=max(least, setting.context // 2)), placed, experts)
    if not placed:
        return
    blocks = placement.blocks
    if search.geometry.expert_count and experts < blocks:
        yield search.trial(setting, placed, min(experts + max(blocks // _STEPS, 1), blocks))
    fewer = tuple((name, count - -(-search.layers // (_STEPS * len(placed)))) for name, count in placed)
    kept = tuple((name, count) for name, count in fewer if count > 0)
    if kept:
        yield search.trial(setting, kept, experts)
    yield search.trial(setting, ())
