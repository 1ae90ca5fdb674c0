"""The shape of a model as memory and speed depend on it: bytes of weights and widths of caches, layer by layer."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from app.hardware.caches import Kept, block_count, compresses, head_lengths, kept_by_layers, prediction_layers
from app.hardware.gguf import Header, Tensor
from app.hardware.graph import NO_WIDTHS, GraphWidths, graph_widths
from app.hardware.weights import NO_WEIGHTS, Weights, weigh

__all__ = ["Geometry", "Layer", "Weights", "geometry_of"]

_BLOCK = re.compile(r"(?:enc\.|dec\.)?blk\.(\d+)\.")
_EXPERTS = re.compile(r"\.ffn_(up|down|gate|gate_up)_(ch|)exps")
"""As the engine names the tensors it keeps beside the processor (app/backends/llama/model.py)."""
_OUTPUT = re.compile(r"(output|cls|dense_\d|enc\.output|dec\.output|fc|d2t|altup_)")
_OUTPUT_TABLE = "output.weight"


CACHE_BLOCK = 32
"""Numbers of a block of the types a cache can be quantized to."""


@dataclass(frozen=True)
class Layer:
    """One block of a model. Cache widths are numbers per token, not bytes: their type is chosen when loading."""

    dense: Weights = NO_WEIGHTS
    """Everything but the routed experts."""
    experts: Weights = NO_WEIGHTS
    """All routed experts together; of these a token reads `experts_used / expert_count`."""
    key_width: int = 0
    value_width: int = 0
    """Numbers a token keeps in the KV cache; 0 where the layer keeps none (recurrent, shared, MLA's values)."""
    window: int | None = None
    """Tokens a sliding-window layer looks back on; None where it sees everything."""
    state: int = 0
    """Bytes of recurrent state per sequence."""

    @property
    def cache_kind(self) -> tuple[int, int, int | None]:
        """What decides how much its cache takes."""
        return self.key_width, self.value_width, self.window


@dataclass(frozen=True)
class Geometry:
    """A whole model. The output layer counts as one more than `layers` where layers are placed on devices."""

    architecture: str
    layers: tuple[Layer, ...]
    embedding: Weights
    """The table of token embeddings: always beside the processor; read by a row per token only."""
    output: Weights
    """The output layer with its norm; with `tied` a second copy of the embeddings is in it, which is only made where
    it is offloaded or repacked."""
    tied: bool = False
    other: Weights = NO_WEIGHTS
    """Tensors of no layer that stay beside the processor."""
    skipped: int = 0
    """Bytes of the file that are never loaded: heads that predict further tokens."""
    width: int = 0
    heads: int = 0
    key_head: int = 0
    """Numbers of one head's key."""
    value_head: int = 0
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
    graph: GraphWidths = NO_WIDTHS
    """Numbers per token while it is computed."""
    exact: bool = True
    """From a header; False: put together from a catalogue's figures."""

    @property
    def takes_quantized_cache(self) -> bool:
        """Whether keys and values of every head are whole blocks of 32, as all quantized types of cache want them."""
        widths = (layer.key_width for layer in self.layers), (layer.value_width for layer in self.layers)
        return not any(number % CACHE_BLOCK for number in (self.key_head, self.value_head, *widths[0], *widths[1]))

    @cached_property
    def weights(self) -> int:
        """Bytes of all tensors that are loaded, as in the file."""
        blocks = sum(layer.dense.size + layer.experts.size for layer in self.layers)
        output = self.output.size - (self.embedding.size if self.tied else 0)
        return blocks + self.embedding.size + output + self.other.size

    @cached_property
    def cache_kinds(self) -> tuple[Layer, ...]:
        """One layer of each kind that keeps a cache."""
        kinds = {one.cache_kind: one for one in self.layers if one.key_width}
        return tuple(kinds.values())

    @cached_property
    def largest_state(self) -> int:
        """Bytes of recurrent state of one layer and sequence."""
        return max((layer.state for layer in self.layers), default=0)

    @property
    def expert_share(self) -> float:
        """The part of the experts that one token reads; 1 for models without."""
        return self.experts_used / self.expert_count if self.expert_count else 1.0


def geometry_of(header: Header) -> Geometry:
    """The shape of the model with that header (of all its parts, joined)."""
    parts = _sort(header)
    kept = kept_by_layers(header)
    layers = tuple(_layer(parts.blocks.get(index, []), one) for index, one in enumerate(kept))
    tied = not any(tensor.name == _OUTPUT_TABLE for tensor in parts.output)
    key_head, value_head = head_lengths(header)
    experts, used = header.own("expert_count") or 0, max(header.per_layer("expert_used_count"), default=0)
    return Geometry(
        architecture=header.architecture,
        layers=layers,
        embedding=weigh(parts.embedding, looked_up=True),
        output=weigh([*parts.output, *(parts.embedding if tied else ())]),
        tied=tied,
        other=weigh(parts.other, looked_up=True),
        skipped=sum(tensor.size or 0 for tensor in parts.skipped),
        width=header.embedding_length or 0,
        heads=header.head_count or 0,
        key_head=key_head,
        value_head=value_head,
        feed_forward=_feed_forward(header, used),
        vocabulary=header.vocabulary_size or 0,
        expert_count=experts,
        experts_used=used,
        trained_context=header.context_length,
        compressed_cache=compresses(header),
        quantization=header.quantization,
        file_size=header.file_size,
        parameters=header.parameters,
        graph=graph_widths(header),
        active_parameters=_active(header, parts, tied, used / experts if experts else 1.0),
    )


@dataclass(frozen=True)
class _Parts:
    """The tensors of a header, by where they lie."""

    blocks: dict[int, list[Tensor]]
    embedding: list[Tensor]
    output: list[Tensor]
    other: list[Tensor]
    skipped: list[Tensor]
    """Heads that predict further tokens: in the file, but never loaded."""


def _sort(header: Header) -> _Parts:
    parts = _Parts(defaultdict(list), [], [], [], [])
    layers, trunk = block_count(header), block_count(header) - prediction_layers(header)
    for tensor in header.tensors:
        if match := _BLOCK.match(tensor.name):
            index = int(match[1]) if len(match[1]) < 6 else layers
            if index < trunk:
                parts.blocks[index].append(tensor)
            else:
                parts.skipped.append(tensor)
        elif tensor.name.startswith("token_embd."):
            parts.embedding.append(tensor)
        elif _OUTPUT.match(tensor.name):
            parts.output.append(tensor)
        else:
            parts.other.append(tensor)
    return parts


def _layer(tensors: Iterable[Tensor], kept: Kept) -> Layer:
    dense: list[Tensor] = []
    experts: list[Tensor] = []
    for tensor in tensors:
        routed = "exps" in tensor.name and _EXPERTS.search(tensor.name)
        (experts if routed else dense).append(tensor)
    return Layer(
        dense=weigh(dense),
        experts=weigh(experts),
        key_width=kept.key_width,
        value_width=kept.value_width,
        window=kept.window,
        state=kept.state,
    )


def _feed_forward(header: Header, used: int) -> int:
    """The widest, of dense layers and of one expert times those used."""
    dense = max(header.per_layer("feed_forward_length"), default=0)
    return max(dense, used * max(header.per_layer("expert_feed_forward_length"), default=0))


def _active(header: Header, parts: _Parts, tied: bool, share: float) -> int:
    """Weights a token is multiplied with: no embeddings unless they are the output too, and its own experts only."""
    unused: list[Tensor] = [*parts.skipped, *parts.other, *([] if tied else parts.embedding)]
    left_out = sum(tensor.elements for tensor in unused)
    experts = 0 if share == 1.0 else sum(tensor.elements for tensor in header.tensors if _EXPERTS.search(tensor.name))
    idle = round(experts * (1.0 - share))
    return max(header.parameters - left_out - idle, 0)
