"""The writer of random models: llama.cpp reads them, and text is made of the tokens it should be."""

import io
from pathlib import Path

import pytest

from app.backends.llama.process import LlamaBackend
from app.hardware.gguf import read_header
from app.protocol import LoadParams
from bench.model_file import SHAPES, Shape, model_file, write_model
from bench.workers import answer, question, words, worker

TINY = Shape("tiny", layers=2, width=64, heads=2, kv_heads=1, hidden=96, vocabulary=20_000, context=512)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return model_file(TINY, tmp_path)


def test_the_file_says_what_shape_it_is(tiny: Path) -> None:
    header = read_header(tiny)
    assert (header.architecture, header.context_length) == ("qwen2", 512)
    heads = 64 * 64 * 2 + 64 * 32 * 2 + 64 * 2  # query and output, key and value, their biases
    layer = heads + 3 * 64 * 96 + 2 * 64
    assert header.parameters == 20_000 * 64 + 64 + 2 * layer


def test_it_is_written_once(tiny: Path, tmp_path: Path) -> None:
    before = tiny.stat()
    assert model_file(TINY, tmp_path) == tiny
    assert tiny.stat().st_mtime_ns == before.st_mtime_ns
    assert list(tmp_path.iterdir()) == [tiny]


def test_the_same_seed_writes_the_same_model() -> None:
    files = [io.BytesIO(), io.BytesIO(), io.BytesIO()]
    for file, seed in zip(files, (1, 1, 2), strict=True):
        write_model(file, TINY, seed)
    assert files[0].getvalue() == files[1].getvalue() != files[2].getvalue()


def test_the_real_shapes_have_their_sizes() -> None:
    shape = SHAPES["0.5b"]
    assert (shape.layers, shape.width, shape.hidden, shape.vocabulary) == (24, 896, 4864, 151_936)
    assert shape.width % shape.heads == shape.heads % shape.kv_heads == 0


async def test_a_real_engine_answers_with_it(tiny: Path) -> None:
    async with worker(str(tiny), LoadParams(context_length=512, threads=1)) as backend:
        said = await answer(backend, question(words(20, seed=3), 40, speculate=False))
        assert said.tokens == said.figures.answer_tokens == 40
        assert len(set(said.text.split())) > 20, "it goes round in circles"
        assert said.text.replace(" ", "").isalpha(), "it says single bytes"
        assert await _length(backend, said.text) == 40, "it is read as other tokens than it was said in"


async def test_words_are_tokens(tiny: Path) -> None:
    async with worker(str(tiny), LoadParams(context_length=512, threads=1)) as backend:
        assert await _length(backend, words(50, seed=1)) == 50
        assert await _length(backend, " a bc def") == 3
        assert await _length(backend, '{"é": 1}') == len('{"é": 1}'.encode())


async def _length(backend: LlamaBackend, text: str) -> int:
    return len(await backend.tokenize(text, special=True))
