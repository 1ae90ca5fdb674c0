"""The machine, and what was found wrong with it."""

from enum import StrEnum
from typing import Literal

from msgspec import field

from app.protocol.base import Value, Wire


class Device(Wire, frozen=True, kw_only=True):
    """A GPU as the engine or its driver reports it; unknown is None."""

    name: str
    kind: Literal["discrete", "integrated", "unified", "unknown"] = "unknown"
    backend: str = ""
    memory_total: int | None = None
    memory_free: int | None = None


class Machine(Wire, frozen=True, kw_only=True):
    """The machine as Alcove sees it; unknown is None, never a made-up default."""

    os: str
    cpu_name: str | None = None
    physical_cores: int | None = None
    logical_cores: int | None = None
    ram_total: int | None = None
    ram_available: int | None = None
    """What a process here may still take: the kernel's figure, lowered by container limits."""
    disk_free: int | None = None
    """On the disk of the model folder."""
    devices: tuple[Device, ...] = ()


class CheckState(StrEnum):
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


class Check(Wire, frozen=True, kw_only=True):
    """One line of `alcove doctor`: `code` with `values` says what was found, and for warn and bad how to mend it."""

    code: str
    state: CheckState
    values: dict[str, Value] = field(default_factory=dict)
