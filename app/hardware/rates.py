"""How fast one device of a machine reads, multiplies and waits: the constants of its kind, applied to its figures."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from math import inf
from types import MappingProxyType

from app.hardware.corrections import Calibrated
from app.hardware.quantizations import TENSOR_TYPES
from app.hardware.speed_classes import (
    SpeedClass,
    core_compute,
    cpu_variants,
    family_of,
    speed_class,
    speed_table,
    spreads_of,
    variants_of,
)
from app.protocol import CPU, Device, Machine

LARGE = 40e12
"""Operations per second above which a chip counts as large."""
BALANCED = 0.017
"""Bytes of bandwidth per operation that are usual among graphics cards."""
_USUAL_MEMORY = 37e9
"""Bytes per second in the middle between one old memory module and two new ones: for a range that covers them all."""
_USUAL_CORES = 6
_ANY_MEMORY = 1.5
_ANY_COMPUTE = 1.0
"""How far off a prediction may be that had to go by what is usual."""
_CALIBRATED = 0.10
_MEASURED_SHARE = 0.75
"""Of the stated bandwidth, that a measurement of plain reading reaches (STREAM's usual result)."""


@dataclass(frozen=True)
class Rates:
    """Bytes, operations and weights per second of one device, and the seconds it loses."""

    constants: SpeedClass
    kernels: Mapping[int, float]
    """Decode time per byte by ggml type, relative to the usual; what is not listed takes 1."""
    memory: float
    """Bytes per second, as its maker states."""
    bandwidth: float
    """Bytes of weights it reads per second."""
    layer_s: float
    unpacked: float
    """Quantized weights it can unpack per second."""
    products: float
    """Operations per second in large products with quantized weights."""
    expert_products: float
    spread: float = 0.0
    """How far a prediction of decoding may be off, as a share of it."""
    prefill_spread: float = 0.0
    shares_memory: bool = False
    """With the processor."""
    calibrated: bool = False

    def calibrate(self, measured: Calibrated) -> "Rates":
        """The same with what was measured here in place of what its kind promises."""
        rates = replace(
            self,
            bandwidth=measured.bandwidth,
            layer_s=measured.layer_s,
            unpacked=inf,
            spread=_CALIBRATED,
            calibrated=True,
        )
        if measured.products is None:
            return rates
        return replace(
            rates,
            products=measured.products,
            expert_products=self.expert_products * measured.products / self.products,
            prefill_spread=_CALIBRATED,
        )


def rates(constants: SpeedClass, kernels: Mapping[int, float], memory: float, compute: float) -> Rates:
    """The constants of a kind of hardware applied to bandwidth (bytes/s) and compute (operations/s)."""
    size, balance = compute / LARGE, memory / compute / BALANCED
    products = constants.prefill * compute * balance**constants.balance
    return Rates(
        constants=constants,
        kernels=kernels,
        memory=memory,
        bandwidth=memory * constants.efficiency,
        layer_s=constants.layer_us * 1e-6,
        unpacked=compute / constants.unpack if constants.unpack else inf,
        products=products,
        expert_products=products * constants.experts * size**-constants.large_experts,
    )


def rates_by_device(machine: Machine, calibrated: Mapping[str, Calibrated]) -> Mapping[str, Rates]:
    """Of the processor and each device, by ggml's name; without the devices whose bandwidth nobody knows."""
    stated = _stated(machine)
    if not calibrated:
        return stated
    found = dict(stated)
    for device in machine.devices:
        name = device.engine_name or device.name
        if name in calibrated and name not in found and (rates := _device(device, machine, calibrated[name])):
            found[name] = rates
    return {name: one.calibrate(calibrated[name]) if name in calibrated else one for name, one in found.items()}


@lru_cache(maxsize=32)
def _stated(machine: Machine) -> Mapping[str, Rates]:
    """By what makers state. Remembered: plans compare many placements on one machine."""
    found = {CPU: _cpu(machine)}
    for device in machine.devices:
        if (rates := _device(device, machine, None)) is not None:
            found[device.engine_name or device.name] = rates
    return MappingProxyType(found)


@cache
def kernels(place: str) -> Mapping[int, float]:
    """Decode time per byte by ggml type, on a "gpu" or a "cpu"."""
    named = speed_table().kernels[place]
    return {number: named[known.name] for number, known in TENSOR_TYPES.items() if known.name in named}


def _cpu(machine: Machine) -> Rates:
    variants = cpu_variants(machine)
    compute, memory = core_compute(machine), _peak(machine)
    spread, prefill_spread = spreads_of("cpu", variants)
    found = rates(
        speed_class("cpu", variants),
        kernels("cpu"),
        memory or _USUAL_MEMORY,
        compute or _USUAL_CORES * speed_table().cores["avx2"],
    )
    return replace(
        found,
        spread=spread if memory else _ANY_MEMORY,
        prefill_spread=prefill_spread if compute else _ANY_COMPUTE,
        shares_memory=True,
    )


def _peak(machine: Machine) -> float | None:
    """Bytes per second of the machine's memory as makers state them; a measurement of reading reaches a part."""
    if machine.ram_bandwidth is None or machine.described or machine.ram_channels is not None:
        return machine.ram_bandwidth
    return machine.ram_bandwidth / _MEASURED_SHARE


def _device(device: Device, machine: Machine, measured: Calibrated | None) -> Rates | None:
    family, variants = family_of(device), variants_of(device)
    constants = speed_class(family, variants)
    shares = device.kind in {"integrated", "unified"}
    memory = device.bandwidth or (_peak(machine) if shares else None)
    if memory is None and measured is not None:
        memory = measured.bandwidth / constants.efficiency
    if memory is None and not shares:
        return None
    spread, prefill_spread = spreads_of(family, variants)
    known = memory or _USUAL_MEMORY
    compute = device.compute or known * speed_table().families[family].compute_per_byte
    return replace(
        rates(constants, kernels("gpu"), known, compute),
        spread=spread if memory else _ANY_MEMORY,
        prefill_spread=prefill_spread if device.compute else _ANY_COMPUTE,
        shares_memory=shares,
    )
