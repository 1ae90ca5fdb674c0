"""Vectors and scores from real, tiny models."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from app.backends.llama.embedding import AT_ONCE, Abilities, Embedder, Vector, abilities
from app.backends.llama.unwanted import UnwantedError
from app.errors import AppError
from app.protocol import LoadParams
from tests.backends.llama.loading import loaded
from tests.gguf import TinyModel, write_tiny_model
from tests.gguf_parts import POOL_CLS, POOL_MEAN, POOL_RANK, WORDS, write_tiny_encoder

CONTEXT = 64


@contextmanager
def opened(path: Path, params: LoadParams | None = None) -> Iterator[Embedder]:
    with loaded(path) as model:
        embedder = Embedder(model, params or LoadParams(), threads=1)
        yield embedder
        embedder.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("embedding")
    for name, pooling in {"mean": POOL_MEAN, "cls": POOL_CLS, "rank": POOL_RANK}.items():
        write_tiny_encoder(folder / f"{name}.gguf", pooling, CONTEXT)
    write_tiny_model(folder / "writer.gguf", TinyModel(seed=5))
    return folder


@pytest.fixture(scope="module")
def mean(folder: Path) -> Iterator[Embedder]:
    with opened(folder / "mean.gguf") as embedder:
        yield embedder


@pytest.fixture(scope="module")
def ranking(folder: Path) -> Iterator[Embedder]:
    with opened(folder / "rank.gguf") as embedder:
        yield embedder


def texts(count: int) -> list[str]:
    """Texts of different lengths, all of words the model knows."""
    return [" ".join(WORDS[(first + step) % len(WORDS)] for step in range(1 + first % 5)) for first in range(count)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mean", Abilities(writes=False, embeds=True, reranks=False)),
        ("cls", Abilities(writes=False, embeds=True, reranks=False)),
        ("rank", Abilities(writes=False, embeds=False, reranks=True)),
        ("writer", Abilities(writes=True, embeds=True, reranks=False)),
    ],
)
def test_what_a_model_is_made_for(folder: Path, name: str, expected: Abilities) -> None:
    with loaded(folder / f"{name}.gguf") as model:
        assert abilities(model) == expected


def test_vectors_have_length_one_unless_asked_otherwise(mean: Embedder) -> None:
    tokens = [mean.tokens_of("red apple"), mean.tokens_of("sea")]
    normalized, plain = mean.embed(tokens), mean.embed(tokens, normalize=False)
    for one, other in zip(normalized, plain, strict=True):
        assert one.shape == (32,)
        assert np.linalg.norm(one) == pytest.approx(1)
        assert abs(np.linalg.norm(other) - 1) > 0.1
        np.testing.assert_allclose(one, other / np.linalg.norm(other), rtol=1e-5)


def test_the_tokens_have_their_ends(mean: Embedder) -> None:
    tokens = mean.tokens_of("red apple")
    assert len(tokens) == 4
    assert (tokens[0], tokens[-1]) == (2, 3)


def test_a_text_has_the_same_vector_in_any_company(mean: Embedder) -> None:
    tokens = [mean.tokens_of(text) for text in texts(3 * AT_ONCE)]
    together = mean.embed(tokens)
    assert len(together) == len(tokens)
    for index in (0, 1, 17, AT_ONCE, 3 * AT_ONCE - 1):
        np.testing.assert_allclose(together[index], mean.embed([tokens[index]])[0], atol=1e-5)


def test_different_texts_have_different_vectors(mean: Embedder) -> None:
    vectors = mean.embed([mean.tokens_of(word) for word in WORDS])
    products = np.array([[float(a @ b) for a in vectors] for b in vectors])
    assert (products - np.eye(len(WORDS)) < 0.999).all()


def test_every_token_counts_for_the_mean_and_both_sides_are_seen(mean: Embedder) -> None:
    one, other = (mean.embed([mean.tokens_of(text)])[0] for text in ("red sky", "sky red"))
    assert np.abs(one - other).max() > 1e-3


def test_pooling_is_the_models(folder: Path, mean: Embedder) -> None:
    with opened(folder / "cls.gguf") as cls:
        tokens = [cls.tokens_of("green grass")]
        assert np.abs(cls.embed(tokens)[0] - mean.embed(tokens)[0]).max() > 1e-3


def test_texts_that_are_too_long_are_refused_with_numbers(mean: Embedder) -> None:
    assert mean.limit == CONTEXT
    assert len(mean.embed([[2, *[6] * (CONTEXT - 2), 3]])) == 1
    with pytest.raises(AppError) as refused:
        mean.embed([[2, 3], [6] * (CONTEXT + 1)])
    assert refused.value.code == "prompt_too_long"
    assert refused.value.values == {"prompt_tokens": CONTEXT + 1, "context_length": CONTEXT}


def test_a_shorter_limit_can_be_asked_for(folder: Path) -> None:
    with opened(folder / "mean.gguf", LoadParams(context_length=40)) as embedder:
        assert embedder.limit == 40


def test_nothing_at_all(mean: Embedder, folder: Path) -> None:
    assert mean.embed([]) == []
    assert len(mean.embed([mean.tokens_of("")])) == 1
    with opened(folder / "writer.gguf") as writer, pytest.raises(AppError) as refused:
        writer.embed([[5], writer.tokens_of("")])
    assert refused.value.code == "bad_request"
    assert "text 1" in refused.value.message


def test_batches_can_be_left_between_two(mean: Embedder) -> None:
    batches = mean.batches([mean.tokens_of(text) for text in texts(2 * AT_ONCE)])
    first = next(batches)
    assert 0 < len(first) <= AT_ONCE
    assert len(mean.embed([mean.tokens_of("sea")])) == 1
    assert sum(map(len, batches)) == 2 * AT_ONCE - len(first)


def test_vectors_nobody_waits_for_are_not_made(mean: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[int] = []
    compute = mean._compute

    def count(batch: list[Sequence[int]]) -> list[Vector]:
        computed.append(len(batch))
        return compute(batch)

    monkeypatch.setattr(mean, "_compute", count)
    with pytest.raises(UnwantedError):
        mean.embed([mean.tokens_of(text) for text in texts(4 * AT_ONCE)], is_wanted=lambda: len(computed) < 2)
    assert len(computed) == 2


class TestRerank:
    def test_each_document_has_a_score(self, ranking: Embedder) -> None:
        scores = ranking.rerank([ranking.pair("red", document) for document in texts(10)])
        assert len(scores) == 10
        assert len(set(scores)) == len(set(texts(10)))

    def test_scores_do_not_depend_on_the_company(self, ranking: Embedder) -> None:
        pairs = [ranking.pair("red apple", document) for document in texts(40)]
        scores = ranking.rerank(pairs)
        for index in (0, 20, 39):
            assert ranking.rerank([pairs[index]])[0] == pytest.approx(scores[index], abs=1e-4)

    def test_question_and_document_are_told_apart(self, ranking: Embedder) -> None:
        pair = ranking.pair("red", "apple")
        assert pair[0] == 2
        assert pair.count(3) >= 2
        assert ranking.rerank([pair]) != ranking.rerank([ranking.pair("apple", "red")])

    def test_control_tokens_cannot_be_smuggled_in(self, ranking: Embedder) -> None:
        assert 4 not in ranking.pair("[MASK]", "[MASK]")

    def test_a_model_may_bring_its_own_way_to_write_a_pair(self, tmp_path: Path) -> None:
        path = write_tiny_encoder(tmp_path / "own.gguf", POOL_RANK, template="[CLS]{document}[MASK]sea {query}[SEP]")
        with opened(path) as ranking:
            red, apple, sea = (ranking.tokens_of(word)[1] for word in ("red", "apple", "sea"))
            assert ranking.pair("red", "apple") == [2, apple, 4, sea, red, 3]
            assert ranking.pair("[SEP] {document}", "apple").count(3) == 1
            assert len(ranking.rerank([ranking.pair("red", "apple")])) == 1


class TestModelsThatWrite:
    def test_they_embed_by_the_last_token(self, folder: Path) -> None:
        with opened(folder / "writer.gguf") as writer:
            one, other, same = writer.embed([[5, 6, 7], [5, 6, 8], [5, 6, 7]])
            assert one.shape == (128,)
            np.testing.assert_allclose(one, same, atol=1e-5)
            assert np.abs(one - other).max() > 1e-3

    def test_long_texts_are_computed_part_by_part(self, folder: Path) -> None:
        with opened(folder / "writer.gguf", LoadParams(context_length=1500)) as writer:
            long = [5 + index % 90 for index in range(1400)]
            (vector,) = writer.embed([long])
            (again,) = writer.embed([long])
            np.testing.assert_allclose(vector, again, atol=1e-5)
            assert np.abs(vector - writer.embed([long[:-1]])[0]).max() > 1e-3
