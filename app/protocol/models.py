"""The models in the library, and how one is loaded."""

from enum import StrEnum
from math import inf

from app.protocol.base import ErrorInfo, Wire
from app.protocol.reasons import Reason, Verdict


class ModelState(StrEnum):
    AVAILABLE = "available"
    LOADING = "loading"
    LOADED = "loaded"
    BROKEN = "broken"


class ModelEntry(Wire, frozen=True, kw_only=True):
    """A model in the library: one GGUF file (split parts joined), described by its header."""

    id: str
    """Slug made of the file name; what a person types and the port answers to."""
    name: str
    path: str
    size: int
    quantization: str = ""
    architecture: str = ""
    parameters: int | None = None
    context_length: int | None = None
    """The context length it was trained for."""
    builtin: bool = False
    state: ModelState = ModelState.AVAILABLE
    progress: float | None = None
    """Share loaded, 0 to 1, while `state` is loading."""
    loaded_context: int | None = None
    device: str = ""
    """Where it runs when loaded: "CPU", "GPU" or "GPU+CPU"."""
    supports_thinking: bool = False
    """Whether its template can be asked to think first."""
    supports_tools: bool = False
    sees: bool = False
    """Pictures can be given to it; known while it is loaded."""
    warnings: tuple[ErrorInfo, ...] = ()
    error: ErrorInfo | None = None
    verdict: Verdict | None = None
    """Where it would run as things are now, or runs; None where that is not known (yet)."""
    given_up: tuple[Reason, ...] = ()
    """What did not fit: a longer context, a 16-bit cache, layers on the GPU."""
    would_change: tuple[Reason, ...] = ()
    """What a person could do about it."""


class KvType(StrEnum):
    """How the KV cache is stored; ggml's own names."""

    F32 = "f32"
    F16 = "f16"
    BF16 = "bf16"
    Q8_0 = "q8_0"
    Q5_1 = "q5_1"
    Q5_0 = "q5_0"
    Q4_1 = "q4_1"
    Q4_0 = "q4_0"
    IQ4_NL = "iq4_nl"


class SplitMode(StrEnum):
    """How a model is spread over several GPUs."""

    NONE = "none"
    LAYER = "layer"
    ROW = "row"


class RopeScaling(StrEnum):
    NONE = "none"
    LINEAR = "linear"
    YARN = "yarn"
    LONGROPE = "longrope"


class TensorOverride(Wire, frozen=True, kw_only=True):
    """Tensors whose name matches the expression go to that device ("CPU", "CUDA0" …)."""

    pattern: str
    device: str = "CPU"


class LoadParams(Wire, frozen=True, kw_only=True):
    """How a model is loaded. None leaves the choice to the engine. Raises ValueError for what cannot be meant."""

    context_length: int | None = None
    slots: int | None = None
    """Requests that can be answered at once; they share the context."""
    gpu_layers: int | None = None
    cpu_experts: int | None = None
    """The experts of this many first layers stay in memory beside the processor."""
    devices: tuple[str, ...] = ()
    """Names of ggml's devices to use; empty: all."""
    split_mode: SplitMode | None = None
    main_gpu: int | None = None
    tensor_split: tuple[float, ...] = ()
    """Shares of the model for each GPU."""
    tensor_overrides: tuple[TensorOverride, ...] = ()
    kv_type_k: KvType | None = None
    kv_type_v: KvType | None = None
    flash_attention: bool | None = None
    batch: int | None = None
    """Tokens given to the engine in one step."""
    micro_batch: int | None = None
    """Tokens computed at once within a step."""
    threads: int | None = None
    batch_threads: int | None = None
    mmap: bool | None = None
    mlock: bool = False
    kv_offload: bool = True
    """The KV cache lies with its layers on the GPU."""
    swa_full: bool = False
    """Sliding-window layers keep the whole context: more memory, and prompts can be cut anywhere."""
    rope_scaling: RopeScaling | None = None
    rope_frequency_base: float | None = None
    rope_frequency_scale: float | None = None
    yarn_original_context: int | None = None
    chat_template: str = ""
    """Used in place of the file's own."""
    projector: str = ""
    """Path of the mmproj file: the model sees."""
    draft_model: str = ""
    """Path of a smaller model with the same vocabulary that drafts the answers."""
    loras: tuple[str, ...] = ()
    """Paths of adapters; a request names those it wants by index."""
    state_memory: int | None = None
    """Bytes of memory for KV states of ended requests; 0 keeps none."""

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and not least <= value < 2**31:
                raise ValueError(f"{name} is a number from {least} to {2**31 - 1}")
        if self.slots is not None and self.slots > MOST_SLOTS:
            raise ValueError(f"slots is a number from 1 to {MOST_SLOTS}")
        for name in ("rope_frequency_base", "rope_frequency_scale"):
            number = getattr(self, name)
            if number is not None and not 0 < number < inf:
                raise ValueError(f"{name} is a number above 0")
        if any(not 0 <= share < inf for share in self.tensor_split):
            raise ValueError("tensor_split is made of numbers from 0")
        if self.state_memory is not None and self.state_memory < 0:
            raise ValueError("state_memory is a number of bytes")


MOST_SLOTS = 64

_LEAST = {
    "context_length": 1,
    "slots": 1,
    "gpu_layers": 0,
    "cpu_experts": 0,
    "main_gpu": 0,
    "batch": 1,
    "micro_batch": 1,
    "threads": 1,
    "batch_threads": 1,
    "yarn_original_context": 1,
}
