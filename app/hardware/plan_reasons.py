"""Why a plan is as it is: what was given up for it to fit, and what would make it better."""

from collections.abc import Iterator

from app.hardware.search import Search
from app.hardware.trial import Trial, name_of
from app.protocol import CPU, KvType, Reason, Value

SHORTEST = 1024
"""A context below helps nobody: it is not proposed."""

_CODES = {
    ("free", "device", "whole"): "plan_free_device_whole",
    ("free", "device", "run"): "plan_free_device_run",
    ("free", "memory", "whole"): "plan_free_memory_whole",
    ("free", "memory", "run"): "plan_free_memory_run",
    ("more", "device", "whole"): "plan_more_device_whole",
    ("more", "device", "run"): "plan_more_device_run",
    ("more", "memory", "whole"): "plan_more_memory_whole",
    ("more", "memory", "run"): "plan_more_memory_run",
}
"""What to do with which memory, and what for."""


def given_up(search: Search, trial: Trial) -> Iterator[Reason]:
    """What would have been better and had no room."""
    wanted, setting, placement = search.target, trial.setting, trial.placement
    if setting.context < wanted.context:
        yield Reason(code="plan_context", values={"context": setting.context, "wanted": wanted.context})
    if setting.kv != wanted.kv and KvType.Q8_0 in setting.kv:
        yield Reason(code="plan_small_cache")
    if setting.micro_batch < wanted.micro_batch:
        yield Reason(code="plan_micro_batch", values={"tokens": setting.micro_batch, "wanted": wanted.micro_batch})
    if not search.devices or search.wish.names_places:
        return
    blocks = placement.blocks
    if not placement.gpu_layers:
        yield Reason(code="plan_processor", values={"device": search.devices[-1].name})
        return
    if placement.gpu_layers < search.layers:
        beside = search.layers - placement.gpu_layers
        yield Reason(code="plan_layers", values={"beside": beside, "layers": search.layers})
    if placement.cpu_experts:
        yield Reason(code="plan_experts", values={"beside": placement.cpu_experts, "layers": blocks})


def would_change(search: Search, trial: Trial) -> Iterator[Reason]:
    """What a person could do: close other programs, shorten the context, take a smaller file or more memory."""
    if trial.fits and (trial.whole or not search.devices):
        return
    whole = search.whole(search.target) if search.devices else None
    if not trial.fits:
        yield from _to_fit(search, trial)
    elif whole is not None and not whole.fits:
        yield from _to_fit(search, whole)
    yield from _shorter_context(search, trial)
    nearer = whole if whole is not None and trial.fits else trial
    if (budget := search.geometry.weights - sum(nearer.missing.values())) > 0 and nearer.missing:
        yield Reason(code="plan_smaller_file", values={"weights_bytes": budget})


def _to_fit(search: Search, trial: Trial) -> Iterator[Reason]:
    """For each memory that is short: what of it is to be freed, or how much it would have to be."""
    aim = "whole" if trial.placement.gpu_layers and trial.whole and not search.wish.names_places else "run"
    totals = {name_of(device): device.memory_total for device in search.machine.devices} | {
        CPU: search.machine.ram_total
    }
    names = {name_of(device): device.name for device in search.machine.devices}
    for device, missing in trial.missing.items():
        use, total = trial.use_of(device), totals.get(device)
        where = "memory" if device == CPU else "device"
        values: dict[str, Value] = {"missing_bytes": missing, "device": names.get(device, device)}
        if total is not None and use.total + use.reserve <= total:
            yield Reason(code=_CODES["free", where, aim], values=values)
        else:
            values["needed_bytes"] = use.total + use.reserve
            yield Reason(code=_CODES["more", where, aim], values=values)


def _shorter_context(search: Search, trial: Trial) -> Iterator[Reason]:
    """The context with which everything would lie on the devices, or which would fit at all."""
    place = search.whole if search.devices else search.beside_processor
    least = min(SHORTEST, trial.setting.context)
    setting = search.target._replace(context=trial.setting.context)
    found = search.longest(place, setting, least)
    if found is not None and found.setting.context < trial.setting.context:
        code = "plan_shorter_whole" if trial.fits else "plan_shorter_run"
        yield Reason(code=code, values={"context": found.setting.context})
