"""Gathers the facts from which `alcove doctor` is made."""

import asyncio
import os
import platform
from pathlib import Path

import psutil

from app.errors import AppError
from app.hardware.detection.access import device_access
from app.hardware.detection.answers import EngineBuild
from app.hardware.detection.container import is_wsl
from app.hardware.doctor import Facts, checks
from app.hardware.unused import Surroundings
from app.paths import STARTER_MODEL
from app.protocol import Check
from app.server.services import Services
from app.server.taken import last_load


async def checkup(services: Services) -> list[Check]:
    """Every check, from what this backend sees. It knows no display: that is the command line's to say."""
    version, build, fault = await _engine(services)
    drivers = await services.shelf.drivers()
    folder = services.shelf.folder
    facts = Facts(
        python=platform.python_version(),
        database=services.paths.database,
        database_size=_size(services.paths.database),
        model_folder=folder,
        model_folder_exists=folder.is_dir(),
        model_folder_writable=os.access(folder, os.W_OK),
        models=tuple(await services.engines.entries()),
        machine=await services.shelf.machine(),
        engine_version=version,
        engine_fault=fault,
        around=Surroundings(build, drivers.nvml, await asyncio.to_thread(device_access)),
        host_memory=int(psutil.virtual_memory().total),
        wsl=await asyncio.to_thread(is_wsl, Path("/")),
        starter=STARTER_MODEL,
        starter_size=_size(STARTER_MODEL),
        clients=len(services.presence),
        port=services.port.state,
        logs=services.paths.logs,
        last_load=last_load(services.measuring.all()),
    )
    return checks(facts)


async def _engine(services: Services) -> tuple[str | None, EngineBuild, str]:
    """The engine's version and build, or None and why it cannot be asked."""
    try:
        report = await services.shelf.report()
        return report.version, report.build, ""
    except AppError as error:
        return None, EngineBuild(), str(error.values.get("reason", error.message))


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
