"""Whether a model can be loaded here at all: what it needs beside the processor alone, against all memory there is.

Where it would best lie is the plan's business (app/hardware/need.py has the formulas); this is the gate before a load.
"""

from app.errors import AppError
from app.hardware.defaults import placement_of
from app.hardware.geometry import geometry_of
from app.hardware.gguf import Header
from app.hardware.need import memory_use
from app.protocol import LoadParams, Machine

_LONGEST = 2**31 - 1


def needed_bytes(header: Header, context_length: int | None = None, machine: Machine | None = None) -> int:
    """Bytes that loading takes in all at that context length (tokens; None: what the engine chooses by itself)."""
    asked = None if context_length is None else min(context_length, _LONGEST)
    geometry = geometry_of(header)
    placement = placement_of(LoadParams(context_length=asked), geometry)
    return sum(use.total for use in memory_use(geometry, placement, machine or Machine(os="")))


def check_fits(header: Header, context_length: int | None, machine: Machine, model: str = "") -> None:
    """Refuse a model that needs more than is free. Raises AppError("model_too_large") with the numbers.

    Where the memory of the machine is not known nothing is refused.
    """
    available, total = free_memory(machine)
    needed = needed_bytes(header, context_length, machine)
    if available is not None and needed > available:
        raise AppError(
            "model_too_large",
            model=model or header.name,
            needed_bytes=needed,
            available_bytes=available,
            total_bytes=total if total is not None else available,
        )


def free_memory(machine: Machine) -> tuple[int | None, int | None]:
    """Available and total bytes a model can be spread over: RAM and the own memory of graphics cards."""
    cards = [device for device in machine.devices if device.kind == "discrete"]
    if machine.ram_available is None:
        return None, machine.ram_total
    available = machine.ram_available + sum(card.memory_free or 0 for card in cards)
    if machine.ram_total is None:
        return available, None
    return available, machine.ram_total + sum(card.memory_total or 0 for card in cards)
