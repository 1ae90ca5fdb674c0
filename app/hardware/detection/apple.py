"""Apple's GPUs: they compute in the machine's memory, up to a limit of the system, and others' use counts."""

from app.hardware.detection.answers import Answers
from app.hardware.gpus import known_gpu
from app.protocol import Device

_MIB = 1024**2
_HALF_LIMIT = 36 * 1024**3
"""Up to this much memory Metal grants two thirds of it, above three quarters (measured by several people)."""


def apple_devices(answers: Answers, ram_available: int | None) -> tuple[Device, ...]:
    """The GPU of a Mac with a chip of Apple's; () on every other machine."""
    chip = answers.sysctl.get("machdep.cpu.brand_string", "")
    if answers.platform != "darwin" or not chip.startswith("Apple"):
        return ()
    memory = answers.memory_total
    known = known_gpu(chip, memory, answers.gpu_cores)
    limit = wired_limit(answers.sysctl.get("iogpu.wired_limit_mb", ""), memory)
    return (
        Device(
            name=chip,
            kind="unified",
            vendor="apple",
            architecture=known.architecture if known else "",
            memory_total=limit,
            memory_free=None if limit is None or ram_available is None else min(limit, ram_available),
            memory_shared=limit,
            bandwidth=known.bandwidth if known else None,
            compute=known.compute if known else None,
            sources=("metal", "table") if known else ("metal",),
        ),
    )


def wired_limit(setting: str, memory: int | None) -> int | None:
    """Bytes the GPU may hold: what its owner has set (MiB, 0 is the system's choice), else the system's share."""
    if setting.isdigit() and int(setting):
        return int(setting) * _MIB
    if memory is None:
        return None
    return memory * 2 // 3 if memory <= _HALF_LIMIT else memory * 3 // 4


def available_memory(vm_stat: str) -> int | None:
    """Bytes that macOS can give at once by the text of `vm_stat`: free, inactive, purgeable and speculative pages."""
    lines = [line.partition(":") for line in vm_stat.splitlines()]
    told = {name.strip().casefold(): value.strip(" .") for name, _, value in lines}
    page = next((word for word in vm_stat.partition("\n")[0].split() if word.isdigit()), "")
    names = ("pages free", "pages inactive", "pages purgeable", "pages speculative")
    counts = [told.get(name, "") for name in names]
    if not page or not counts[0].isdigit():
        return None
    return sum(int(count) for count in counts if count.isdigit()) * int(page)
