"""Writes models of some hundred megabytes that the engine really loads: a small vocabulary, and zeros for weights."""

from pathlib import Path

from tests.gguf import TinyModel, tiny_fields, tiny_vocabulary
from tests.hardware.architectures import Shape, llama
from tests.hardware.gguf_files import Gguf, Value

_U32, _I32, _F32, _ARRAY = 4, 5, 6, 9


def write_large_model(path: Path, kind: int, width: int = 1024, layers: int = 20, inner: int = 4096) -> Path:
    """Of the architecture llama, all its matrices of that ggml type; the zeros take no room on the disk."""
    tiny = TinyModel(layers=layers, embedding=width, context=16_384)
    tokens, kinds, merges = tiny_vocabulary(tiny)
    shape = Shape("llama", layers, width, len(tokens), 16, 4, width // 16, inner, context=16_384, kind=kind)
    hollow = llama(shape)
    fields = {name: _plain(*value) for name, value in tiny_fields(tiny, tokens, kinds, merges).items()}
    fields |= {
        key: value for key, value in hollow.metadata.items() if key.startswith("llama.") and "vocab_size" not in key
    }
    tensors = {name: (_kept(name, own, kind), dims) for name, (own, dims) in hollow.tensors.items()}
    return Gguf(fields, tensors).write(path)


def _kept(name: str, own: int, kind: int) -> int:
    return kind if name in ("token_embd.weight", "output.weight") else own


def _plain(kind: int, value: object) -> Value:
    """A field of tests/gguf.py as tests/hardware/gguf_files.py writes it."""
    if kind == _ARRAY:
        assert isinstance(value, tuple)
        element, items = value
        return ("i", list(items)) if element == _I32 else list(items)
    if kind == _U32:
        return ("I", int(str(value)))
    return float(str(value)) if kind == _F32 else value  # type: ignore[return-value]
