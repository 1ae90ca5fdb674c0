"""A vocabulary with bytes, longer tokens and control tokens, and what builds constraints for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backends.llama.formats.builder import ConstraintBuilder
from app.backends.llama.vocabulary import Vocabulary
from tests.backends.llama.loading import loaded
from tests.gguf import TinyModel, write_tiny_model

PIECES = (
    '{"',
    '"}',
    '":',
    '": "',
    '", "',
    ' "',
    "true",
    "null",
    " hello",
    "}}",
    "]}",
    "123",
    "\n\n",
    "ab",
    "é",
    "\\u00",
)


@pytest.fixture(scope="package")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vocabulary]:
    folder: Path = tmp_path_factory.mktemp("vocabulary")
    path = write_tiny_model(folder / "pieces.gguf", TinyModel(script=PIECES, embedding=32))
    with loaded(path) as model:
        yield model.vocabulary


@pytest.fixture(scope="package")
def builder(vocabulary: Vocabulary) -> Iterator[ConstraintBuilder]:
    builder = ConstraintBuilder(vocabulary)
    yield builder
    builder.close()
