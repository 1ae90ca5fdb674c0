"""Windows' graphics adapters: their own memory and what they may borrow; the budget already counts other programs."""

from app.hardware.detection.answers import DxgiAdapter
from app.hardware.gpus import known_gpu
from app.protocol import Device

_VENDORS = {0x10DE: "nvidia", 0x1002: "amd", 0x1022: "amd", 0x8086: "intel", 0x5143: "qualcomm", 0x4D4F4351: "qualcomm"}
_CARVE_OUT = 1024**3
"""A part of a processor has at most this much set aside for it, unless the firmware was told otherwise."""


def dxgi_devices(adapters: tuple[DxgiAdapter, ...], ram_available: int | None) -> tuple[Device, ...]:
    """The GPUs among the adapters; Windows draws by software too, and calls that an adapter."""
    real = (adapter for adapter in adapters if not adapter.software and adapter.vendor_id in _VENDORS)
    return tuple(_device(adapter, ram_available) for adapter in real)


def _device(adapter: DxgiAdapter, ram_available: int | None) -> Device:
    vendor = _VENDORS[adapter.vendor_id]
    known = known_gpu(adapter.name, adapter.dedicated)
    integrated = vendor != "nvidia" and (
        known.kind != "discrete" if known else vendor == "qualcomm" or adapter.dedicated <= _CARVE_OUT
    )
    total, free = adapter.dedicated, _left(adapter.budget, adapter.usage)
    if integrated:
        total += adapter.shared
        borrowed = _left(adapter.shared_budget, adapter.shared_usage)
        if borrowed is not None:
            free = (free or 0) + (borrowed if ram_available is None else min(borrowed, ram_available))
    return Device(
        name=adapter.name,
        kind="integrated" if integrated else "discrete",
        vendor=vendor,
        memory_total=total,
        memory_free=free,
        memory_used_by_others=None,
        memory_shared=adapter.shared if integrated else 0,
        sources=("dxgi",),
    )


def _left(budget: int | None, usage: int | None) -> int | None:
    return None if budget is None else max(budget - (usage or 0), 0)
