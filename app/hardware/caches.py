"""What each layer of a model keeps of the tokens it has seen: widths of keys and values, windows, recurrent states.

The rules are llama.cpp's own (llama-model.cpp: create_memory, llama-hparams.cpp and src/models/*.cpp, October 2026).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.hardware.gguf import Header

LAYERS_LIMIT = 1024
"""llama.cpp refuses more than 512."""

_F32 = 4
_RECURRENT = frozenset({"mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"})
_CACHELESS = frozenset(
    {
        "bert", "jina-bert-v2", "jina-bert-v3", "nomic-bert", "nomic-bert-moe", "neo-bert", "eurobert", "modern-bert",
        "gemma-embedding", "wavtokenizer-dec", "dream", "llada", "llada-moe", "rnd1",
    }
)  # fmt: skip
"""Encoders and diffusion models read their text as a whole and keep nothing."""
_BY_INTERVAL = frozenset({"qwen3next", "qwen35", "qwen35moe", "qwen4exp", "minimax-01"})
"""Hybrids that say by a list or an interval which layers attend; all others do by key-value heads of zero."""
_BY_HEADS = frozenset(
    {
        "jamba", "plamo2", "granitehybrid", "lfm2", "lfm2moe", "nemotron_h", "nemotron_h_moe", "kimi-linear",
        "bailingmoe3", "kimi-k3", "glm5-next",
    }
)  # fmt: skip
_FULL_ATTENTION_EVERY = 4
_INDEXED = frozenset({"deepseek32", "glm-dsa", "glm5-next", "minimax-m3", "hy_v4", "qwen4exp", "dots3note"})
"""Architectures that keep one more key per token for sparse attention."""


@dataclass(frozen=True)
class WindowRule:
    """How an architecture slides its windows where the file gives no pattern: every n-th layer sees everything."""

    every: int
    dense_first: bool = False
    """The first of every n sees everything, not the last."""
    window: int | None = None
    """Where the file gives none."""
    forced: bool = False
    """The architecture's own window, whatever the file says."""


_WINDOWS = {
    "afmoe": WindowRule(4), "cohere2": WindowRule(4), "cohere2moe": WindowRule(4, True),
    "exaone-moe": WindowRule(4, window=128), "exaone4": WindowRule(4, window=4096),
    "gemma-embedding": WindowRule(6), "gemma2": WindowRule(2, window=4096), "gemma3": WindowRule(6),
    "gemma3n": WindowRule(5), "gpt-oss": WindowRule(2), "laguna": WindowRule(4, True),
    "llama4": WindowRule(4, window=8192, forced=True), "mellum": WindowRule(4), "modern-bert": WindowRule(3, True),
    "muse-glimmer": WindowRule(4), "olmo2": WindowRule(4), "plamo3": WindowRule(8),
    "smallthinker": WindowRule(4, True, window=4096, forced=True), "deepseek4": WindowRule(0), "lfm2": WindowRule(0),
    "lfm2moe": WindowRule(0),
}  # fmt: skip
_IGNORES_WINDOWS = frozenset({"phi3"})
_EXAONE_WITH_WINDOWS = 64
"""Layers of the one EXAONE 4 that has windows."""
_GEMMA3N_CACHES = 20
"""Layers of Gemma 3n that keep a cache; the others use those of layers before."""


@dataclass(frozen=True)
class Kept:
    """What one layer keeps. Widths are numbers per token."""

    key_width: int = 0
    value_width: int = 0
    window: int | None = None
    state: int = 0
    """Bytes per sequence."""


def block_count(header: Header) -> int:
    """Layers that are computed, heads that predict further tokens included; a loop over layers counts each round."""
    rounds = header.own("num_loops") or 1 if header.architecture == "nanbeige" else 1
    return min((header.block_count or 0) * rounds, LAYERS_LIMIT)


def prediction_layers(header: Header) -> int:
    """The last layers, which only predict further tokens (MTP, NextN): not loaded, and without a cache."""
    count = header.own("nextn_predict_layers") or 0
    return 0 if count >= (header.block_count or 0) else count


def kept_by_layers(header: Header) -> tuple[Kept, ...]:
    """What each layer keeps, in order."""
    layers = block_count(header)
    if header.architecture in _CACHELESS:
        return (Kept(),) * layers
    recurrent, windows = recurrent_layers(header, layers), windowed_layers(header, layers)
    window, state = sliding_window(header), state_bytes(header)
    trunk = layers - prediction_layers(header)
    attends = _attending(header, recurrent)
    rows = _rows(header, windows)
    return tuple(
        Kept(
            key_width=rows[index][0] if index < trunk and attends[index] else 0,
            value_width=rows[index][1] if index < trunk and attends[index] else 0,
            window=window if windows[index] and attends[index] else None,
            state=state if recurrent[index] and index < trunk else 0,
        )
        for index in range(layers)
    )


def sliding_window(header: Header) -> int | None:
    """Tokens a windowed layer looks back on; None where the model has no windows."""
    architecture, rule = header.architecture, _WINDOWS.get(header.architecture)
    own = header.own("attention.sliding_window")
    if architecture in _IGNORES_WINDOWS or own == 0:
        return None
    if architecture == "exaone4" and header.block_count != _EXAONE_WITH_WINDOWS:
        return None
    if rule is None:
        return own if _pattern(header) else None
    if rule.forced and (own or architecture == "llama4"):
        return rule.window
    return own or (None if rule.forced else rule.window)


def windowed_layers(header: Header, layers: int) -> tuple[bool, ...]:
    """For each layer whether it sees only a window."""
    if sliding_window(header) is None:
        return (False,) * layers
    if pattern := _pattern(header):
        return tuple(bool(item) for item in pattern[:layers]) + (False,) * (layers - len(pattern))
    rule = _WINDOWS.get(header.architecture, WindowRule(1))
    every = header.own("attention.sliding_window_pattern") or rule.every
    trunk = layers - prediction_layers(header)
    return tuple(index < trunk and _slides(index, every, rule.dense_first) for index in range(layers))


def recurrent_layers(header: Header, layers: int) -> tuple[bool, ...]:
    """For each layer whether it keeps a recurrent state."""
    architecture = header.architecture
    trunk = layers - prediction_layers(header)
    if architecture in _RECURRENT or architecture == "falcon-h1":
        return (True,) * layers
    if architecture in _BY_INTERVAL:
        listed = header.metadata.get(f"{architecture}.attention.recurrent_layers")
        if isinstance(listed, tuple):
            return tuple(bool(item) for item in listed[:layers]) + (False,) * (layers - len(listed))
        every = header.own("full_attention_interval") or _FULL_ATTENTION_EVERY
        return tuple(index < trunk and (index + 1) % every != 0 for index in range(layers))
    if architecture in _BY_HEADS:
        heads, inner = _spread(header.head_count_kv, layers), _feed_forward(header, layers)
        mixes = architecture.startswith("nemotron_h")
        return tuple(index < trunk and not heads[index] and not (mixes and inner[index]) for index in range(layers))
    return (False,) * layers


def state_bytes(header: Header) -> int:
    """Bytes of recurrent state of one layer and sequence (llama_hparams::n_embd_r and n_embd_s)."""
    width, heads = header.embedding_length or 0, (header.per_layer("attention.head_count") or (0,))[0]
    if head := header.own("wkv.head_size"):
        shifts = header.own("token_shift_count")
        return (width * (2 if shifts is None else shifts) + width * head) * _F32
    if (reach := header.own("shortconv.l_cache")) is not None:
        return width * max(reach - 1, 0) * _F32
    kernel = header.own("ssm.conv_kernel") or 0
    if head := header.own("kda.head_dim"):
        return (3 * (kernel - 1 if kernel else 3) * heads * head + head * head * heads) * _F32
    if header.architecture == "minimax-01":
        head = header.own("attention.key_length") or width // max(heads, 1)
        return head * head * heads * _F32
    inner, size = header.own("ssm.inner_size") or 0, header.own("ssm.state_size") or 0
    convolved = max(kernel - 1, 0) * (inner + 2 * (header.own("ssm.group_count") or 0) * size)
    return (convolved + size * inner) * _F32


def compresses(header: Header) -> bool:
    """Multi-head latent attention: keys alone, compressed."""
    return bool(header.own("attention.key_length_mla") and header.own("attention.value_length_mla"))


def head_lengths(header: Header, *, windowed: bool = False) -> tuple[int, int]:
    """Numbers per key and per value head; derived from the width where the header does not give them."""
    first = (header.per_layer("attention.head_count") or (0,))[0]
    derived = (header.embedding_length or 0) // first if first else 0
    key = header.own("attention.key_length") or derived
    value = header.own("attention.value_length") or derived
    if windowed:
        return header.own("attention.key_length_swa") or key, header.own("attention.value_length_swa") or value
    return key, value


def _rows(header: Header, windows: Sequence[bool]) -> list[tuple[int, int]]:
    """Numbers a token keeps as key and as value in each layer, if that layer attends."""
    layers = len(windows)
    heads = _spread(header.head_count_kv, layers)
    lengths = {flag: head_lengths(header, windowed=flag) for flag in (False, True)}
    values = 0 if compresses(header) else 1
    extra = _indexer(header)
    return [
        (count * lengths[flag][0] + extra[0], values * count * lengths[flag][1] + extra[1])
        for count, flag in zip(heads, windows, strict=True)
    ]


def _indexer(header: Header) -> tuple[int, int]:
    """One more key, and where values are kept a value, per token for choosing what to attend to."""
    key = header.own("attention.indexer.key_length")
    if header.architecture not in _INDEXED or not key:
        return 0, 0
    return key, 0 if compresses(header) else head_lengths(header)[1]


def _attending(header: Header, recurrent: Sequence[bool]) -> tuple[bool, ...]:
    """For each layer whether it has a cache of its own."""
    architecture, layers = header.architecture, len(recurrent)
    if architecture in _RECURRENT:
        return (False,) * layers
    if architecture == "falcon-h1":
        return (True,) * layers
    own = layers - min(header.own("attention.shared_kv_layers") or 0, layers)
    if architecture == "gemma3n":
        own = min(_GEMMA3N_CACHES, layers)
    if architecture.startswith("nemotron_h"):
        inner = _feed_forward(header, layers)
        return tuple(not flag and not inner[index] for index, flag in enumerate(recurrent))
    return tuple(not flag and index < own for index, flag in enumerate(recurrent))


def _slides(index: int, every: int, dense_first: bool) -> bool:
    if every == 0:
        return True
    return index % every != 0 if dense_first else index % every < every - 1


def _pattern(header: Header) -> tuple[object, ...]:
    value = header.metadata.get(f"{header.architecture}.attention.sliding_window_pattern")
    return value if isinstance(value, tuple) else ()


def _feed_forward(header: Header, layers: int) -> tuple[int, ...]:
    return _spread(header.per_layer("feed_forward_length"), layers)


def _spread(values: tuple[int, ...], layers: int) -> tuple[int, ...]:
    """One value per layer; where there are fewer they repeat (layers that are computed in rounds)."""
    if not values:
        return (0,) * layers
    return tuple(values[index % len(values)] for index in range(layers))
