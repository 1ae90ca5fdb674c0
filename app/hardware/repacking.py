"""Which weights a processor repacks: copies in an order its vector units like, no longer a view of the file.

The table is ggml-cpu's own (repack.cpp: ggml_repack_get_optimal_repack_type, and amx.cpp), October 2026.
"""

from collections.abc import Set as AbstractSet

from app.hardware.weights import Weights
from app.protocol import Machine

_AVX2 = frozenset({2, 12, 20, 39})
"""Q4_0, Q4_K, IQ4_NL, MXFP4."""
_AVX512 = frozenset({10})
"""Q2_K."""
_DOTPROD = frozenset({2, 8, 12, 13, 14, 20, 39, 41})
"""Q4_0, Q8_0, Q4_K, Q5_K, Q6_K, IQ4_NL, MXFP4, Q1_0."""


def repacked_types(machine: Machine) -> AbstractSet[int]:
    """Ids of the ggml types that this processor repacks; none where its features are not known."""
    features = set(machine.cpu_features)
    types: set[int] = set()
    if "avx2" in features:
        types |= _AVX2
    if "avx512f" in features:
        types |= _AVX512
    if features & {"dotprod", "i8mm", "asimddp"}:
        types |= _DOTPROD
    return types


def has_tiles(machine: Machine) -> bool:
    """Whether the processor multiplies tiles (Intel AMX), for which nearly all types are laid out anew."""
    return "amx_int8" in machine.cpu_features


def repacked_bytes(weights: Weights, types: AbstractSet[int], *, tiles: bool = False) -> int:
    """Bytes of these weights that are copied into another order, for a processor that repacks those types."""
    if not tiles:
        return sum(size for kind, size in weights.repackable.items() if kind in types)
    rest = (size for kind, size in weights.repackable.items() if kind in types and kind not in weights.tileable)
    return sum(weights.tileable.values()) + sum(rest)
