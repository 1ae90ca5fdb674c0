"""What the engine chooses where nobody asked for a number: what is planned and what is loaded must be the same."""

from app.hardware.geometry import Geometry
from app.hardware.placement import Placement
from app.protocol import KvType, LoadParams

DEFAULT_CONTEXT = 8192
"""Tokens of context where nobody asks for another number, or the trained ones where they are fewer."""
BATCH = 2048
"""Tokens given to llama.cpp in one call."""
LEAST_BATCH = 32
MICRO_BATCH = 512
"""Tokens computed at once; llama.cpp's own default."""
FEW_SLOTS, MANY_SLOTS = 4, 8
SMALL_MODEL_BYTES = 2 * 1024**3
"""Weights below this are read by so many answers at once that more slots pay."""
DRAFT_OUTPUTS = 16
"""Tokens of a step that may be drafts, whose logits are wanted too."""


def context_of(params: LoadParams, trained: int | None) -> int:
    """Tokens of context for what was asked; beyond the trained ones only where RoPE is stretched."""
    length = params.context_length or min(DEFAULT_CONTEXT, trained or DEFAULT_CONTEXT)
    return length if params.rope_scaling is not None else min(length, trained or length)


def default_slots(size: int) -> int:
    """How many answers at once for a model of that many bytes."""
    return MANY_SLOTS if size < SMALL_MODEL_BYTES else FEW_SLOTS


def outputs_of(slots: int, batch: int = BATCH) -> int:
    """Tokens of one step whose logits are wanted at most."""
    return min(slots + DRAFT_OUTPUTS, batch)


def placement_of(params: LoadParams, geometry: Geometry, device_layers: tuple[tuple[str, int], ...] = ()) -> Placement:
    """Where the engine puts a model loaded so. `device_layers` as in Placement: what lies on which device is not in
    the parameters where those leave it to llama.cpp."""
    slots = params.slots or default_slots(geometry.weights)
    batch = max(params.batch or BATCH, LEAST_BATCH, slots)
    return Placement(
        context_length=context_of(params, geometry.trained_context),
        blocks=len(geometry.layers),
        device_layers=device_layers,
        cpu_experts=params.cpu_experts or 0,
        kv_type_k=params.kv_type_k or KvType.F16,
        kv_type_v=params.kv_type_v or KvType.F16,
        flash_attention=params.flash_attention is not False,
        batch=batch,
        micro_batch=min(batch, params.micro_batch or MICRO_BATCH),
        outputs=outputs_of(slots, batch),
        slots=slots,
        swa_full=params.swa_full,
        kv_offload=params.kv_offload,
        mmap=params.mmap is not False,
    )
