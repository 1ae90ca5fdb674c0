"""NVIDIA's cards from what NVML told: bandwidth from bus width and clock, not from a table of names."""

from app.hardware.detection.answers import NvmlAnswers, NvmlCard, NvmlSlice
from app.protocol import Device

_TRANSFERS = 2
"""NVML's memory clock is half of what the memory transfers, whatever its kind."""
_FP16_PER_FP32 = {"6.0": 2, "7.0": 2, "7.2": 2, "7.5": 2, "8.0": 4, "9.0": 2}
"""FP16 operations of the shaders for one of FP32, by compute capability (CUDA programming guide, throughput table)."""
_NO_MEMORY_OF_THEIR_OWN = ("GB10", "Orin", "Xavier", "Thor", "Tegra")


def nvidia_devices(answers: NvmlAnswers | None, own_pids: tuple[int, ...] = ()) -> tuple[Device, ...]:
    """The cards the driver knows; of a card cut into MIG instances each instance."""
    if answers is None:
        return ()
    found: list[Device] = []
    for card in answers.cards:
        whole = _device(card, answers.driver, own_pids)
        found += [_slice(part, card, whole) for part in card.slices] or [whole]
    return tuple(found)


def _device(card: NvmlCard, driver: str, own_pids: tuple[int, ...]) -> Device:
    unified = card.memory_total is None or any(name in card.name for name in _NO_MEMORY_OF_THEIR_OWN)
    return Device(
        name=card.name,
        kind="unified" if unified else "discrete",
        vendor="nvidia",
        architecture=card.capability,
        memory_total=card.memory_total,
        memory_free=card.memory_free,
        memory_used_by_others=used_by_others(card, own_pids),
        memory_shared=None if unified else 0,
        bandwidth=_bandwidth(card),
        compute=_compute(card),
        pci_id=card.pci_id,
        driver=driver,
        sources=("nvml",),
    )


def used_by_others(card: NvmlCard, own_pids: tuple[int, ...]) -> int | None:
    """All that is used but what Alcove's own processes hold; None where the driver does not say how much they hold."""
    if card.memory_used is None or (card.processes is None and own_pids):
        return None
    ours = [process.used for process in card.processes or () if process.pid in own_pids]
    if None in ours:
        return None  # Windows' own driver model names processes without figures
    return max(card.memory_used - sum(used or 0 for used in ours), 0)


def _bandwidth(card: NvmlCard) -> float | None:
    if not card.bus_width or not card.memory_clock:
        return None
    return card.bus_width / 8 * card.memory_clock * 1e6 * _TRANSFERS


def _compute(card: NvmlCard) -> float | None:
    if not card.cores or not card.clock:
        return None
    return card.cores * 2.0 * card.clock * 1e6 * _FP16_PER_FP32.get(card.capability, 1)


def _slice(part: NvmlSlice, card: NvmlCard, whole: Device) -> Device:
    """An instance has its share of the card's memory, and with it of its bandwidth."""
    memory_share = part.memory_total / card.memory_total if card.memory_total else None
    processor_share = None
    if part.multiprocessors and card.multiprocessors:
        processor_share = part.multiprocessors / card.multiprocessors
    used = None if part.memory_free is None else part.memory_total - part.memory_free
    return Device(
        name=part.name,
        kind="discrete",
        vendor="nvidia",
        architecture=whole.architecture,
        memory_total=part.memory_total,
        memory_free=part.memory_free,
        memory_used_by_others=used,
        memory_shared=0,
        bandwidth=_times(whole.bandwidth, memory_share),
        compute=_times(whole.compute, processor_share),
        pci_id=whole.pci_id,
        driver=whole.driver,
        sources=("nvml",),
    )


def _times(figure: float | None, share: float | None) -> float | None:
    return None if figure is None or share is None else figure * share
