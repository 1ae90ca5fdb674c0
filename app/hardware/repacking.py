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


def repacked_bytes(weights: Weights, machine: Machine) -> int:
    """Bytes of these weights that are copied into another order."""
    types = repacked_types(machine)
    repacked = sum(size for kind, size in weights.repackable.items() if kind in types)
    if "amx_int8" not in machine.cpu_features:
        return repacked
    tiled = sum(size for kind, size in weights.tileable.items())
    rest = sum(size for kind, size in weights.repackable.items() if kind in types and kind not in weights.tileable)
    return tiled + rest
