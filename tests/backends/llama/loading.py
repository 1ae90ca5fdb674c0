"""Loads tiny models into the test's own process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.backends.llama.engine_log import EngineLog
from app.backends.llama.model import Model
from app.protocol import LoadParams


@contextmanager
def loaded(path: Path) -> Iterator[Model]:
    """The model, freed afterwards."""
    model = Model(str(path), LoadParams(), lambda _share: True, EngineLog())
    try:
        yield model
    finally:
        model.close()
