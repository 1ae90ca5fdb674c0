"""How a model will be loaded: planned from the memory that is free now, and compared with what it then took."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from app.errors import AppError
from app.hardware.corrections import Corrections
from app.hardware.geometry import Geometry, geometry_of
from app.hardware.ladder import stepped_down
from app.hardware.need import Besides
from app.hardware.planner import planned
from app.hardware.residual import prior_residual
from app.hardware.search import Search
from app.hardware.trial import name_of
from app.hardware.wish import Wish
from app.models.library import read_model
from app.protocol import (
    CPU,
    ErrorInfo,
    Loaded,
    LoadedMemory,
    LoadParams,
    Machine,
    MemoryUse,
    ModelEntry,
    ModelState,
    Plan,
    Verdict,
)
from app.server.shelf import Shelf

_SHORT_OF_MEMORY = frozenset({"out_of_memory", "process_killed"})

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """A plan with all it was made from, so that a smaller one can follow."""

    search: Search
    plan: Plan

    def smaller(self) -> "Prepared | None":
        """What to try after this one had no memory; None at the end of the ladder."""
        plan = stepped_down(self.search, self.plan)
        return None if plan is None else Prepared(self.search, plan)


class Knowledge(Protocol):
    """What was measured on this machine before."""

    def corrections(self, machine: Machine, model: str) -> Corrections:
        """Of the speed of that machine and that model (its id)."""

    def residuals(self, machine: Machine) -> Mapping[str, int]:
        """Bytes by device that were taken outside of llama.cpp's buffers."""


class Planning:
    """Makes the plans. Geometries are kept by file; `witness` knows what was measured here."""

    def __init__(self, shelf: Shelf, witness: Knowledge) -> None:
        self._shelf = shelf
        self._witness = witness
        self._geometries: dict[tuple[str, int, int], Geometry] = {}

    async def prepare(self, entry: ModelEntry, params: LoadParams, freed: Mapping[str, int] | None = None) -> Prepared:
        """The plan for loading it now. `freed`: bytes by device that will be free before loading begins.

        Raises AppError: "model_broken", and "model_too_large" with the numbers where it cannot fit.
        """
        if entry.state is ModelState.BROKEN and entry.error is not None:
            raise AppError.from_info(entry.error)
        machine = with_freed(await self._shelf.machine_now(), freed or {})
        prepared = await asyncio.to_thread(self._prepared, entry, params, machine)
        check_fits(prepared, entry.name)
        return prepared

    async def look(
        self, entries: Sequence[ModelEntry], params: LoadParams, freed: Mapping[str, int]
    ) -> dict[str, Plan]:
        """How each of them would be loaded now, by id; those whose file cannot be read are left out."""
        machine = with_freed(await self._shelf.machine_now(), freed)
        return await asyncio.to_thread(self._look, entries, params, machine)

    def _look(self, entries: Sequence[ModelEntry], params: LoadParams, machine: Machine) -> dict[str, Plan]:
        found = {}
        for entry in entries:
            with contextlib.suppress(AppError):
                found[entry.id] = self._prepared(entry, params, machine).plan
        return found

    def _prepared(self, entry: ModelEntry, params: LoadParams, machine: Machine) -> Prepared:
        geometry = self.geometry(Path(entry.path))
        wish = Wish.of(params)
        besides = Besides(
            projector=_size(params.projector),
            draft=self._draft(params.draft_model),
            residuals=self.residuals(geometry, machine, wish),
        )
        search = Search(geometry, machine, wish, self._witness.corrections(machine, entry.id), besides)
        return Prepared(search, planned(search))

    def residuals(self, geometry: Geometry, machine: Machine, wish: Wish) -> Mapping[str, int]:
        """What was measured, but no less than half of what is usual: one small load does not stand for a large one."""
        measured = self._witness.residuals(machine)
        setting = next(wish.settings(wish.target(geometry), geometry))
        placement = wish.placement(geometry, setting)
        return {
            name_of(device): max(measured[name_of(device)], prior_residual(device, geometry, placement) // 2)
            for device in machine.devices
            if name_of(device) in measured
        }

    def geometry(self, path: Path) -> Geometry:
        """The shape of the model in that file. Raises AppError("model_broken")."""
        key = _state_of(path)
        if (known := self._geometries.get(key)) is None:
            known = geometry_of(read_model(path))
            self._geometries = {kept: shape for kept, shape in self._geometries.items() if kept[0] != key[0]}
            self._geometries[key] = known
        return known

    def _draft(self, path: str) -> Geometry | None:
        """The drafting model's shape; what is wrong with its file the load itself will say."""
        if not path:
            return None
        try:
            return self.geometry(Path(path))
        except AppError:
            return None


def is_short_of_memory(error: AppError) -> bool:
    """Whether a load failed because there was not enough memory."""
    return error.code == "model_load_failed" and error.values.get("reason") in _SHORT_OF_MEMORY


def check_fits(prepared: Prepared, model: str) -> None:
    """Raise AppError("model_too_large") with the numbers, before anything is loaded.

    Where somebody said where layers go, only what is more than all memory together is refused: they may know better.
    """
    plan, machine = prepared.plan, prepared.search.machine
    if plan.verdict is not Verdict.NO:
        return
    available = sum(max(use.free - use.reserve, 0) for use in plan.memory if use.free is not None)
    needed = max(plan.total, available + sum(missing(plan.memory).values()))
    if prepared.search.wish.names_places and plan.total <= _all_free(machine):
        return
    raise AppError(
        "model_too_large",
        model=model,
        needed_bytes=needed,
        available_bytes=available,
        total_bytes=_all_there_is(machine, plan.memory),
    )


def missing(uses: Iterable[MemoryUse]) -> dict[str, int]:
    """Bytes that are short, by device."""
    short = {use.device: use.total - (use.free - use.reserve) for use in uses if use.free is not None}
    return {device: size for device, size in short.items() if size > 0}


def with_freed(machine: Machine, freed: Mapping[str, int]) -> Machine:
    """The machine as it will be once so many bytes of each device are given back."""
    devices = tuple(
        replace(device, memory_free=device.memory_free + freed.get(name_of(device), 0))
        if device.memory_free is not None
        else device
        for device in machine.devices
    )
    available = machine.ram_available
    if available is not None:
        available += freed.get(CPU, 0)
    return replace(machine, devices=devices, ram_available=available)


def steps_between(before: Plan, after: Plan) -> tuple[ErrorInfo, ...]:
    """What the smaller plan gives up, as warnings beside the model."""
    codes = {reason.code: reason for reason in after.given_up}
    return tuple(
        ErrorInfo(code="loaded_smaller", values={**reason.values, "reason": reason.code}) for reason in codes.values()
    )


def with_plan(entry: ModelEntry, plan: Plan) -> ModelEntry:
    """The entry with what is to be known of its plan."""
    return replace(entry, verdict=plan.verdict, given_up=plan.given_up, would_change=plan.would_change)


def compared(plan: Plan, model: str, loaded: Loaded) -> LoadedMemory:
    """What was predicted of a model beside what llama.cpp says it took."""
    return LoadedMemory(model=model, predicted=plan.memory, measured=loaded.buffers)


def with_resident(uses: Iterable[MemoryUse], resident: int) -> tuple[MemoryUse, ...]:
    """The buffers with what the process holds beside them in the machine's memory. Pages of the file that were never
    touched are no part of it, nor is scratch memory that was never used: there is no less than nothing besides."""
    return tuple(replace(use, residual=max(resident - use.total, 0)) if use.device == CPU else use for use in uses)


def _all_free(machine: Machine) -> int:
    cards = sum(device.memory_free or 0 for device in machine.usable_devices if not device.memory_shared)
    return (machine.ram_available or 0) + cards


def _all_there_is(machine: Machine, uses: Iterable[MemoryUse]) -> int:
    """All memory of the devices a plan uses, as far as it is known; at least what is free."""
    totals = {name_of(device): device.memory_total for device in machine.usable_devices if not device.memory_shared}
    totals[CPU] = machine.ram_total
    return sum(max(totals.get(use.device) or 0, use.free or 0) for use in uses)


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size if path else 0
    except OSError:
        return 0


def _state_of(path: Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), status.st_size, status.st_mtime_ns
