"""How well kinds of hardware turn bandwidth and compute into tokens: fitted constants, and which kind a device is.

The constants lie in resources/speed_classes.json, written by `python -m bench.speed_fit` from measured points; a few
kinds nobody measured are put there by hand, with a note. All are relative to what makers state, so they carry over to
devices that no one has tried.
"""

import re
from collections.abc import Mapping
from functools import cache
from math import prod
from typing import Any

import msgspec
from msgspec import structs

from app.paths import RESOURCES
from app.protocol import Device, Machine

_FILE = RESOURCES / "speed_classes.json"
_HBM = frozenset({"6.0", "7.0", "8.0", "9.0", "10.0", "10.3"})
"""Compute capabilities of NVIDIA's server chips with stacked memory."""
_HBM_NAME = re.compile(r"\b(A100|A30\b|H100|H200|H800|GH200|B200|B300|V100|P100)")
_WORKSTATION_NAME = re.compile(r"\b(A[1-9]0\b|A16\b|L4\b|L40|RTX A\d|RTX \d000 Ada|Quadro)")
_APPLE = re.compile(r"\bM(\d+)")
_NVIDIA_SERIES = re.compile(r"RTX (\d)0[5-9]0")
_AMD_SERIES = re.compile(r"RX (\d)\d{3}\b|RX (\d{3})\b")
_AMD_SERVERS = frozenset({"908", "90a", "942", "950"})
_AMD_CHIPS = {"4": 803, "5": 1010, "6": 1030, "7": 1100, "9": 1200}
"""A chip of each series, such as 1030 for the RX 6000s: the number of its LLVM target."""
_RDNA2, _RDNA3, _RDNA4 = 1030, 1100, 1200
_SMALL_CORES = re.compile(r"\b(N\d{2,3}|i3-N\d{3}|Atom|Celeron|Pentium Silver|Cortex-A5[35])\b")
"""Processors made of efficiency cores alone."""


class SpeedClass(msgspec.Struct, frozen=True, kw_only=True):
    """Constants of one kind of hardware. Those that divide by bandwidth or compute are shares of the stated figure."""

    efficiency: float
    """Share of the memory bandwidth that reading weights reaches."""
    layer_us: float
    """Microseconds a layer takes besides, in which the memory waits."""
    expert_layer: float = 1.6
    """A layer with experts takes that many times as long."""
    cache: float = 0.7
    """Share of the memory bandwidth that reading keys and values reaches."""
    plain_cache: float = 0.5
    """The same without flash attention."""
    latent_cache: float = 0.1
    """The same where keys are compressed (multi-head latent attention) and every head unpacks them."""
    unpack: float = 0.0
    """Operations it takes to unpack a quantized weight, in terms of `compute`; overlaps with reading."""
    unpack_k: float = 1.0
    """Unpacking k-quants takes that many times as long."""
    prefill: float = 1.0
    """Operations per second in large products, as a share of the stated ones; tensor units reach more than 1."""
    balance: float = 0.0
    """Exponent by which chips with more bandwidth per operation than `BALANCED` reach more of them."""
    experts: float = 0.7
    """Products with experts reach that share of the others."""
    large_experts: float = 0.0
    """Exponent by which chips beyond `LARGE` operations per second reach less of them there."""
    narrow: float = 1.0
    """Numbers of a model's width at which half the speed is reached."""
    floats: float = 1.0
    """16-bit weights reach that many times the speed of quantized ones."""
    eight: float = 1.0
    """The same for Q8_0."""
    attention: float = 0.7
    """Attention reaches that share of the speed of products."""
    scores: float = 20.0
    """Without flash attention: bytes that go through the memory for each head and token that is attended to."""


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """The constants of a maker's devices, and factors for variants of them."""

    base: SpeedClass
    variants: Mapping[str, Mapping[str, float]]
    """Factors on the constants, by variant and constant."""
    spread: Mapping[str, float]
    """How far a prediction may be off, as a share, by variant; "" for the base: the 80th percentile of the errors
    when such a device was left out of the fit, or a judgement where nobody measured."""
    prefill_spread: Mapping[str, float]
    compute_per_byte: float
    """Usual operations per byte of bandwidth, for devices whose compute is unknown."""
    source: str


class SpeedTable(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    source: Mapping[str, str]
    families: Mapping[str, Family]
    kernels: Mapping[str, Mapping[str, float]]
    """Decode time per byte relative to Q4_K, by "gpu" or "cpu" and ggml type name; what is not listed takes 1."""
    cores: Mapping[str, float]
    """Operations per second of one core in products of 8-bit numbers, by its best vector extension; "" for none."""
    transfer: float
    """Bytes per second at which weights beside the processor are streamed to a device for a prompt."""
    crossing_us: float
    """Microseconds it takes to hand a token's numbers to another device."""


@cache
def speed_table() -> SpeedTable:
    """The constants Alcove ships with."""
    return msgspec.json.decode(_FILE.read_bytes(), type=SpeedTable)


def family_of(device: Device) -> str:
    """The family a device belongs to: its maker's, or "other"."""
    vendor = device.vendor.lower() or _vendor_of(device.name)
    return vendor if vendor in {"nvidia", "amd", "intel", "apple"} else "other"


def variants_of(device: Device) -> tuple[str, ...]:
    """The variants of its family a device is, such as ("hbm",) or ("vulkan",)."""
    rules = {"nvidia": _nvidia, "amd": _amd, "intel": _intel, "apple": _apple}
    return rules.get(family_of(device), _none)(device)


def speed_class(family: str, variants: tuple[str, ...], table: SpeedTable | None = None) -> SpeedClass:
    """The constants of these variants of a family."""
    known = (table or speed_table()).families[family]
    factors = [known.variants[name] for name in variants if name in known.variants]
    if not factors:
        return known.base
    changed: dict[str, Any] = {
        name: getattr(known.base, name) * prod(factor.get(name, 1.0) for factor in factors)
        for name in {name for factor in factors for name in factor}
    }
    return structs.replace(known.base, **changed)


def spreads_of(family: str, variants: tuple[str, ...]) -> tuple[float, float]:
    """How far predictions of decoding and of prefill may be off for these variants, as shares."""
    known = speed_table().families[family]
    return _widest(known.spread, variants), _widest(known.prefill_spread, variants)


def core_compute(machine: Machine, table: SpeedTable | None = None) -> float | None:
    """Operations per second of the processor's cores in products; None where their number is unknown."""
    cores = machine.performance_cores or machine.physical_cores
    if not cores:
        return None
    rates = (table or speed_table()).cores
    best = max((rates[name] for name in machine.cpu_features if name in rates), default=None)
    usual = rates["avx2"] if not machine.cpu_features else rates[""]
    return cores * (best if best is not None else usual)


def cpu_variants(machine: Machine) -> tuple[str, ...]:
    """The variants of the family "cpu" a machine's processor is."""
    return ("small",) if machine.cpu_name and _SMALL_CORES.search(machine.cpu_name) else ()


def _widest(spreads: Mapping[str, float], variants: tuple[str, ...]) -> float:
    return max([spreads[""], *(spreads[name] for name in variants if name in spreads)])


def _nvidia(device: Device) -> tuple[str, ...]:
    found = []
    if device.architecture in _HBM or (not device.architecture and _HBM_NAME.search(device.name)):
        found.append("hbm")
    elif device.kind == "unified":
        found.append("unified")
    elif _WORKSTATION_NAME.search(device.name):
        found.append("workstation")
    series = _NVIDIA_SERIES.search(device.name)
    if _number(device.architecture) in range(70, 80) or (not device.architecture and series and series[1] == "2"):
        found.append("turing")
    elif _number(device.architecture) in range(1, 70) or "GTX 1" in device.name:
        found.append("pascal")
    return (*found, *_vulkan(device))


def _amd(device: Device) -> tuple[str, ...]:
    found = [_amd_generation(device)]
    if device.kind in {"integrated", "unified"}:
        found.append("integrated")
    if device.backend in {"ROCm", "HIP"}:
        found.append("rocm")
    return tuple(name for name in found if name)


def _amd_generation(device: Device) -> str:
    """ "hbm", "older", "rdna2", "rdna4", or "" for RDNA 3 and what nobody knows."""
    chip = device.architecture.removeprefix("gfx")
    if len(chip) == 3:
        return "hbm" if chip in _AMD_SERVERS else "older"
    match = _AMD_SERIES.search(device.name)
    number = int(chip) if chip.isdecimal() else _AMD_CHIPS.get(match[1] or "5" if match else "", 0)
    if not number or _RDNA3 <= number < _RDNA4:
        return ""
    return "rdna4" if number >= _RDNA4 else "rdna2" if number >= _RDNA2 else "older"


def _intel(device: Device) -> tuple[str, ...]:
    found = ["integrated"] if device.kind == "integrated" else []
    return (*found, "xe2") if device.architecture == "Xe2" or "Arc B" in device.name else tuple(found)


def _apple(device: Device) -> tuple[str, ...]:
    match = _APPLE.search(device.architecture) or _APPLE.search(device.name)
    generation = int(match[1]) if match else 0
    return ("m1",) if generation == 1 else ("m5",) if generation >= 5 else ()


def _none(_: Device) -> tuple[str, ...]:
    return ()


def _vulkan(device: Device) -> tuple[str, ...]:
    return ("vulkan",) if device.backend == "Vulkan" else ()


def _number(capability: str) -> int:
    """Compute capability "8.9" as 89; 0 where it is none."""
    major, _, minor = capability.partition(".")
    return int(major) * 10 + int(minor or 0) if major.isdecimal() and (minor or "0").isdecimal() else 0


def _vendor_of(name: str) -> str:
    lowered = name.lower()
    for vendor, words in (
        ("nvidia", ("nvidia", "geforce", "rtx", "gtx", "tesla")),
        ("amd", ("amd", "radeon", "instinct")),
        ("intel", ("intel", "arc ")),
        ("apple", ("apple",)),
    ):
        if any(word in lowered for word in words):
            return vendor
    return ""
