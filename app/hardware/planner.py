"""Where everything of a model goes on a machine: the best way that fits, what it gives up, what would change it.

The order is that of hardware_fit.md §2.5; which of the ways that fit is taken is decided by the time a usual question
takes (its prompt read, its answer written) and by what is lost in quality, never by size.

Weights mapped from the file count in full beside the processor: what does not stay in memory is read from the disk
again for every single token, so a model a little larger than memory is as slow as one that is larger by much.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from app.hardware.corrections import Corrections
from app.hardware.geometry import Geometry
from app.hardware.need import NOTHING, Besides
from app.hardware.plan_reasons import given_up, would_change
from app.hardware.search import Place, Search, usual_time
from app.hardware.trial import Trial, name_of
from app.hardware.wish import ANYTHING, Setting, Wish
from app.protocol import KvType, LoadParams, Machine, Plan, SplitMode, Verdict

_CLEARLY_FASTER = 2.0
"""A device whose memory is so many times faster than the machine's is never compared with the processor alone."""
_LARGE = 2 * 1024**3
"""Bytes of weights; below, reading them is not all that takes time."""
_CONTEXT_WEIGHT = 0.25
"""Half the context is worth 84 % of the whole: as much as a sixth of the speed."""
_CACHE_QUALITY = {KvType.Q8_0: 0.99, KvType.Q5_1: 0.97, KvType.Q5_0: 0.95, KvType.Q4_1: 0.85, KvType.Q4_0: 0.8}
"""From the answers that flip with a quantized cache (llama.cpp discussion #23470); 1 for all others."""


def plan(
    geometry: Geometry,
    machine: Machine,
    wish: Wish = ANYTHING,
    corrections: Corrections | None = None,
    besides: Besides = NOTHING,
) -> Plan:
    """The best way to run that model there. With Verdict.NO the plan is the nearest to one that would fit.

    `besides`: a projector, a drafting model, and what was measured of memory outside of llama.cpp's buffers. The same
    arguments give the same plan; nothing is looked at but these.
    """
    return planned(Search(geometry, machine, wish, corrections, besides))


def planned(search: Search) -> Plan:
    """The same for a search that is at hand."""
    if search.wish.names_places:
        return told(search, as_named(search))
    choice = _Choice(search)
    for trial in _ways(search):
        choice.add(trial)
    return told(search, choice.best)


def as_named(search: Search) -> Trial:
    """The placement that was named, whether it fits or not; only the rest is searched."""
    params, names = search.wish.params, [name_of(device) for device in search.devices]
    used = [name for name in names if not params.devices or name in params.devices]
    layers = min(search.layers if params.gpu_layers is None else params.gpu_layers, search.layers)
    shares = (
        params.tensor_split if len(params.tensor_split) == len(used) and any(params.tensor_split) else [1] * len(used)
    )
    edges = [round(layers * sum(shares[: index + 1]) / sum(shares)) for index in range(len(used))]
    counts = [edge - before for before, edge in zip([0, *edges], edges, strict=False)]
    placed = tuple((name, count) for name, count in zip(used, counts, strict=True) if count > 0)
    experts = min(params.cpu_experts or 0, len(search.geometry.layers))
    tried = [
        search.trial(setting, placed, experts)
        for setting in search.wish.settings(search.target.context, search.geometry)
    ]
    return next((trial for trial in tried if trial.fits), tried[0])


def _ways(search: Search) -> Iterator[Trial]:
    """What is worth comparing, best first. What could not be better than what already fits is left out."""
    ideal = search.whole(search.target)
    if ideal is not None:
        yield ideal
        if not ideal.fits:
            yield from _on_devices(search)
        elif _clearly_faster(search):
            return
    beside = search.beside_processor(search.target)
    yield beside
    if not beside.fits:
        yield from _smaller_or_shorter(search, search.beside_processor)


def _on_devices(search: Search) -> Iterator[Trial]:
    """All of it on the devices with smaller caches; where not even those fit at full length also parts of it."""
    found = list(_smaller_or_shorter(search, search.whole))
    yield from found
    if any(trial.fits and trial.setting.context == search.target.context for trial in found):
        return
    for place in (search.fewest_experts, search.most_layers):
        parts = list(_smaller(search, place))
        yield from parts
        if any(trial.fits for trial in parts):
            return


def _smaller_or_shorter(search: Search, place: Place) -> Iterator[Trial]:
    """Smaller batches and caches, then a shorter context where it is allowed; nothing where the least is too much."""
    least = Setting(
        search.wish.least(search.geometry), search.wish.kinds(search.geometry)[-1], search.wish.micro_batches()[-1]
    )
    nearest = place(least)
    if nearest is None or not nearest.fits:
        if nearest is not None:
            yield nearest
        return
    found = list(_smaller(search, place))
    yield from found
    if not any(trial.fits for trial in found):
        yield from _shorter(search, place, least)


def _smaller(search: Search, place: Place) -> Iterator[Trial]:
    """At the whole context: for each kind of cache the largest micro-batch that fits."""
    for kv in search.wish.kinds(search.geometry):
        for micro_batch in search.wish.micro_batches():
            trial = place(Setting(search.target.context, kv, micro_batch))
            if trial is not None:
                yield trial
                if trial.fits:
                    break


def _shorter(search: Search, place: Place, least: Setting) -> Iterator[Trial]:
    """With a shorter context: for each kind of cache the longest with whatever batch fits first."""
    batches = search.wish.micro_batches()
    for kv in search.wish.kinds(search.geometry):
        for micro_batch in dict.fromkeys((batches[0], batches[-1])):
            trial = search.longest(place, Setting(search.target.context, kv, micro_batch), least.context)
            if trial is not None:
                yield trial
                break


def _clearly_faster(search: Search) -> bool:
    """Whether the slowest device is so much faster than the processor's memory that no prediction is needed."""
    slowest, beside = search.devices[0].bandwidth, search.machine.ram_bandwidth
    if search.geometry.weights < _LARGE:
        return False
    if slowest is None or beside is None:
        return search.devices[0].kind != "integrated"
    return slowest >= beside * _CLEARLY_FASTER


class _Choice:
    """Keeps the best of the trials that fit, else the one that misses least."""

    def __init__(self, search: Search) -> None:
        self._predict = search.predicted
        self._wanted = search.target.context
        self._fitting: list[Trial] = []
        self._nearest: Trial | None = None

    def add(self, trial: Trial) -> None:
        if trial.fits:
            if all(trial.placement != other.placement for other in self._fitting):
                self._fitting.append(trial)
        elif self._nearest is None or sum(trial.missing.values()) < sum(self._nearest.missing.values()):
            self._nearest = trial

    @property
    def best(self) -> Trial:
        if not self._fitting:
            assert self._nearest is not None, "the processor was tried"
            return self._nearest
        if len(self._fitting) == 1:
            return self._fitting[0]
        predictions = [self._predict(trial) for trial in self._fitting]
        if any(prediction is None for prediction in predictions):  # without speeds the one with most on the devices
            return max(self._fitting, key=_offloaded)
        rates = [1 / usual_time(prediction) for prediction in predictions if prediction is not None]
        worth = [rate * quality(trial, self._wanted) for rate, trial in zip(rates, self._fitting, strict=True)]
        return self._fitting[worth.index(max(worth))]


def quality(trial: Trial, wanted_context: int) -> float:
    """What is left of the quality, 1 for everything as it was wanted."""
    cache = min(_CACHE_QUALITY.get(kind, 1.0) for kind in trial.setting.kv)
    return cache * float((trial.setting.context / wanted_context) ** _CONTEXT_WEIGHT)


def _offloaded(trial: Trial) -> tuple[int, int, float]:
    return trial.placement.gpu_layers, -trial.placement.cpu_experts, quality(trial, trial.setting.context)


def told(search: Search, trial: Trial) -> Plan:
    """The plan of a trial, with its reasons."""
    return Plan(
        verdict=_verdict(trial),
        params=params_of(trial, search),
        layers=search.layers,
        memory=trial.uses,
        prediction=search.predicted(trial),
        given_up=tuple(given_up(search, trial)),
        would_change=tuple(would_change(search, trial)),
    )


def _verdict(trial: Trial) -> Verdict:
    if not trial.fits:
        return Verdict.NO
    if not trial.placement.gpu_layers:
        return Verdict.CPU
    return Verdict.GPU if trial.whole else Verdict.PARTLY


def params_of(trial: Trial, search: Search) -> LoadParams:
    """What loads the model in just that way. Flash attention is left to llama.cpp, which knows where it has kernels."""
    placed, named = trial.placement.device_layers, search.wish.params
    known = {name_of(device): device.engine_name for device in search.devices}
    names = tuple(known[name] for name, _ in placed)
    several = len(placed) > 1
    found = replace(
        named,
        context_length=trial.setting.context,
        slots=trial.placement.slots,
        kv_type_k=trial.setting.kv[0],
        kv_type_v=trial.setting.kv[1],
        batch=trial.placement.batch,
        micro_batch=trial.setting.micro_batch,
    )
    if search.wish.names_places:
        return found
    return replace(
        found,
        gpu_layers=trial.placement.gpu_layers,
        cpu_experts=trial.placement.cpu_experts,
        devices=names if all(names) else (),
        split_mode=SplitMode.LAYER if several else None,
        tensor_split=tuple(float(count) for _, count in placed) if several else (),
    )
