"""Tensors that always lie together, added up: bytes in the file, in a CUDA buffer, and repacked for the processor."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from app.hardware.gguf import Tensor
from app.hardware.quantizations import TENSOR_TYPES

_F32 = 0
_CUDA_ROW = 512
"""CUDA kernels read quantized rows in steps of so many weights (MATRIX_ROW_PADDING of ggml-cuda)."""
_REPACKED_ROWS = 8
"""Rows the repacked formats interleave (ggml-cpu/repack.cpp); a few of Arm's take 4."""
_REPACKED_TYPES = frozenset({2, 8, 10, 12, 13, 14, 20, 39, 41})
"""Q4_0, Q8_0, Q2_K, Q4_K, Q5_K, Q6_K, IQ4_NL, MXFP4 and Q1_0: those any processor repacks."""
_TILED_TYPES = frozenset({1, 2, 3, 8, 12, 13, 14, 23})
"""F16, Q4_0, Q4_1, Q8_0, Q4_K, Q5_K, Q6_K and IQ4_XS: those Intel's tile unit (AMX) has kernels for."""
_TILE = 32
"""Rows of a tensor must be a multiple of this to be laid out in tiles (ggml-cpu/amx)."""
_STAYS_AS_IT_IS = ("norm", "bias", "conv1d", "shortconv.conv", "rope_", "position_embd", "token_types")
"""Parts of names: tensors that are looked up or added, or multiplied by head, not by rows."""


@dataclass(frozen=True)
class Weights:
    """Tensors that always lie together, added up. Sizes are bytes."""

    size: int = 0
    """As in the file."""
    by_type: Mapping[int, int] = field(default_factory=dict)
    """The same by ggml type id: kernels differ in speed, and some types are repacked for the processor."""
    cuda_padding: int = 0
    """What rows that are no multiple of 512 weights take besides in a CUDA buffer."""
    repackable: Mapping[int, int] = field(default_factory=dict)
    """By type id: the bytes of tensors whose shape lets the processor repack them, if it repacks that type."""
    tileable: Mapping[int, int] = field(default_factory=dict)
    """By type id: the bytes of tensors that a processor with AMX lays out in tiles."""
    largest: int = 0
    """Bytes of the largest tensor."""


NO_WEIGHTS = Weights()


def weigh(tensors: Iterable[Tensor], *, looked_up: bool = False) -> Weights:
    """The sums over these tensors. `looked_up`: they are read row by row (embeddings), so nothing repacks them."""
    size = padding = largest = 0
    by_type: dict[int, int] = {}
    repackable: dict[int, int] = {}
    tileable: dict[int, int] = {}
    for tensor in tensors:
        own, kind = tensor.size or 0, tensor.type_id
        size, largest = size + own, max(largest, own)
        by_type[kind] = by_type.get(kind, 0) + own
        if kind == _F32:
            continue
        padding += cuda_padding(tensor)
        if looked_up or any(part in tensor.name for part in _STAYS_AS_IT_IS):
            continue
        if kind in _REPACKED_TYPES and _repacks(tensor):
            repackable[kind] = repackable.get(kind, 0) + own
        if kind in _TILED_TYPES and _tiles(tensor):
            tileable[kind] = tileable.get(kind, 0) + own
    return Weights(size, by_type, padding, repackable, tileable, largest)


def cuda_padding(tensor: Tensor) -> int:
    """Bytes CUDA appends to a quantized tensor whose rows are no multiple of its step."""
    kind = TENSOR_TYPES.get(tensor.type_id)
    if kind is None or kind.block == 1 or not tensor.shape:
        return 0
    missing = -tensor.shape[0] % _CUDA_ROW
    return missing // kind.block * kind.size


def _repacks(tensor: Tensor) -> bool:
    """Whether its shape lets a processor repack it: matrices, and experts stacked in one tensor."""
    dimensions = len(trimmed(tensor.shape))
    return dimensions == (3 if "exps" in tensor.name else 2) and tensor.shape[1] % _REPACKED_ROWS == 0


def _tiles(tensor: Tensor) -> bool:
    shape = trimmed(tensor.shape)
    return len(shape) == 2 and shape[0] % _TILE == 0 and shape[1] % _TILE == 0


def trimmed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without the ones at its end, as ggml counts dimensions."""
    end = len(shape)
    while end > 1 and shape[end - 1] == 1:
        end -= 1
    return shape[:end]
