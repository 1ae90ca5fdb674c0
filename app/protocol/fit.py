"""What a model would need: the question and the answer of `alcove fit`."""

from app.protocol.base import Wire
from app.protocol.models import KvType
from app.protocol.plan import Plan
from app.protocol.reasons import Reason


class FitRequest(Wire, frozen=True, kw_only=True):
    """`model`: an id or name of the library, a path, or REPO:QUANT on the hub."""

    model: str
    context_length: int | None = None
    kv: KvType | None = None
    machine: str = ""
    """Another machine, as JSON or in words; empty for this one."""


class Fit(Wire, frozen=True, kw_only=True):
    """The plan for that model, and where what is known of it comes from."""

    name: str
    quantization: str = ""
    file_size: int = 0
    """Bytes of all its files."""
    fetched: int = 0
    """Bytes that were read over the network to know it."""
    plan: Plan
    assumptions: tuple[Reason, ...] = ()
    """What was assumed of a machine described in words."""
