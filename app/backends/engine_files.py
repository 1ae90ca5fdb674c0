"""Whether the installed engine could use a graphics card at all, told by its files: asking it takes far longer."""

import importlib.util
import os
import re
from collections.abc import Iterable
from pathlib import Path

_BACKEND = re.compile(r"(?:lib)?ggml-([a-z]+)(?:-[\w.-]+)?\.(?:so|dylib|dll)(?:\.[\d.]+)?")
_NO_GRAPHICS = frozenset({"base", "cpu", "blas", "rpc"})
_PACKAGE = "llama_cpp"


def graphics_backends() -> frozenset[str]:
    """ggml's backends for graphics cards that the engine came with, such as "cuda"; none where there is no engine."""
    return backends_in(engine_folders())


def engine_folders() -> tuple[Path, ...]:
    """Where the engine's libraries lie; the person's own folder first."""
    own = os.environ.get("LLAMA_CPP_LIB_PATH")
    spec = importlib.util.find_spec(_PACKAGE)
    packages = spec.submodule_search_locations if spec is not None else None
    found = [Path(own)] if own else []
    return (*found, *(Path(folder) / "lib" for folder in packages or ()))


def backends_in(folders: Iterable[Path]) -> frozenset[str]:
    """The backends whose libraries lie there."""
    names = (path.name for folder in folders if folder.is_dir() for path in folder.iterdir())
    found = {match[1] for name in names if (match := _BACKEND.fullmatch(name))}
    return frozenset(found - _NO_GRAPHICS)
