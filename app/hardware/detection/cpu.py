"""The processor: its name, cores of both kinds, vector extensions and last-level cache."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.hardware.detection.answers import Answers
from app.hardware.detection.files import fields, listed, number, size, text

_X86 = (
    *("sse3", "ssse3", "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vbmi"),
    *("avx512_vnni", "avx512_bf16", "amx_int8"),
)
"""Those for which ggml has code of its own, as the kernel calls them (`pni` is sse3)."""
_ARM = {"asimd": "neon", "asimddp": "dotprod", "i8mm": "i8mm", "sve": "sve", "sme": "sme"}
_APPLE = {
    "hw.optional.AdvSIMD": "neon",
    "hw.optional.arm.FEAT_DotProd": "dotprod",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
    "hw.optional.arm.FEAT_SME": "sme",
    "hw.optional.avx2_0": "avx2",
    "hw.optional.f16c": "f16c",
    "hw.optional.fma": "fma",
    "hw.optional.avx512f": "avx512f",
}
_PERFORMANCE = 0.8
"""Of the strongest core's capacity or clock: cores below are efficiency cores."""
_IMPLEMENTERS = {
    ("0x41", "0xd08"): "Cortex-A72",
    ("0x41", "0xd0b"): "Cortex-A76",
    ("0x41", "0xd0c"): "Neoverse N1",
    ("0x41", "0xd40"): "Neoverse V1",
    ("0x41", "0xd49"): "Neoverse N2",
    ("0x41", "0xd4f"): "Neoverse V2",
    ("0x41", "0xd85"): "Cortex-X925",
    ("0xc0", "0xac3"): "Ampere-1",
    ("0x51", "0x001"): "Oryon",
}
"""Arm's kernels give numbers for names: implementer and part (Arm Architecture Reference Manual, MIDR_EL1)."""


@dataclass(frozen=True)
class Processor:
    """What the processor is; None is unknown."""

    name: str | None
    physical: int | None
    performance: int | None
    logical: int | None
    features: tuple[str, ...]
    cache_l3: int | None


def processor(answers: Answers, root: Path) -> Processor:
    """The processor of that machine."""
    if answers.platform == "linux":
        return _linux(answers, root)
    if answers.platform == "darwin":
        return _apple(answers)
    return Processor(
        name=answers.processor or None,
        physical=answers.physical_cores,
        performance=answers.performance_cores or answers.physical_cores,
        logical=answers.logical_cores,
        features=answers.features,
        cache_l3=answers.cache_l3,
    )


def processor_name(cpuinfo: str) -> str | None:
    """The name in the text of /proc/cpuinfo; on Arm the name of the board, or of the strongest core that has one."""
    known = fields(cpuinfo)
    if name := known.get("model name") or known.get("hardware") or known.get("model"):
        return name
    blocks = [fields(block) for block in cpuinfo.split("\n\n")]
    cores = {(block.get("cpu implementer", ""), block.get("cpu part", "")) for block in blocks}
    names = [_IMPLEMENTERS[core] for core in sorted(cores) if core in _IMPLEMENTERS]
    return names[-1] if names else None


def features(cpuinfo: str) -> tuple[str, ...]:
    """The vector extensions ggml uses, of the flags in /proc/cpuinfo."""
    known = fields(cpuinfo)
    flags = set((known.get("flags") or known.get("features") or "").split())
    if "pni" in flags:
        flags.add("sse3")
    return (*(flag for flag in _X86 if flag in flags), *(ours for flag, ours in _ARM.items() if flag in flags))


def _linux(answers: Answers, root: Path) -> Processor:
    cpuinfo = text(root / "proc/cpuinfo")
    system = root / "sys/devices/system/cpu"
    online = listed(text(system / "online")) or listed(text(system / "present"))
    cores = _cores(system, online)
    efficient = listed(text(root / "sys/devices/cpu_atom/cpus"))
    return Processor(
        name=processor_name(cpuinfo) or answers.processor or None,
        physical=len(cores) or answers.physical_cores,
        performance=_strong(cores, efficient) or answers.physical_cores,
        logical=len(online) or answers.logical_cores,
        features=features(cpuinfo),
        cache_l3=_largest_cache(system, online),
    )


@dataclass(frozen=True)
class _Core:
    processors: frozenset[int]
    strength: int
    """The kernel's capacity, else the highest clock in kHz; 0 where neither is told."""


def _cores(system: Path, processors: Iterable[int]) -> list[_Core]:
    """The physical cores among these logical processors; [] where the kernel does not tell."""
    found: dict[frozenset[int], int] = {}
    for processor_number in processors:
        folder = system / f"cpu{processor_number}"
        siblings = text(folder / "topology/core_cpus_list") or text(folder / "topology/thread_siblings_list")
        if not siblings:
            return []
        strength = number(folder / "cpu_capacity") or number(folder / "cpufreq/cpuinfo_max_freq") or 0
        found[listed(siblings)] = strength
    return [_Core(*pair) for pair in found.items()]


def _strong(cores: list[_Core], efficient: frozenset[int]) -> int:
    candidates = [core for core in cores if not core.processors & efficient]
    strongest = max((core.strength for core in candidates), default=0)
    return sum(core.strength >= _PERFORMANCE * strongest for core in candidates)


def _largest_cache(system: Path, processors: Iterable[int]) -> int | None:
    """Bytes of the largest cache of the last level, of any core."""
    sizes: dict[int, int] = {}
    for index in (path for one in processors for path in (system / f"cpu{one}/cache").glob("index*")):
        level, bytes_ = number(index / "level") or 0, size(text(index / "size"))
        if bytes_ is not None and text(index / "type") != "Instruction":
            sizes[level] = max(sizes.get(level, 0), bytes_)
    last = max(sizes, default=0)
    return sizes[last] if last >= 2 else None  # a first-level cache is never all there is


def _apple(answers: Answers) -> Processor:
    told = answers.sysctl
    return Processor(
        name=told.get("machdep.cpu.brand_string") or answers.processor or None,
        physical=_whole(told.get("hw.physicalcpu")) or answers.physical_cores,
        performance=_whole(told.get("hw.perflevel0.physicalcpu")) or _whole(told.get("hw.physicalcpu")),
        logical=_whole(told.get("hw.logicalcpu")) or answers.logical_cores,
        features=tuple(ours for name, ours in _APPLE.items() if told.get(name) == "1"),
        cache_l3=_whole(told.get("hw.l3cachesize")) or _whole(told.get("hw.perflevel0.l2cachesize")),
    )


def _whole(words: str | None) -> int | None:
    return int(words) if words and words.isdigit() and int(words) else None
