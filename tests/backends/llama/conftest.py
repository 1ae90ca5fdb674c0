"""Loaded models for the tests of one process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.paths import RESOURCES
from app.protocol import LoadParams, StateFolder
from tests.backends.llama.running import Running

Open = Callable[..., Running]


@pytest.fixture
def open_model(models: Path) -> Iterator[Open]:
    """Loads a model by its name or path; all are closed after the test."""
    opened: list[Running] = []

    def load(name: str | Path, states: StateFolder | None = None, **params: object) -> Running:
        known = {"starter": RESOURCES / "starter.gguf"}
        path = name if isinstance(name, Path) else known.get(name, models / f"{name}.gguf")
        running = Running(path, LoadParams(**({"context_length": 2048} | params)), states)  # type: ignore[arg-type]
        opened.append(running)
        return running

    yield load
    for running in opened:
        running.close()
