"""The shape of a model as memory and speed depend on it: bytes of weights and widths of caches, layer by layer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


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


@dataclass(frozen=True)
class Layer:
    """One block of a model. Cache widths are numbers per token, not bytes: their type is chosen when loading."""

    dense: Weights = Weights()
    """Everything but the routed experts."""
    experts: Weights = Weights()
    """All routed experts together; of these a token reads `experts_used / expert_count`."""
    key_width: int = 0
    value_width: int = 0
    """Numbers a token keeps in the KV cache; 0 where the layer keeps none (recurrent, shared, MLA's values)."""
    window: int | None = None
    """Tokens a sliding-window layer looks back on; None where it sees everything."""
    state: int = 0
    """Bytes of recurrent state per sequence."""


@dataclass(frozen=True)
class Geometry:
    """A whole model. The output layer counts as one more than `layers` where layers are placed on devices."""

    architecture: str
    layers: tuple[Layer, ...]
    embedding: Weights
    """The table of token embeddings: always beside the processor; read by a row per token only."""
    output: Weights
    """The output layer with its norm; with `tied` it is a second copy of the embeddings, where it is offloaded."""
    tied: bool = False
    other: Weights = Weights()
    """Tensors of no layer that stay beside the processor."""
    width: int = 0
    heads: int = 0
    key_head: int = 0
    """Numbers of one head's key."""
    feed_forward: int = 0
    """The widest, of dense layers and of one expert times those used."""
    vocabulary: int = 0
    expert_count: int = 0
    experts_used: int = 0
    trained_context: int | None = None
    compressed_cache: bool = False
    """Multi-head latent attention: keys alone, compressed."""
    quantization: str = ""
    file_size: int = 0
    """Bytes of all parts: what is downloaded."""
    parameters: int = 0
    """Weights in all."""
    active_parameters: int = 0
    """Weights a token is multiplied with."""
    exact: bool = True
    """From a header; False: put together from a catalogue's figures."""

    @cached_property
    def weights(self) -> int:
        """Bytes of all tensors, as in the file."""
        blocks = sum(layer.dense.size + layer.experts.size for layer in self.layers)
        return blocks + self.embedding.size + (0 if self.tied else self.output.size) + self.other.size

    @property
    def expert_share(self) -> float:
        """The part of the experts that one token reads; 1 for models without."""
        return self.experts_used / self.expert_count if self.expert_count else 1.0
