"""The library and the machine as the backend sees them: read in threads, so a slow disk never stops the loop."""

import asyncio
import time
from pathlib import Path

from msgspec.structs import replace

from app.backends.engine_files import graphics_backends
from app.backends.probe import EngineReport, probe_drivers, probe_engine
from app.errors import AppError
from app.hardware.detection.answers import DriverAnswers
from app.hardware.machine import detect
from app.hardware.sampling import sample
from app.models.library import Library, find
from app.protocol import Device, Machine, MemorySample, ModelEntry, ModelState
from app.server.preferences import Preferences

REPORT_AGE_S = 30.0
"""How long a probe's report is believed: free video memory changes, drivers do not."""


class Shelf:
    """Which models are here, and what this machine can hold."""

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences
        self._library = Library(preferences.model_folder)
        self._reading = asyncio.Lock()
        self._probing = asyncio.Lock()
        self._known: Machine | None = None
        """As it was looked at last."""
        self._graphics = bool(graphics_backends())
        self._report: tuple[float, EngineReport | AppError] | None = None
        self._asking = asyncio.Lock()
        self._drivers: tuple[float, DriverAnswers] | None = None

    @property
    def folder(self) -> Path:
        return self._preferences.model_folder

    async def entries(self) -> list[ModelEntry]:
        """All models on the disk now."""
        async with self._reading:
            if self._library.folder != self.folder:
                self._library = Library(self.folder)
            return await asyncio.to_thread(self._library.entries)

    async def find(self, name: str) -> ModelEntry:
        """The model of that id or name. Raises AppError("model_not_found")."""
        return find(await self.entries(), name)

    async def default(self) -> ModelEntry:
        """The model for those who named none: the first that works, the starter. Raises AppError("no_model")."""
        for entry in await self.entries():
            if entry.state is not ModelState.BROKEN:
                return entry
        raise AppError("no_model")

    async def machine(self) -> Machine:
        """This machine, with the devices the engine can use and what their drivers tell; both are asked at once."""
        devices, drivers = await asyncio.gather(self._devices(), self.drivers())
        machine = await asyncio.to_thread(detect, self.folder, devices, drivers, self._preferences.cache)
        self._known = machine
        return machine

    async def drivers(self) -> DriverAnswers:
        """What the drivers of the graphics cards say, in a process of its own since they can hang."""
        async with self._asking:
            if self._drivers is None or time.monotonic() - self._drivers[0] > REPORT_AGE_S:
                self._drivers = (time.monotonic(), await probe_drivers())
            return self._drivers[1]

    async def machine_now(self) -> Machine:
        """The same with the memory that is free at this moment, as cheaply as can be: asked before every load.

        The engine and drivers are asked for graphics cards only where the engine could use any: a probe takes longer
        than loading a small model.
        """
        if self._known is None or await self._is_stale(self._known):
            if self._graphics:
                self._known = await self.machine()
            elif self._known is None:
                self._known = await asyncio.to_thread(detect, self.folder, cache=self._preferences.cache)
        return with_sample(self._known, await self._sample(self._known))

    async def _is_stale(self, known: Machine) -> bool:
        """Whether the engine has to be asked again: nobody else knows what is free, or it could not answer before."""
        if self._graphics and not known.usable_devices:
            return self._report is None or time.monotonic() - self._report[0] > REPORT_AGE_S
        return any(each.free is None and each.engine_name for each in (await self._sample(known)).devices)

    async def sample(self) -> MemorySample:
        """Who has the memory at this moment."""
        return await self._sample(self._known or await self.machine_now())

    async def _sample(self, machine: Machine) -> MemorySample:
        return await asyncio.to_thread(sample, machine)

    async def report(self) -> EngineReport:
        """What the engine says of itself and its devices. Raises AppError("engine_missing")."""
        async with self._probing:
            if self._report is None or time.monotonic() - self._report[0] > REPORT_AGE_S:
                self._report = (time.monotonic(), await self._probed())
            if isinstance(self._report[1], AppError):
                raise AppError.from_info(self._report[1].info)
            return self._report[1]

    async def _probed(self) -> EngineReport | AppError:
        """A fault is an answer too: who hangs once would hang for every question."""
        try:
            return await probe_engine()
        except AppError as error:
            return error

    async def _devices(self) -> tuple[Device, ...]:
        """The graphics cards; none where the engine cannot be asked (the load itself will say why)."""
        try:
            return (await self.report()).graphics
        except AppError:
            return ()


def with_sample(machine: Machine, now: MemorySample) -> Machine:
    """The machine with what is free at this moment, where that can be told without asking the engine."""
    free = {(each.name, each.engine_name): each.free for each in now.devices}
    devices = tuple(
        replace(device, memory_free=device.memory_free if found is None else found)
        for device in machine.devices
        for found in (free.get((device.name, device.engine_name)),)
    )
    return replace(machine, ram_available=now.ram_available, ram_total=now.ram_total, devices=devices)
