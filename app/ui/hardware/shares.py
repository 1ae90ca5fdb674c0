"""Who has a memory: ours, others' and free, which together are all of it."""

from dataclasses import dataclass

from app.protocol import Device, DeviceSample, MemorySample


@dataclass(frozen=True)
class Shares:
    """Bytes; what nobody tells is None."""

    total: int | None = None
    ours: int | None = None
    others: int | None = None
    """With `ours` unknown: all that is taken."""
    free: int | None = None


def ram_shares(sample: MemorySample) -> Shares:
    """Of the machine's memory."""
    return shares(sample.ram_total, sample.ram_available, sample.ram_ours, None)


def device_shares(device: Device, sample: DeviceSample | None) -> Shares:
    """Of a device, as sampled; before the first sample as it was found."""
    if sample is None:
        return shares(device.memory_total, device.memory_free, None, device.memory_used_by_others)
    total = sample.total if sample.total is not None else device.memory_total
    return shares(total, sample.free, sample.ours, sample.others)


def shares(total: int | None, free: int | None, ours: int | None, others: int | None) -> Shares:
    """Parts that add up to the total. Pages of a file may count as ours and as free: they are ours then."""
    if total is None:
        return Shares(free=free, ours=ours, others=others)
    if free is None:
        return Shares(total=total, ours=ours, others=others)
    free = min(free, total)
    if ours is None:
        return Shares(total=total, others=total - free, free=free)
    ours = min(ours, total)
    if others is None:
        others = max(total - free - ours, 0)
    others = min(others, total - ours)
    return Shares(total=total, ours=ours, others=others, free=total - ours - others)


def sample_of(device: Device, sample: MemorySample) -> DeviceSample | None:
    """The sample of that device: the engine's name is the surest, the card's own name the next."""
    for each in sample.devices:
        if device.engine_name and each.engine_name == device.engine_name:
            return each
    alike = [each for each in sample.devices if each.name == device.name and not each.engine_name]
    return alike[0] if alike else next((each for each in sample.devices if each.name == device.name), None)
