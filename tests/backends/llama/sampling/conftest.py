"""A real vocabulary for samplers, and a context with logits."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backends.llama.vocabulary import Vocabulary
from tests.backends.llama.loading import loaded


@pytest.fixture(scope="package")
def vocabulary(models: Path) -> Iterator[Vocabulary]:
    """That of a tiny model: 256 bytes, three words, five control tokens."""
    with loaded(models / "random.gguf") as model:
        yield model.vocabulary
