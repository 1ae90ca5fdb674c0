"""The settings: typed, kept as one JSON file, written by the backend alone and read by everyone."""

from enum import StrEnum
from pathlib import Path

import msgspec

from app.errors import AppError
from app.files import write_atomically
from app.protocol import Preset


class Theme(StrEnum):
    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"
    CONTRAST = "contrast"


class LanguageChoice(StrEnum):
    SYSTEM = "system"
    ENGLISH = "en"
    CHINESE = "zh"


class Accent(StrEnum):
    GREEN = "green"
    BLUE = "blue"
    VIOLET = "violet"
    ROSE = "rose"
    AMBER = "amber"
    SLATE = "slate"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every choice a person can make; the defaults are those of a new installation."""

    language: LanguageChoice = LanguageChoice.SYSTEM
    theme: Theme = Theme.SYSTEM
    accent: Accent = Accent.GREEN
    text_size: int = 100
    """Percent of the system's font size, 80 to 200."""
    model_folder: str = ""
    """Empty: `models` in the data folder."""
    presets: tuple[Preset, ...] = ()
    """Named ways to answer, each name once."""
    state_disk_mb: int = 2048
    """MiB of disk for states of the KV cache, with which long conversations go on at once; 0: keep none."""
    engine_index: str | None = None
    """Wheel index of the engine; None: the llama-cpp-python project's own, empty: never ask one."""

    catalogue_address: str = ""
    """Where `alcove catalogue update` fetches a newer catalogue of models from (HTTPS); empty: nowhere."""

    def __post_init__(self) -> None:
        if not 80 <= self.text_size <= 200:
            raise ValueError("text_size is between 80 and 200 percent")
        if not 0 <= self.state_disk_mb <= 2**40:
            raise ValueError("state_disk_mb is a number of MiB")
        names = [preset.name.strip() for preset in self.presets]
        if not all(names) or len(set(names)) < len(names):
            raise ValueError("every preset has a name of its own")


def load_settings(path: Path) -> Settings:
    """The settings in that file; defaults where there is none. Raises AppError("settings_damaged")."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Settings)
    except FileNotFoundError:
        return Settings()
    except (msgspec.MsgspecError, OSError) as error:
        raise AppError("settings_damaged", path=str(path), reason=str(error)) from error


def change_settings(settings: Settings, change: bytes) -> Settings:
    """The settings with a JSON object's fields replaced. Raises AppError("bad_request") for unknown or wrong ones."""
    try:
        fields = msgspec.json.decode(change, type=dict[str, object])
        unknown = fields.keys() - set(Settings.__struct_fields__)
        if unknown:
            raise AppError("bad_request", reason=f"no setting is called {', '.join(sorted(unknown))}")
        kept = msgspec.to_builtins(settings, str_keys=True)
        return msgspec.convert(kept | fields, type=Settings, str_keys=True)
    except msgspec.MsgspecError as error:
        raise AppError("bad_request", reason=str(error)) from error


def save_settings(path: Path, settings: Settings) -> None:
    """Write the file whole or not at all. Raises AppError for a full or read-only disk."""
    write_atomically(path, msgspec.json.format(msgspec.json.encode(settings), indent=2))
