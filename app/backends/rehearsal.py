"""Asks llama.cpp in a throw-away process what a model would take, before it is loaded or even downloaded (level 1)."""

import tempfile
from collections.abc import Sequence

import msgspec

from app.backends.probe import ask_probe
from app.hardware.defaults import placement_of
from app.hardware.geometry import geometry_of
from app.hardware.gguf import Header
from app.hardware.gguf_hollow import data_size, hollow_header
from app.hardware.need import NOTHING, Besides, memory_use
from app.launch import own_command
from app.protocol import CPU, LoadParams, Machine, MemoryUse, Wire

REHEARSAL_SECONDS = 20.0
"""Drivers of graphics cards are started for it, which takes seconds the first time."""


class RehearsalRequest(Wire, frozen=True, kw_only=True):
    """What the probe reads: a header without vocabulary (gguf_hollow), and the ways to load it."""

    name: str = ""
    """Of the model, for error messages."""
    header: bytes
    data_size: int
    """Bytes of its tensors."""
    params: tuple[LoadParams, ...]
    folder: str
    """Where the probe may write; whoever asks clears it, as the probe may die."""


class Rehearsed(Wire, frozen=True, kw_only=True):
    """What llama.cpp said of one way to load: caches, states, scratch and logits; it does not tell of weights."""

    model_size: int
    """Bytes of all tensors in the file."""
    layers: tuple[str, ...]
    """The device of each layer, the output last."""
    memory: tuple[MemoryUse, ...]
    """The machine's memory last."""


class Rehearsals(Wire, frozen=True):
    """What the probe writes."""

    rehearsed: tuple[Rehearsed, ...]


async def rehearse(
    header: Header,
    params: LoadParams,
    machine: Machine,
    besides: Besides = NOTHING,
    limit_s: float = REHEARSAL_SECONDS,
) -> tuple[MemoryUse, ...]:
    """What each device must give, with llama.cpp's own figures where it has any; the machine's memory last.

    Raises AppError: "model_load_failed", "bad_request", or "engine_missing", also when it takes too long.
    """
    (rehearsed,) = await rehearse_all(header, (params,), limit_s)
    return combined(rehearsed, header, params, machine, besides)


async def rehearse_all(
    header: Header, params: Sequence[LoadParams], limit_s: float = REHEARSAL_SECONDS, command: Sequence[str] = ()
) -> tuple[Rehearsed, ...]:
    """What llama.cpp says of each of those ways to load, asked in one process. Raises AppError as `rehearse`."""
    with tempfile.TemporaryDirectory(prefix="alcove-rehearsal-") as folder:
        request = RehearsalRequest(
            name=header.name,
            header=hollow_header(header),
            data_size=data_size(header),
            params=tuple(params),
            folder=folder,
        )
        question = msgspec.json.encode(request)
        answer = await ask_probe(Rehearsals, command or own_command("probe", "rehearse"), limit_s, question)
    return answer.rehearsed


def combined(
    rehearsed: Rehearsed, header: Header, params: LoadParams, machine: Machine, besides: Besides = NOTHING
) -> tuple[MemoryUse, ...]:
    """Weights and what lies beside by our own reckoning, all else as llama.cpp said."""
    geometry = geometry_of(header)
    placement = placement_of(params, geometry, device_layers(rehearsed.layers))
    own = {use.device: use for use in memory_use(geometry, placement, machine, besides)}
    said = {use.device: use for use in rehearsed.memory}
    return tuple(_with_figures(use, said.get(device, MemoryUse(device=device))) for device, use in own.items())


def device_layers(layers: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """(device, layers on it) in the order they are filled, without those beside the processor."""
    devices = dict.fromkeys(name for name in layers if name != CPU)
    return tuple((name, layers.count(name)) for name in devices)


def _with_figures(use: MemoryUse, said: MemoryUse) -> MemoryUse:
    figures = {"cache": said.cache, "state": said.state, "compute": said.compute, "output": said.output}
    return msgspec.structs.replace(use, **figures)
