"""What a GGUF header holds: the model's own fields, and the table of its tensors."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from app.hardware.gguf_bytes import SHORT_ARRAY, MetaValue
from app.hardware.quantizations import TENSOR_TYPES, quantization_label

NUMBER_LIMIT = 2**53


@dataclass(frozen=True, slots=True)
class Tensor:
    """One row of the tensor table. `offset` is in bytes from the start of the data."""

    name: str
    shape: tuple[int, ...]
    type_id: int
    offset: int
    stored: int | None = None
    """Bytes up to the next tensor, for a type this version does not know."""

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def size(self) -> int | None:
        """Bytes; for a type this version does not know as many as lie there, or None."""
        kind = TENSOR_TYPES.get(self.type_id)
        return self.stored if kind is None else self.elements // kind.block * kind.size

    @property
    def type_name(self) -> str:
        return type_name(self.type_id)


@dataclass(frozen=True)
class Header:
    """A GGUF header. Numbers the file does not give are None; `metadata` leaves out long arrays and arrays of text."""

    version: int
    file_size: int
    data_offset: int
    """Where the tensors' data begins, bytes from the start of the file."""
    metadata: Mapping[str, MetaValue]
    tensors: tuple[Tensor, ...]
    vocabulary: int | None
    """Number of tokens."""
    types: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Of each value in `metadata` its GGUF type; of arrays that of their items too."""
    big_endian: bool = False

    @property
    def architecture(self) -> str:
        return self.text("general.architecture")

    @property
    def name(self) -> str:
        return self.text("general.name")

    @property
    def kind(self) -> str:
        """What the file is: "model", "mmproj" (a projector for pictures), "adapter", "imatrix"."""
        declared = self.text("general.type")
        return declared or ("mmproj" if self.architecture == "clip" else "model")

    @property
    def chat_template(self) -> str:
        return self.text("tokenizer.chat_template")

    @cached_property
    def parameters(self) -> int:
        """Weights of all tensors together."""
        return sum(tensor.elements for tensor in self.tensors)

    @cached_property
    def quantization(self) -> str:
        """The name a person knows it by, such as Q4_K_M; empty where it cannot be told."""
        totals: dict[int, int] = {}
        for tensor in self.tensors:
            totals[tensor.type_id] = totals.get(tensor.type_id, 0) + (tensor.size or 0)
        named = {type_name(number): size for number, size in totals.items()}
        return quantization_label(self.whole("general.file_type"), named)

    @property
    def context_length(self) -> int | None:
        """The context length it was trained for, tokens."""
        return self.own("context_length")

    @property
    def block_count(self) -> int | None:
        return self.own("block_count")

    @property
    def embedding_length(self) -> int | None:
        return self.own("embedding_length")

    @property
    def head_count(self) -> int | None:
        """Attention heads; the largest where layers differ."""
        return max(self.per_layer("attention.head_count"), default=None)

    @property
    def head_count_kv(self) -> tuple[int, ...]:
        """Key-value heads of each layer; as many as attention heads where the file does not say."""
        return self.per_layer("attention.head_count_kv") or self.per_layer("attention.head_count")

    @property
    def vocabulary_size(self) -> int | None:
        return self.vocabulary or self.own("vocab_size")

    @property
    def split_count(self) -> int:
        """How many files make up the model."""
        return max(self.whole("split.count") or 1, 1)

    @cached_property
    def expected_size(self) -> int:
        """Bytes the file must have to hold every tensor; tensors of unknown type are left out."""
        ends = (tensor.offset + (tensor.size or 0) for tensor in self.tensors)
        return self.data_offset + max(ends, default=0)

    @cached_property
    def weights_size(self) -> int:
        """Bytes of all tensors; for unknown types the file's size stands in."""
        sizes = [tensor.size for tensor in self.tensors]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else max(self.file_size - self.data_offset, sum(known))

    def text(self, key: str) -> str:
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""

    def whole(self, key: str) -> int | None:
        """A whole number that is not negative nor absurdly large."""
        value = self.metadata.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= NUMBER_LIMIT else None

    def own(self, key: str) -> int | None:
        """A whole number under the architecture's own prefix."""
        return self.whole(f"{self.architecture}.{key}")

    def per_layer(self, key: str) -> tuple[int, ...]:
        """A number per layer, whether the file gives one for all or an array; () where it gives none."""
        value = self.metadata.get(f"{self.architecture}.{key}")
        layers = min(self.block_count or 0, SHORT_ARRAY)
        if isinstance(value, tuple):
            numbers = tuple(item for item in value if isinstance(item, int) and 0 <= item <= NUMBER_LIMIT)
            return numbers[:layers] if len(numbers) == len(value) else ()
        single = self.own(key)
        return () if single is None else (single,) * layers


def type_name(number: int) -> str:
    """What people call a ggml type."""
    kind = TENSOR_TYPES.get(number)
    return kind.name if kind else f"type {number}"
