"""The settings as the backend holds them: read once, changed here alone, written before anyone is told."""

import asyncio
from pathlib import Path

from app.paths import Paths
from app.protocol import StateFolder
from app.settings import Settings, change_settings, load_settings, save_settings


class Preferences:
    """The present settings. Raises AppError("settings_damaged") where the file cannot be read."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._lock = asyncio.Lock()
        self.settings = load_settings(paths.settings)

    @property
    def model_folder(self) -> Path:
        chosen = self.settings.model_folder
        return Path(chosen).expanduser() if chosen else self._paths.default_models

    @property
    def cache(self) -> Path:
        return self._paths.cache

    def states(self) -> StateFolder | None:
        """Where KV states are kept, and how much; None where nothing shall be."""
        limit = self.settings.state_disk_mb * 1024**2
        return StateFolder(path=str(self._paths.states), limit_bytes=limit) if limit else None

    async def change(self, fields: bytes) -> Settings:
        """Set the fields of a JSON object. Raises AppError("bad_request"), or for a full or read-only disk."""
        async with self._lock:
            changed = change_settings(self.settings, fields or b"{}")
            await asyncio.to_thread(save_settings, self._paths.settings, changed)
            self.settings = changed
        return changed
