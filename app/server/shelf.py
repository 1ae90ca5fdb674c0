"""The library and the machine as the backend sees them: read in threads, so a slow disk never stops the loop."""

import asyncio
import time
from pathlib import Path

from msgspec.structs import replace

from app.backends.probe import EngineReport, probe_drivers, probe_engine
from app.errors import AppError
from app.hardware.detection.answers import DriverAnswers
from app.hardware.gguf import Header
from app.hardware.machine import detect
from app.hardware.memory import check_fits
from app.models.library import Library, find, read_model
from app.protocol import Device, LoadParams, Machine, ModelEntry, ModelState
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

    async def check_fits(self, entry: ModelEntry, params: LoadParams, reclaimable: int = 0) -> None:
        """Raise AppError("model_too_large") with the numbers, or "model_broken", before anything is loaded.

        `reclaimable`: bytes that will be free before loading begins. Graphics cards are asked for only where RAM alone
        is too small: a probe takes longer than loading a small model.
        """
        if entry.state is ModelState.BROKEN and entry.error is not None:
            raise AppError.from_info(entry.error)
        header = await asyncio.to_thread(read_model, Path(entry.path))
        try:
            await self._check(entry, header, params, reclaimable, ())
        except AppError as error:
            if error.code != "model_too_large" or not (devices := await self._devices()):
                raise
            await self._check(entry, header, params, reclaimable, devices)

    async def machine(self) -> Machine:
        """This machine, with the devices the engine can use and what their drivers tell; both are asked at once."""
        devices, drivers = await asyncio.gather(self._devices(), self.drivers())
        return await asyncio.to_thread(detect, self.folder, devices, drivers, self._preferences.cache)

    async def drivers(self) -> DriverAnswers:
        """What the drivers of the graphics cards say, in a process of its own since they can hang."""
        async with self._asking:
            if self._drivers is None or time.monotonic() - self._drivers[0] > REPORT_AGE_S:
                self._drivers = (time.monotonic(), await probe_drivers())
            return self._drivers[1]

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

    async def _check(
        self, entry: ModelEntry, header: Header, params: LoadParams, reclaimable: int, devices: tuple[Device, ...]
    ) -> None:
        machine = await asyncio.to_thread(detect, self.folder, devices)
        if machine.ram_available is not None:
            machine = replace(machine, ram_available=machine.ram_available + reclaimable)
        check_fits(header, params.context_length, machine, entry.name)

    async def _devices(self) -> tuple[Device, ...]:
        """The graphics cards; none where the engine cannot be asked (the load itself will say why)."""
        try:
            return (await self.report()).graphics
        except AppError:
            return ()
