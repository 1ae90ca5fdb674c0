"""Where a model would run, and why: codes with values, put into words where they are shown."""

from enum import StrEnum

from msgspec import field

from app.protocol.base import Value, Wire


class Reason(Wire, frozen=True, kw_only=True):
    """A sentence that is put into words where it is shown (section `reason` of resources/words)."""

    code: str
    values: dict[str, Value] = field(default_factory=dict)


class Verdict(StrEnum):
    """Where a model would run."""

    GPU = "gpu"
    PARTLY = "partly"
    """Some layers or experts beside the processor."""
    CPU = "cpu"
    NO = "no"
