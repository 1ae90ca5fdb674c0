"""What a load took of each device beyond llama.cpp's buffers: the residual of hardware_fit.md §2.6, measured."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from app.hardware.trial import name_of
from app.protocol import CPU, LoadedMemory, Machine, Measurement, MeasurementKind, MemorySample, MemoryUse
from app.server.subjects import key_of

_NEWEST = 3
"""Loads that are looked at; the most that was taken counts."""


def with_residuals(memory: LoadedMemory, before: Machine, now: MemorySample) -> LoadedMemory:
    """The buffers with what was taken besides on each device, where that can be told: by what our processes hold, else
    by what has become less."""
    free = {name_of(device): device.memory_free for device in before.devices}
    samples = {sample.engine_name or sample.name: sample for sample in now.devices}

    def told(use: MemoryUse) -> MemoryUse:
        sample = samples.get(use.device)
        if use.device == CPU or sample is None:
            return use
        was, taken = free.get(use.device), sample.ours
        # Our processes hold at least the buffers: nothing means that the driver cannot see them (WSL, containers).
        if not taken and was is not None and sample.free is not None:
            taken = was - sample.free
        return use if taken is None else replace(use, residual=max(taken - use.total, 0))

    return replace(memory, measured=tuple(map(told, memory.measured)))


def rows_of(memory: LoadedMemory, machine: Machine, build: str, now: float) -> list[Measurement]:
    """One figure for each device that was predicted and measured; `stated` are llama.cpp's own buffers."""
    measured = {use.device: use for use in memory.measured}
    return [
        Measurement(
            id=0,
            created=now,
            kind=MeasurementKind.MEMORY,
            model=memory.model,
            device=use.device,
            key=key_of(machine, use.device),
            build=build,
            predicted=float(use.total),
            stated=float(found.total - found.residual),
            measured=float(found.total),
        )
        for use in memory.predicted
        if (found := measured.get(use.device)) is not None and found.residual
    ]


def residuals_of(rows: Sequence[Measurement], machine: Machine) -> Mapping[str, int]:
    """By device, from rows of this build, oldest first."""
    found = {}
    for device in machine.devices:
        name = name_of(device)
        own = [
            row
            for row in rows
            if row.kind is MeasurementKind.MEMORY and row.device == name and row.key == key_of(machine, name)
        ]
        taken = [int(row.measured - row.stated) for row in own[-_NEWEST:] if row.stated is not None]
        if taken:
            found[name] = max(taken)
    return found


def last_load(rows: Iterable[Measurement]) -> tuple[str, int, int] | None:
    """(model, bytes predicted, bytes measured) of the newest load; rows newest first."""
    memory = [row for row in rows if row.kind is MeasurementKind.MEMORY and row.predicted is not None]
    if not memory:
        return None
    last = [row for row in memory if row.created == memory[0].created and row.model == memory[0].model]
    return last[0].model, int(sum(row.predicted or 0 for row in last)), int(sum(row.measured for row in last))
