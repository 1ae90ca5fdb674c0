"""What a model needs, where it will lie, how fast it will be, and why it was planned so."""

from enum import StrEnum
from typing import Literal

from app.protocol.base import Wire
from app.protocol.models import LoadParams
from app.protocol.reasons import Reason, Verdict

__all__ = ["CPU", "Confidence", "MemoryUse", "Plan", "Prediction", "Range", "Reason", "Verdict"]

CPU = "CPU"
"""The name of the machine's own memory and processor among the devices of a plan."""


class MemoryUse(Wire, frozen=True, kw_only=True):
    """What a plan takes of one device's memory, part by part, in bytes."""

    device: str = CPU
    """ggml's name ("CUDA0"), or "CPU" for the machine's memory."""
    weights: int = 0
    cache: int = 0
    """Keys and values of all cells."""
    state: int = 0
    """Recurrent states."""
    compute: int = 0
    """Scratch memory of the computation."""
    output: int = 0
    """Logits."""
    repacked: int = 0
    """Of the weights: copies in an order that suits the processor, which are no longer a view of the file."""
    projector: int = 0
    draft: int = 0
    """The drafting model with its cache."""
    residual: int = 0
    """What the driver and the worker itself take besides (hardware_fit.md §2.6)."""
    free: int | None = None
    """What was free when the plan was made."""
    reserve: int = 0
    """Kept for the desktop and other programs."""

    @property
    def total(self) -> int:
        """All that is taken; `repacked` is part of the weights."""
        parts = (self.weights, self.cache, self.state, self.compute, self.output)
        return sum(parts) + self.projector + self.draft + self.residual

    @property
    def fits(self) -> bool:
        """Whether there is room; True where nobody knows."""
        return self.free is None or self.total <= self.free - self.reserve


class Range(Wire, frozen=True, kw_only=True):
    """A prediction is a range; `expected` is the likeliest."""

    low: float
    expected: float
    high: float


class Confidence(StrEnum):
    """How well a speed is known."""

    PRIOR = "prior"
    """From figures of the makers."""
    CALIBRATED = "calibrated"
    """Corrected by the ten-second measurement on this machine."""
    MEASURED = "measured"
    """Answers of this very model were measured here."""


class Prediction(Wire, frozen=True, kw_only=True):
    """How fast a plan will be: tokens per second, and seconds to the first token of a 1,000-token prompt."""

    decode: Range
    prefill: Range
    ttft_s: Range
    depth: int
    """Tokens in the context when it writes that fast."""
    confidence: Confidence = Confidence.PRIOR


class Plan(Wire, frozen=True, kw_only=True):
    """Where everything of a model goes. With `Verdict.NO` it is the nearest to one that would fit."""

    verdict: Verdict
    params: LoadParams
    """Everything is said: context length, layers, experts, cache type, batches, devices."""
    layers: int
    """The output counts as one, as llama.cpp counts."""
    memory: tuple[MemoryUse, ...]
    """One for each device that is used, the machine's memory ("CPU") last."""
    prediction: Prediction | None = None
    given_up: tuple[Reason, ...] = ()
    """What would have been better and did not fit: a longer context, a 16-bit cache, layers on the GPU."""
    would_change: tuple[Reason, ...] = ()
    """What would make it better ("close 1.2 GiB of other programs and all layers fit")."""
    level: Literal["estimated", "rehearsed"] = "estimated"
    """Whether llama.cpp itself was asked for the sizes."""

    @property
    def context_length(self) -> int:
        return self.params.context_length or 0

    @property
    def total(self) -> int:
        return sum(use.total for use in self.memory)
