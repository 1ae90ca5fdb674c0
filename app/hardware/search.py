"""Tries placements: everything on one device or spread over several, fewer experts or layers there, or none.

Each answers with a `Trial` checked by `memory_use`; guesses come from `spread` and are corrected by what was missing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.hardware.corrections import Corrections
from app.hardware.geometry import Geometry
from app.hardware.need import NOTHING, Besides, memory_use
from app.hardware.placement import Placement
from app.hardware.speed import predict
from app.hardware.spread import fill, fill_evenly, layer_costs, with_experts
from app.hardware.trial import Trial, computing_devices, name_of, shortage
from app.hardware.wish import Setting, Wish, shortened
from app.protocol import Device, Machine, Prediction

_CORRECTIONS = 6
"""How often a guess is corrected; the second is right nearly always."""
_UNKNOWN = 2**62
_ALIKE = 1.1
"""Devices whose bandwidths differ by less share a model evenly; else the fastest is filled first."""

Place = Callable[[Setting], Trial | None]
"""One way to use the devices: the trial with that setting, None where it cannot be."""
PROMPT, ANSWER = 1000, 300
"""Tokens of a usual question and its answer."""


@dataclass
class Search:
    geometry: Geometry
    machine: Machine
    wish: Wish
    corrections: Corrections | None = None
    besides: Besides = NOTHING

    def __post_init__(self) -> None:
        self.devices = sorted(computing_devices(self.machine), key=lambda device: device.bandwidth or 0)
        """The fastest is last: it holds the last layers, which are offloaded first."""
        self.layers = len(self.geometry.layers) + 1
        self.target = Setting(
            self.wish.target(self.geometry), self.wish.kinds(self.geometry)[0], self.wish.micro_batches()[0]
        )
        """What is best where there is room."""
        self._tried: dict[Placement, Trial] = {}
        self._predictions: dict[Placement, Prediction | None] = {}
        self._costs: dict[Setting, list[int]] = {}

    # ------------------------------------------------------------ ways to place it

    def beside_processor(self, setting: Setting) -> Trial:
        return self.trial(setting, ())

    def whole(self, setting: Setting) -> Trial | None:
        """All on the fastest device, else on another or spread over all of them; None without a device."""
        if not self.devices:
            return None
        each = [self.trial(setting, ((name_of(device), self.layers),)) for device in reversed(self.devices)]
        if each[0].fits or len(each) == 1:
            return each[0]
        spread = self._spread(setting, 0, self.devices)
        alone = next((trial for trial in each if trial.fits), None)
        return spread if alone is None or self._is_faster(spread, alone) else alone

    def fewest_experts(self, setting: Setting) -> Trial | None:
        """All layers on the devices and as few experts as can be beside the processor; None where it does not fit."""
        if not self.devices or not self.geometry.expert_count:
            return None
        rooms = self._rooms(setting)
        for _ in range(_CORRECTIONS):
            experts = self._least_experts(setting, rooms)
            if experts is None:
                return None
            found = self.trial(setting, self._counted(setting, experts, rooms), experts)
            if found.fits:
                return found
            if not self._correct(rooms, found):
                return None
        return None

    def most_layers(self, setting: Setting) -> Trial | None:
        """As many layers as go onto the devices, all experts beside the processor; None where not even one does."""
        if not self.devices:
            return None
        experts = len(self.geometry.layers) if self.geometry.expert_count else 0
        rooms = self._rooms(setting)
        found = None
        for _ in range(_CORRECTIONS):
            placed = self._counted(setting, experts, rooms)
            if not placed:
                return None
            found = self.trial(setting, placed, experts)
            if found.fits or not self._correct(rooms, found):
                break
        return self._one_more(found) if found is not None and found.fits else None

    def longest(self, place: Place, setting: Setting, least: int) -> Trial | None:
        """The longest context that fits with this setting, from `least` up to below the setting's; None without."""
        shortest = place(setting._replace(context=least))
        longest = place(setting)
        if shortest is None or longest is None or not shortest.fits:
            return None
        context = shortened(min(_fitting(shortest, longest), setting.context - 1))
        for _ in range(_CORRECTIONS):
            if context <= least:
                break
            found = place(setting._replace(context=context))
            if found is not None and found.fits:
                return found
            context = shortened(context - max(context // 32, 256))
        return shortest

    def trial(self, setting: Setting, device_layers: tuple[tuple[str, int], ...], cpu_experts: int = 0) -> Trial:
        placement = self.wish.placement(self.geometry, setting, device_layers, cpu_experts)
        if (known := self._tried.get(placement)) is not None:
            return known
        uses = memory_use(self.geometry, placement, self.machine, self.besides)
        found = self._tried[placement] = Trial(setting, placement, uses)
        return found

    def predicted(self, trial: Trial) -> Prediction | None:
        """How fast it would be; None where too little is known of the devices."""
        placement = trial.placement
        if placement not in self._predictions:
            depth = self.wish.expected_depth(placement.context_length)
            found = predict(self.geometry, placement, self.machine, self.corrections, depth)
            self._predictions[placement] = found
        return self._predictions[placement]

    def _is_faster(self, one: Trial, other: Trial) -> bool:
        """Whether it fits and a usual question is answered sooner with it, as far as that can be told."""
        first, second = self.predicted(one), self.predicted(other)
        if not one.fits or first is None or second is None:
            return False
        return usual_time(first) < usual_time(second)

    # ------------------------------------------------------------ guessing

    def _spread(self, setting: Setting, experts: int, devices: Sequence[Device]) -> Trial:
        """All layers over those devices, whether they fit or not."""
        rooms = self._rooms(setting)
        found = None
        for _ in range(_CORRECTIONS):
            counts = [count for _, count in self._counted(setting, experts, rooms)]
            if sum(counts) < self.layers:
                break
            found = self.trial(setting, self._counted(setting, experts, rooms), experts)
            if found.fits or not self._correct(rooms, found):
                break
        if found is not None and found.fits:
            return found
        return self.trial(setting, _even(self.layers, [name_of(device) for device in devices]), experts)

    def _counted(self, setting: Setting, experts: int, rooms: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
        """(device, layers on it) for those that hold any."""
        if (costs := self._costs.get(setting)) is None:
            costs = self._costs[setting] = layer_costs(self.geometry, self.wish.placement(self.geometry, setting))
        if self.geometry.expert_count:
            costs = with_experts(costs, self.geometry, experts)
        counts = (fill_evenly if self._alike else fill)(costs, list(rooms.values()))
        return tuple((name, count) for name, count in zip(rooms, counts, strict=True) if count)

    def _least_experts(self, setting: Setting, rooms: Mapping[str, int]) -> int | None:
        """The fewest first layers whose experts have to stay away for everything else to have room."""
        low, high = 1, len(self.geometry.layers)
        if not self._holds_all(setting, high, rooms):
            return None
        while low < high:
            middle = (low + high) // 2
            if self._holds_all(setting, middle, rooms):
                high = middle
            else:
                low = middle + 1
        return low

    def _holds_all(self, setting: Setting, experts: int, rooms: Mapping[str, int]) -> bool:
        return sum(count for _, count in self._counted(setting, experts, rooms)) == self.layers

    def _rooms(self, setting: Setting) -> dict[str, int]:
        """Bytes for layers on each device: what is free less what it takes besides."""
        names = [name_of(device) for device in self.devices]
        probe = self.trial(setting, _even(self.layers, names))
        rooms = {}
        for name in names:
            use = probe.use_of(name)
            besides = use.total - use.weights - use.cache - use.state
            rooms[name] = _UNKNOWN if use.free is None else use.free - use.reserve - besides
        return rooms

    def _correct(self, rooms: dict[str, int], found: Trial) -> bool:
        """Lower the rooms by what was missing; False where that helps nothing: memory beside the processor is short."""
        short = {device: size for device, size in found.missing.items() if device in rooms}
        for device, size in short.items():
            rooms[device] -= size
        return bool(short)

    def _one_more(self, found: Trial) -> Trial:
        """With further layers on the first device, as long as they fit."""
        while found.placement.gpu_layers < self.layers:
            (name, count), *rest = found.placement.device_layers
            more = self.trial(found.setting, ((name, count + 1), *rest), found.placement.cpu_experts)
            if not more.fits:
                break
            found = more
        return found

    @property
    def _alike(self) -> bool:
        speeds = [device.bandwidth for device in self.devices]
        known = [speed for speed in speeds if speed]
        return len(known) < len(speeds) or max(known) <= min(known) * _ALIKE


def _fitting(shortest: Trial, longest: Trial) -> int:
    """Tokens of context for which there is room, taking needs to grow evenly between the two."""
    tokens = longest.setting.context - shortest.setting.context
    fitting = longest.setting.context
    for use in shortest.uses:
        left, more = -shortage(use), longest.use_of(use.device).total - use.total
        if use.free is not None and more > 0:
            fitting = min(fitting, shortest.setting.context + int(left / more * tokens))
    return fitting


def _even(layers: int, names: Sequence[str]) -> tuple[tuple[str, int], ...]:
    each, rest = divmod(layers, len(names))
    counts = [each + (index < rest) for index in range(len(names))]
    return tuple((name, count) for name, count in zip(names, counts, strict=True) if count)


def usual_time(prediction: Prediction) -> float:
    """Seconds for a usual question: its prompt read and its answer written."""
    return PROMPT / max(prediction.prefill.expected, 1e-9) + ANSWER / max(prediction.decode.expected, 1e-9)
