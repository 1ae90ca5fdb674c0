"""The library and the machine as the backend sees them: read in threads, so a slow disk never stops the loop."""

import asyncio
import time
from pathlib import Path

from app.backends.engine_files import graphics_backends
from app.backends.probe import EngineReport, probe_engine
from app.errors import AppError
from app.hardware.machine import detect
from app.models.library import Library, find
from app.protocol import Device, Machine, ModelEntry, ModelState
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
        self._graphics = bool(graphics_backends())
        self._report: tuple[float, EngineReport] | None = None

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
        """This machine, with the devices the engine can use."""
        return await asyncio.to_thread(detect, self.folder, await self._devices())

    async def machine_now(self) -> Machine:
        """The same as cheaply as can be, with the memory that is free at this moment: asked before every load.

        The engine is asked for graphics cards only where it could use any: a probe takes longer than loading a small
        model.
        """
        devices = await self._devices() if self._graphics else ()
        return await asyncio.to_thread(detect, self.folder, devices)

    async def report(self) -> EngineReport:
        """What the engine says of itself and its devices. Raises AppError("engine_missing")."""
        async with self._probing:
            if self._report is None or time.monotonic() - self._report[0] > REPORT_AGE_S:
                self._report = (time.monotonic(), await probe_engine())
            return self._report[1]

    async def _devices(self) -> tuple[Device, ...]:
        """The graphics cards; none where the engine cannot be asked (the load itself will say why)."""
        try:
            return (await self.report()).graphics
        except AppError:
            return ()
