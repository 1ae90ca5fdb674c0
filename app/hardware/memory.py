"""What loading a model needs, in bytes, computed from its header before anything is loaded.

Formulas: knowledge/hardware_fit.md §2, checked there against llama.cpp's own buffers. Sizes are for one sequence,
a 16-bit KV cache, flash attention and micro-batches of 512 tokens, which is how the engine loads.
"""

from dataclasses import dataclass

from app.errors import AppError
from app.hardware.gguf import Header
from app.protocol import Machine

DEFAULT_CONTEXT = 8192
"""The context length the engine takes when nobody asks for another, or the trained one where that is shorter."""

_MICRO_BATCH = 512
_CELL_STEP = 256
_F16, _F32 = 2, 4
_WORKER = 64 * 1024**2
"""Python, NumPy and llama.cpp themselves in a worker without a model (measured 53 MiB resident)."""
_MOST = 2**62
"""More than any machine has: a header with absurd numbers is refused with a number that fits the wire."""
_GLOBAL_EVERY = {"gemma2": 2, "gemma3": 6, "gpt-oss": 2}
"""In these architectures every n-th layer sees the whole context, the others a sliding window."""
_FULL_ATTENTION_EVERY = 4
"""The same for hybrid architectures, whose other layers are recurrent and have no KV cache."""


@dataclass(frozen=True)
class Need:
    """What one loaded model takes, in bytes."""

    weights: int
    cache: int
    compute: int
    worker: int = _WORKER

    @property
    def total(self) -> int:
        return min(self.weights + self.cache + self.compute + self.worker, _MOST)


def need(header: Header, context_length: int | None = None) -> Need:
    """What loading takes at that context length (tokens; None: what the engine chooses by itself)."""
    context = context_length or default_context(header)
    return Need(
        weights=header.weights_size,
        cache=cache_bytes(header, context, whole_windows=True),
        compute=compute_bytes(header, context),
    )


def needed_bytes(header: Header, context_length: int | None = None) -> int:
    """Bytes that loading takes in all."""
    return need(header, context_length).total


def default_context(header: Header) -> int:
    """Tokens of context the engine gives a model when nobody asks for a certain number."""
    return min(header.context_length or DEFAULT_CONTEXT, DEFAULT_CONTEXT)


def check_fits(header: Header, context_length: int | None, machine: Machine, model: str = "") -> None:
    """Refuse a model that needs more than is free. Raises AppError("model_too_large") with the numbers.

    Where the memory of the machine is not known nothing is refused.
    """
    available, total = free_memory(machine)
    needed = needed_bytes(header, context_length)
    if available is not None and needed > available:
        raise AppError(
            "model_too_large",
            model=model or header.name,
            needed_bytes=needed,
            available_bytes=available,
            total_bytes=total if total is not None else available,
        )


def free_memory(machine: Machine) -> tuple[int | None, int | None]:
    """Available and total bytes a model can be spread over: RAM and the own memory of graphics cards."""
    cards = [device for device in machine.devices if device.kind == "discrete"]
    if machine.ram_available is None:
        return None, machine.ram_total
    available = machine.ram_available + sum(card.memory_free or 0 for card in cards)
    if machine.ram_total is None:
        return available, None
    return available, machine.ram_total + sum(card.memory_total or 0 for card in cards)


def cache_bytes(header: Header, context_length: int, whole_windows: bool = False) -> int:
    """The KV cache at that context length: keys and values of every layer that has attention.

    With `whole_windows` sliding windows are kept at full length too, as the engine does (`swa_full`) to reuse prefixes.
    """
    if header.own("attention.key_length_mla") and header.own("attention.value_length_mla"):
        return _compressed_cache(header, context_length)
    key, value = _head_lengths(header)
    windowed = () if whole_windows else _windowed_layers(header)
    total = 0
    for layer, heads in enumerate(_cached_heads(header)):
        window = header.own("attention.sliding_window") if layer < len(windowed) and windowed[layer] else None
        total += _cells(context_length, window) * heads * (key + value) * _F16
    return total


def compute_bytes(header: Header, context_length: int) -> int:
    """The scratch memory of the computation: the logits of a micro-batch or its widest layer, whichever is larger."""
    batch = min(_MICRO_BATCH, context_length)
    width = header.embedding_length or 0
    inner = max(header.per_layer("feed_forward_length"), default=0)
    vocabulary = header.vocabulary_size or 0
    output = batch * vocabulary * _F32 + 2 * batch * width * _F32
    layer = 3 * batch * inner * _F32 + 4 * batch * width * _F32 + 2 * batch * _cells(context_length, None)
    return max(output, layer) + vocabulary * _F32


def _cells(context_length: int, window: int | None) -> int:
    """Tokens the cache of one layer holds; a sliding window needs room for a micro-batch besides."""
    tokens = context_length if window is None else min(context_length, window + _MICRO_BATCH)
    return -(-tokens // _CELL_STEP) * _CELL_STEP


def _head_lengths(header: Header) -> tuple[int, int]:
    """Numbers per key and per value head; derived from the width where the header does not give them."""
    derived = (header.embedding_length or 0) // max(header.head_count or 1, 1)
    return header.own("attention.key_length") or derived, header.own("attention.value_length") or derived


def _cached_heads(header: Header) -> tuple[int, ...]:
    """Key-value heads of each layer that keeps a cache of its own."""
    heads = header.head_count_kv
    if shared := header.own("attention.shared_kv_layers"):
        heads = heads[: max(len(heads) - shared, 0)]
    if header.own("ssm.state_size") and len(set(heads)) == 1:
        every = header.own("full_attention_interval") or _FULL_ATTENTION_EVERY
        heads = tuple(count if (layer + 1) % every == 0 else 0 for layer, count in enumerate(heads))
    return heads


def _windowed_layers(header: Header) -> tuple[bool, ...]:
    """For each layer whether it sees only a sliding window; () where none does."""
    layers = len(header.head_count_kv)
    if not header.own("attention.sliding_window"):
        return ()
    pattern = header.metadata.get(f"{header.architecture}.attention.sliding_window_pattern")
    if isinstance(pattern, tuple):
        return tuple(bool(item) for item in pattern[:layers])
    every = header.own("attention.sliding_window_pattern") or _GLOBAL_EVERY.get(header.architecture)
    return () if not every else tuple((layer + 1) % every != 0 for layer in range(layers))


def _compressed_cache(header: Header, context_length: int) -> int:
    """Multi-head latent attention (DeepSeek and its kin): one compressed row per token and layer, no values."""
    width = header.own("attention.key_length") or 0
    return (header.block_count or 0) * _cells(context_length, None) * width * _F16
