"""Gathers the facts from which `alcove doctor` is made."""

import asyncio
import os
import platform
from pathlib import Path

from app.errors import AppError
from app.hardware.doctor import Facts, checks
from app.hardware.nvidia import nvidia_devices
from app.paths import STARTER_MODEL
from app.protocol import Check
from app.server.services import Services


async def checkup(services: Services) -> list[Check]:
    """Every check, from what this backend sees. It knows no display: that is the command line's to say."""
    version, fault = await _engine(services)
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
        driver_cards=await asyncio.to_thread(nvidia_devices),
        starter=STARTER_MODEL,
        starter_size=_size(STARTER_MODEL),
        clients=len(services.presence),
        port=services.port.state,
        logs=services.paths.logs,
    )
    return checks(facts)


async def _engine(services: Services) -> tuple[str | None, str]:
    """The engine's version, or None and why it cannot be asked."""
    try:
        return (await services.shelf.report()).version, ""
    except AppError as error:
        return None, str(error.values.get("reason", error.message))


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
