"""What was measured on this machine, beside what had been predicted, and the memory of this moment."""

from enum import StrEnum
from typing import Literal

from app.protocol.base import ErrorInfo, Wire
from app.protocol.plan import MemoryUse, Range


class DeviceSample(Wire, frozen=True, kw_only=True):
    """The memory of one device at this moment, in bytes; None where nobody tells."""

    name: str
    engine_name: str = ""
    total: int | None = None
    free: int | None = None
    ours: int | None = None
    others: int | None = None


class LoadedMemory(Wire, frozen=True, kw_only=True):
    """What a loaded model was to take and what it takes."""

    model: str
    predicted: tuple[MemoryUse, ...]
    measured: tuple[MemoryUse, ...]
    """Buffers as llama.cpp told them, the rest of what its process holds as `residual`."""


class MemorySample(Wire, frozen=True, kw_only=True):
    """Who has the memory at this moment: cheap enough to be asked every second."""

    ram_total: int | None = None
    ram_available: int | None = None
    ram_ours: int | None = None
    """Backend and workers, resident; pages of a model's file included."""
    devices: tuple[DeviceSample, ...] = ()
    loaded: tuple[LoadedMemory, ...] = ()


class MeasurementKind(StrEnum):
    DECODE = "decode"
    """Tokens a second."""
    PREFILL = "prefill"
    """Tokens a second."""
    MEMORY = "memory"
    """Bytes on the device."""
    CALIBRATION = "calibration"
    """A correction of the speed model; `measured` is the factor."""
    BANDWIDTH = "bandwidth"
    """Of a calibration: bytes of weights read a second."""
    LAYER = "layer"
    """Of a calibration: seconds a layer takes besides."""
    PRODUCTS = "products"
    """Of a calibration: operations a second in a prompt's products."""


class Measurement(Wire, frozen=True, kw_only=True):
    """One figure that was measured here, beside its prediction."""

    id: int
    created: float
    kind: MeasurementKind
    model: str
    device: str
    """Where it ran: ggml's device names joined by "+", or "CPU"."""
    build: str
    """Version of llama.cpp."""
    key: str = ""
    """Which hardware and driver that is: names and versions."""
    depth: int = 0
    """Tokens in the context."""
    tokens: int = 0
    """Tokens that were written or read."""
    predicted: float | None = None
    """As it was shown, corrected by all that had been measured before."""
    stated: float | None = None
    """As makers' figures alone would have it: what corrections are reckoned from."""
    measured: float


class CalibrationState(Wire, frozen=True, kw_only=True):
    """The ten-second measurement of this machine."""

    running: bool = False
    share: float = 0.0
    """Done, 0 to 1."""
    step: Literal["", "writing", "loading", "measuring"] = ""
    finished: float | None = None
    """When it was last done."""
    bandwidth: float | None = None
    """Bytes a second that decoding reached on the processor."""
    layer_s: float | None = None
    """Seconds a layer takes besides reading its weights."""
    prefill_flops: float | None = None
    error: ErrorInfo | None = None


class CalibrationChanged(Wire, frozen=True, kw_only=True, tag="calibration_changed"):
    state: CalibrationState


class BenchRequest(Wire, frozen=True, kw_only=True):
    """Measure a model, or with an empty name the one that is loaded."""

    model: str = ""
    depths: tuple[int, ...] = ()
    """Tokens in the context at which to measure; empty: 0, 1,024 and 4,096, as far as they fit."""
    repeats: int = 3


class BenchChanged(Wire, frozen=True, kw_only=True, tag="bench_changed"):
    """How far a measurement of a model is."""

    model: str
    share: float
    """Done, 0 to 1."""


class BenchRow(Wire, frozen=True, kw_only=True):
    """A speed at one depth: medians with their spread over the repeats, in tokens a second."""

    kind: MeasurementKind
    depth: int
    tokens: int
    measured: Range
    predicted: Range | None = None


class BenchEnded(Wire, frozen=True, kw_only=True):
    """What asking to end a measurement brought. `ended`: there was one."""

    ended: bool


class BenchReport(Wire, frozen=True, kw_only=True):
    """What `alcove bench` found."""

    model: str
    device: str
    build: str
    context_length: int
    rows: tuple[BenchRow, ...]
    memory: LoadedMemory | None = None
    load_s: float = 0.0
