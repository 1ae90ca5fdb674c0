"""Where the set-up finds and puts things: the checkout, its virtual environment, the user's cache and data folders."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The folders of one set-up; nothing is created here."""

    checkout: Path
    cache: Path
    """`alcove` in the user's cache folder, whatever `ALCOVE_HOME` says: built engines are shared by all homes."""
    data: Path
    """Where Alcove keeps its settings (`ALCOVE_HOME` moves it)."""

    @property
    def venv(self) -> Path:
        return self.checkout / ".venv"

    @property
    def requirements(self) -> Path:
        return self.checkout / "requirements"

    @property
    def engines(self) -> Path:
        return self.cache / "engine"

    @property
    def log(self) -> Path:
        return self.cache / "setup.log"

    @classmethod
    def current(cls, checkout: Path, platform: str, environ: Mapping[str, str]) -> "Layout":
        """The folders on that platform (`sys.platform`); the same ones as platformdirs gives the app."""
        home = Path(environ.get("HOME") or environ.get("USERPROFILE") or Path.home())
        cache, data = _user_folders(platform, environ, home)
        alcove_home = environ.get("ALCOVE_HOME")
        if alcove_home:
            data = Path(alcove_home).expanduser().absolute()
        return cls(checkout=checkout, cache=cache, data=data)


def _user_folders(platform: str, environ: Mapping[str, str], home: Path) -> tuple[Path, Path]:
    """Alcove's cache and data folders."""
    if platform == "darwin":
        library = home / "Library"
        return library / "Caches" / "alcove", library / "Application Support" / "alcove"
    if platform == "win32":
        local = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "alcove"
        return local / "Cache", local
    cache = environ.get("XDG_CACHE_HOME") or home / ".cache"
    data = environ.get("XDG_DATA_HOME") or home / ".local" / "share"
    return Path(cache) / "alcove", Path(data) / "alcove"
