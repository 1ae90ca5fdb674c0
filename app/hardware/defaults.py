"""What the engine chooses where nobody asked for a number: what is planned and what is loaded must be the same."""

DEFAULT_CONTEXT = 8192
"""Tokens of context where nobody asks for another number, or the trained ones where they are fewer."""
BATCH = 2048
"""Tokens given to llama.cpp in one call."""
MICRO_BATCH = 512
"""Tokens computed at once; llama.cpp's own default."""
FEW_SLOTS, MANY_SLOTS = 4, 8
SMALL_MODEL_BYTES = 2 * 1024**3
"""Weights below this are read by so many answers at once that more slots pay."""
DRAFT_OUTPUTS = 16
"""Tokens of a step that may be drafts, whose logits are wanted too."""


def default_slots(size: int) -> int:
    """How many answers at once for a model of that many bytes."""
    return MANY_SLOTS if size < SMALL_MODEL_BYTES else FEW_SLOTS


def outputs_of(slots: int, batch: int = BATCH) -> int:
    """Tokens of one step whose logits are wanted at most."""
    return min(slots + DRAFT_OUTPUTS, batch)
