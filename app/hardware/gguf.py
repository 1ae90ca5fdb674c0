"""The header of a GGUF file: what a model says about itself, read without loading it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from app.errors import AppError
from app.hardware.gguf_bytes import KEY_LIMIT, SHORT_ARRAY, CutOffError, DamagedError, HeaderBytes, MetaValue
from app.hardware.quantizations import TENSOR_TYPES, quantization_label
from app.protocol import Value

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_KEYS_LIMIT = 16_384
_TENSORS_LIMIT = 65_536
_NAME_LIMIT = 1024
_DIMENSIONS_LIMIT = 4
_ELEMENTS_LIMIT = 2**63
_NUMBER_LIMIT = 2**53
_ALIGNMENT_LIMIT = 2**20
_VOCABULARY = "tokenizer.ggml.tokens"


@dataclass(frozen=True)
class Tensor:
    """One row of the tensor table. `offset` is in bytes from the start of the data."""

    name: str
    shape: tuple[int, ...]
    type_id: int
    offset: int

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def size(self) -> int | None:
        """Bytes; None for a type this version does not know."""
        kind = TENSOR_TYPES.get(self.type_id)
        return None if kind is None else self.elements // kind.block * kind.size

    @property
    def type_name(self) -> str:
        kind = TENSOR_TYPES.get(self.type_id)
        return kind.name if kind else f"type {self.type_id}"


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
        totals: dict[str, int] = {}
        for tensor in self.tensors:
            totals[tensor.type_name] = totals.get(tensor.type_name, 0) + (tensor.size or 0)
        return quantization_label(self.whole("general.file_type"), totals)

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
        return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _NUMBER_LIMIT else None

    def own(self, key: str) -> int | None:
        """A whole number under the architecture's own prefix."""
        return self.whole(f"{self.architecture}.{key}")

    def per_layer(self, key: str) -> tuple[int, ...]:
        """A number per layer, whether the file gives one for all or an array; () where it gives none."""
        value = self.metadata.get(f"{self.architecture}.{key}")
        layers = min(self.block_count or 0, SHORT_ARRAY)
        if isinstance(value, tuple):
            numbers = tuple(item for item in value if isinstance(item, int) and 0 <= item <= _NUMBER_LIMIT)
            return numbers[:layers] if len(numbers) == len(value) else ()
        single = self.own(key)
        return () if single is None else (single,) * layers


class RefusedError(Exception):
    """A file that is whole, perhaps, but nothing this reader reads; `reason` is a code of resources/words."""

    def __init__(self, reason: str, **values: Value) -> None:
        super().__init__(reason)
        self.values: dict[str, Value] = {"reason": reason, **values}


def read_header(path: Path) -> Header:
    """The header of that file, whose tensors are all there. Raises AppError("model_broken") with the reason."""
    try:
        if not path.is_file():
            raise RefusedError("no_such_file")
        with path.open("rb") as file:
            header = _read(HeaderBytes(file))
        if header.file_size < header.expected_size:
            raise RefusedError("file_cut_off", found=header.file_size, expected=header.expected_size)
        return header
    except CutOffError as error:
        raise _broken(path, reason="header_cut_off", found=error.file_size) from None
    except DamagedError as error:
        raise _broken(path, reason="header_damaged", detail=str(error)) from None
    except RefusedError as error:
        raise _broken(path, **error.values) from None
    except OSError as error:
        raise _broken(path, reason="file_unreadable", detail=error.strerror or str(error)) from error


def join_headers(parts: Iterable[Header]) -> Header:
    """The header of a model split over several files: the first part's metadata with the tensors of all."""
    first, *rest = parts
    every = (first, *rest)
    return Header(
        version=first.version,
        file_size=sum(part.file_size for part in every),
        data_offset=sum(part.data_offset for part in every),
        metadata=first.metadata,
        tensors=tuple(tensor for part in every for tensor in part.tensors),
        vocabulary=first.vocabulary,
    )


def _broken(path: Path, **why: Value) -> AppError:
    return AppError("model_broken", model=path.name, **why)


def _read(source: HeaderBytes) -> Header:
    version = _read_version(source)
    tensor_count, key_count = source.u64(), source.u64()
    if tensor_count > _TENSORS_LIMIT or key_count > _KEYS_LIMIT:
        raise DamagedError(f"it announces {tensor_count} tensors and {key_count} keys")
    metadata, vocabulary = _read_metadata(source, key_count)
    tensors = tuple(_read_tensor(source) for _ in range(tensor_count))
    if sum(tensor.elements for tensor in tensors) >= _ELEMENTS_LIMIT:
        raise DamagedError("its tensors are impossibly large")
    if len({tensor.name for tensor in tensors}) != len(tensors):
        raise DamagedError("two tensors have the same name")
    alignment = _alignment(metadata.get("general.alignment", 32))
    return Header(
        version=version,
        file_size=source.file_size,
        data_offset=-(-source.position // alignment) * alignment,
        metadata=MappingProxyType(metadata),
        tensors=tensors,
        vocabulary=vocabulary,
    )


def _read_version(source: HeaderBytes) -> int:
    if source.file_size == 0:
        raise RefusedError("file_empty")
    if source.take(min(4, source.file_size)) != _MAGIC:
        raise RefusedError("not_gguf")
    version = source.u32()
    if version in _VERSIONS:
        return version
    if version == 1:
        raise RefusedError("gguf_too_old")
    if int.from_bytes(version.to_bytes(4, "little"), "big") in _VERSIONS:
        raise RefusedError("gguf_big_endian")
    raise RefusedError("gguf_unknown", gguf_version=version)


def _read_metadata(source: HeaderBytes, count: int) -> tuple[dict[str, MetaValue], int | None]:
    """The values worth keeping, and the size of the vocabulary."""
    metadata: dict[str, MetaValue] = {}
    vocabulary = None
    for _ in range(count):
        key, type_id = source.string(KEY_LIMIT), source.u32()
        if key == _VOCABULARY and type_id == 9:
            item_type, vocabulary = source.array_length()
            source.skip_array(item_type, vocabulary)
            continue
        value = source.value(type_id)
        if key in metadata:
            raise DamagedError(f"the key {key[:80]} stands there twice")
        if value is not None:
            metadata[key] = value
    return metadata, vocabulary


def _read_tensor(source: HeaderBytes) -> Tensor:
    name = source.string(_NAME_LIMIT)
    dimensions = source.u32()
    if dimensions > _DIMENSIONS_LIMIT:
        raise DamagedError(f"the tensor {name[:80]} has {dimensions} dimensions")
    shape = tuple(source.u64() for _ in range(dimensions))
    tensor = Tensor(name=name, shape=shape, type_id=source.u32(), offset=source.u64())
    if tensor.elements >= _ELEMENTS_LIMIT or tensor.offset >= _ELEMENTS_LIMIT:
        raise DamagedError(f"the tensor {name[:80]} is impossibly large")
    kind = TENSOR_TYPES.get(tensor.type_id)
    if kind is not None and math.prod(shape[:1]) % kind.block:
        raise DamagedError(f"the tensor {name[:80]} has rows that are no multiple of its blocks")
    return tensor


def _alignment(value: MetaValue) -> int:
    if isinstance(value, int) and 0 < value <= _ALIGNMENT_LIMIT and value & (value - 1) == 0:
        return value
    raise DamagedError("the alignment of its tensors is impossible")
