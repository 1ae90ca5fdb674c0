"""Reads the header of a GGUF file, whole or by its first bytes: what a model says about itself, without loading it."""

import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from app.errors import AppError
from app.hardware.gguf_bytes import ARRAY, KEY_LIMIT, CutOffError, DamagedError, HeaderBytes, MetaValue
from app.hardware.gguf_header import Header, Tensor
from app.hardware.gguf_source import ByteSource, FileSource
from app.hardware.quantizations import TENSOR_TYPES
from app.protocol import Value

__all__ = ["Header", "Tensor", "join_headers", "parse_header", "read_header"]

_MAGIC = b"GGUF"
_VERSIONS = (1, 2, 3)
_ENGINE_VERSIONS = (2, 3)
_KEYS_LIMIT = 16_384
_TENSORS_LIMIT = 32_768
_NAME_LIMIT = 256
_DIMENSIONS_LIMIT = 4
_ELEMENTS_LIMIT = 2**63
_ALIGNMENT_LIMIT = 2**20
_VOCABULARY = "tokenizer.ggml.tokens"


class RefusedError(Exception):
    """A file that is whole, perhaps, but nothing this reader reads; `reason` is a code of resources/words."""

    def __init__(self, reason: str, **values: Value) -> None:
        super().__init__(reason)
        self.values: dict[str, Value] = {"reason": reason, **values}


def read_header(path: Path) -> Header:
    """The header of that file, which the engine can read and whose tensors are all there.

    Raises AppError("model_broken") with the reason.
    """
    try:
        if not path.is_file():
            raise RefusedError("no_such_file")
        with path.open("rb") as file:
            header = parse_header(FileSource(file), path.name)
        _check_readable(header)
        if header.file_size < header.expected_size:
            raise RefusedError("file_cut_off", found=header.file_size, expected=header.expected_size)
        return header
    except RefusedError as error:
        raise _broken(path.name, **error.values) from None
    except OSError as error:
        raise _broken(path.name, reason="file_unreadable", detail=error.strerror or str(error)) from error


def parse_header(source: ByteSource, name: str = "") -> Header:
    """The header at the front of that source, of any version and byte order; its tensors need not be there.

    No more is read than the header and the rest of one step. Raises AppError("model_broken"), and what the source does.
    """
    try:
        return _read(HeaderBytes(source))
    except CutOffError as error:
        raise _broken(name, reason="header_cut_off", found=error.found) from None
    except DamagedError as error:
        raise _broken(name, reason="header_damaged", detail=str(error)) from None
    except RefusedError as error:
        raise _broken(name, **error.values) from None


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
        types=first.types,
        big_endian=first.big_endian,
    )


def _broken(name: str, **why: Value) -> AppError:
    return AppError("model_broken", model=name, **why)


def _check_readable(header: Header) -> None:
    """The engine reads no files of version 1, and none in the other byte order."""
    if header.big_endian:
        raise RefusedError("gguf_big_endian")
    if header.version not in _ENGINE_VERSIONS:
        raise RefusedError("gguf_too_old")


def _read(source: HeaderBytes) -> Header:
    version, big_endian = _read_version(source)
    source.set_format(big_endian=big_endian, short_lengths=version == 1)
    tensor_count, key_count = source.length(), source.length()
    if tensor_count > _TENSORS_LIMIT or key_count > _KEYS_LIMIT:
        raise DamagedError(f"it announces {tensor_count} tensors and {key_count} keys")
    metadata, types, vocabulary = _read_metadata(source, key_count)
    tensors = tuple(_read_tensor(source) for _ in range(tensor_count))
    if sum(tensor.elements for tensor in tensors) >= _ELEMENTS_LIMIT:
        raise DamagedError("its tensors are impossibly large")
    if len({tensor.name for tensor in tensors}) != len(tensors):
        raise DamagedError("two tensors have the same name")
    alignment = _alignment(metadata.get("general.alignment", 32))
    data_offset = -(-source.position // alignment) * alignment
    known = max((tensor.offset + (tensor.size or 0) for tensor in tensors), default=0)
    file_size = data_offset + known if source.size is None else source.size
    return Header(
        version=version,
        file_size=file_size,
        data_offset=data_offset,
        metadata=MappingProxyType(metadata),
        tensors=_measured(tensors, max(file_size - data_offset, 0)),
        vocabulary=vocabulary,
        types=MappingProxyType(types),
        big_endian=big_endian,
    )


def _read_version(source: HeaderBytes) -> tuple[int, bool]:
    """The version, and whether numbers are written with their high bytes first."""
    if source.size == 0:
        raise RefusedError("file_empty")
    if source.take(4 if source.size is None else min(4, source.size)) != _MAGIC:
        raise RefusedError("not_gguf")
    number = source.take(4)
    for order in ("little", "big"):
        version = int.from_bytes(number, "little" if order == "little" else "big")
        if version in _VERSIONS:
            return version, order == "big"
    raise RefusedError("gguf_unknown", gguf_version=int.from_bytes(number, "little"))


def _read_metadata(
    source: HeaderBytes, count: int
) -> tuple[dict[str, MetaValue], dict[str, tuple[int, ...]], int | None]:
    """The values worth keeping with their types, and the size of the vocabulary."""
    metadata: dict[str, MetaValue] = {}
    types: dict[str, tuple[int, ...]] = {}
    vocabulary = None
    for _ in range(count):
        key, type_id = source.string(KEY_LIMIT), source.u32()
        if key == _VOCABULARY and type_id == ARRAY:
            item_type, vocabulary = source.array_length()
            source.skip_array(item_type, vocabulary)
            continue
        value, kind = source.value(type_id)
        if key in metadata:
            raise DamagedError(f"the key {key[:80]} stands there twice")
        if value is not None:
            metadata[key], types[key] = value, kind
    return metadata, types, vocabulary


def _read_tensor(source: HeaderBytes) -> Tensor:
    name = source.string(_NAME_LIMIT)
    dimensions = source.u32()
    if dimensions > _DIMENSIONS_LIMIT:
        raise DamagedError(f"the tensor {name[:80]} has {dimensions} dimensions")
    shape = tuple(source.length() for _ in range(dimensions))
    tensor = Tensor(name=name, shape=shape, type_id=source.u32(), offset=source.u64())
    if tensor.elements >= _ELEMENTS_LIMIT or tensor.offset >= _ELEMENTS_LIMIT:
        raise DamagedError(f"the tensor {name[:80]} is impossibly large")
    kind = TENSOR_TYPES.get(tensor.type_id)
    if kind is not None and math.prod(shape[:1]) % kind.block:
        raise DamagedError(f"the tensor {name[:80]} has rows that are no multiple of its blocks")
    return tensor


def _measured(tensors: tuple[Tensor, ...], data_size: int) -> tuple[Tensor, ...]:
    """The tensors, those of unknown type with the bytes up to the next one, or to the end of the data."""
    if all(tensor.type_id in TENSOR_TYPES for tensor in tensors):
        return tensors
    offsets = sorted({tensor.offset for tensor in tensors})
    following = dict(pairwise([*offsets, max(data_size, offsets[-1])]))
    return tuple(
        tensor if tensor.type_id in TENSOR_TYPES else replace(tensor, stored=following[tensor.offset] - tensor.offset)
        for tensor in tensors
    )


def _alignment(value: MetaValue) -> int:
    if isinstance(value, int) and 0 < value <= _ALIGNMENT_LIMIT and value & (value - 1) == 0:
        return value
    raise DamagedError("the alignment of its tensors is impossible")
