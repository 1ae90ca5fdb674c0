"""Where Alcove keeps its files: data, cache, logs, models and the resources it ships with."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
STARTER_MODEL = RESOURCES / "starter.gguf"


@dataclass(frozen=True)
class Paths:
    """The folders of one Alcove. With `ALCOVE_HOME` everything lies below it, otherwise where the platform wants it."""

    data: Path
    cache: Path
    logs: Path

    @classmethod
    def current(cls) -> "Paths":
        """The folders the environment asks for; nothing is created."""
        home = os.environ.get("ALCOVE_HOME")
        if home:
            base = Path(home).expanduser().absolute()
            return cls(data=base, cache=base / "cache", logs=base / "logs")
        return cls(
            data=Path(platformdirs.user_data_path("alcove", appauthor=False)),
            cache=Path(platformdirs.user_cache_path("alcove", appauthor=False)),
            logs=Path(platformdirs.user_log_path("alcove", appauthor=False)),
        )

    @property
    def database(self) -> Path:
        return self.data / "alcove.db"

    @property
    def settings(self) -> Path:
        return self.data / "settings.json"

    @property
    def handshake(self) -> Path:
        return self.data / "backend.json"

    @property
    def lock(self) -> Path:
        return self.data / "backend.lock"

    @property
    def states(self) -> Path:
        """States of the KV cache: what conversations need not be read again for."""
        return self.cache / "states"

    @property
    def catalogue(self) -> Path:
        """A newer catalogue of models than the one in the resources, if an update has brought one."""
        return self.cache / "catalogue.json"

    @property
    def default_models(self) -> Path:
        return self.data / "models"
