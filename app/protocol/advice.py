"""Which model to run on a machine, for what, and why."""

from enum import StrEnum

from app.protocol.base import Wire
from app.protocol.plan import Plan, Reason


class Use(StrEnum):
    """What a person wants a model for."""

    CHAT = "chat"
    CHAT_ZH = "chat-zh"
    CODE = "code"
    WRITING = "writing"
    REASONING = "reasoning"
    TRANSLATION = "translate"
    AGENTS = "agents"
    """Models that call tools well."""
    VISION = "vision"
    SMALL = "small"
    """Small and fast."""
    EMBEDDINGS = "embeddings"


class Suggestion(Wire, frozen=True, kw_only=True):
    """One model in one quantization, with the plan for this machine."""

    model: str
    """Its id in the catalogue."""
    name: str
    maker: str
    licence: str
    parameters: float
    """Billions, all experts."""
    active_parameters: float
    repo: str
    file: str
    """Of a split model the first part."""
    quantization: str
    download_bytes: int
    disk_left: int | None
    """Bytes free on the model folder's disk after the download; negative where there is no room."""
    plan: Plan
    quality: float
    """0 to 100: the model's rank for this use less what the quantization costs."""
    quality_source: str
    """The system of measurement behind it."""
    reasons: tuple[Reason, ...] = ()
    """One or two sentences for the person."""


class NotWorth(Wire, frozen=True, kw_only=True):
    """A model that people ask for and that would disappoint here."""

    name: str
    reason: Reason


class Advice(Wire, frozen=True, kw_only=True):
    """The answer to "what should I run for this?". Without `balanced` nothing runs, and `nothing` says so."""

    use: Use
    fast: Suggestion | None = None
    balanced: Suggestion | None = None
    best: Suggestion | None = None
    ranked: tuple[Suggestion, ...] = ()
    """Best first, each model once."""
    not_worth: tuple[NotWorth, ...] = ()
    unlock: tuple[Reason, ...] = ()
    """What one change of the hardware would make possible."""
    nothing: Reason | None = None
    assumptions: tuple[Reason, ...] = ()
    """What was assumed of a machine that was described in words."""
