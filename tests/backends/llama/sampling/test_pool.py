"""Sampling by the output of a real context, alone and together."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.backends.llama.binding import llama
from app.backends.llama.sampling.logits import context_row
from app.backends.llama.sampling.params import Choice
from app.backends.llama.sampling.pool import SamplerPool
from app.backends.llama.sampling.sampler import TokenSampler
from app.backends.llama.vocabulary import Vocabulary
from app.errors import AppError
from tests.backends.llama.loading import loaded

ROWS = 8


@pytest.fixture(scope="module")
def decoded(models: Path) -> Iterator[tuple[Any, Vocabulary]]:
    """A context that has read eight tokens, each with output."""
    with loaded(models / "random.gguf") as model:
        params = llama.llama_context_default_params()
        params.n_ctx = 128
        context = llama.llama_init_from_model(model.handle, params)
        batch = llama.llama_batch_init(ROWS, 0, 1)
        for index in range(ROWS):
            batch.token[index], batch.pos[index], batch.logits[index] = 40 + index, index, 1
            batch.n_seq_id[index], batch.seq_id[index][0] = 1, 0
        batch.n_tokens = ROWS
        assert llama.llama_decode(context, batch) == 0
        yield context, model.vocabulary
        llama.llama_batch_free(batch)
        llama.llama_free(context)


@pytest.fixture
def pool() -> Iterator[SamplerPool]:
    pool = SamplerPool(threads=3)
    yield pool
    pool.close()


def samplers(vocabulary: Vocabulary, *choices: Choice) -> list[TokenSampler]:
    return [TokenSampler(choice, vocabulary, []) for choice in choices]


def test_a_row_is_what_the_model_computed_for_that_token(decoded: tuple[Any, Vocabulary]) -> None:
    context, vocabulary = decoded
    rows = [context_row(context, row, vocabulary.size).copy() for row in range(ROWS)]
    assert len({row.tobytes() for row in rows}) == ROWS
    assert np.array_equal(context_row(context, -1, vocabulary.size), rows[-1])
    pointer = llama.llama_get_logits_ith(context, 3)
    assert rows[3][:5].tolist() == pointer[:5]


def test_a_token_without_output_is_a_mistake(decoded: tuple[Any, Vocabulary]) -> None:
    with pytest.raises(RuntimeError, match="99"):
        context_row(decoded[0], 99, decoded[1].size)


@pytest.mark.parametrize("cost", [0.0, 1.0])
def test_together_they_draw_what_each_draws_alone(
    decoded: tuple[Any, Vocabulary], pool: SamplerPool, cost: float
) -> None:
    context, vocabulary = decoded
    choices = [Choice(seed=row, top_k=0, temperature=row % 3) for row in range(ROWS)]
    alone = [sampler.sample(context, row) for row, sampler in enumerate(samplers(vocabulary, *choices))]
    together = samplers(vocabulary, *choices)
    for sampler in together:
        sampler.cost_s = cost
    assert pool.sample(context, [(sampler, row) for row, sampler in enumerate(together)]) == alone
    for sampler in together:
        assert sampler.cost_s != cost
        sampler.close()


@pytest.mark.parametrize(("costs", "threads"), [([1e-5] * 8, 1), ([3e-4] * 3, 2), ([1.0] * 8, 3), ([1.0], 1), ([], 1)])
def test_threads_come_in_where_they_pay(pool: SamplerPool, costs: list[float], threads: int) -> None:
    assert pool._threads_for(costs) == threads


@pytest.mark.parametrize("cost", [0.0, 1.0])
def test_one_fault_is_one_answers_alone(decoded: tuple[Any, Vocabulary], pool: SamplerPool, cost: float) -> None:
    context, vocabulary = decoded
    good, bad = samplers(vocabulary, Choice(temperature=0.0), Choice())
    row = context_row(context, 5, vocabulary.size)
    before = row.copy()
    row[:] = np.nan
    good.cost_s = bad.cost_s = cost
    first, second = pool.sample(context, [(good, 0), (bad, 5)])
    row[:] = before
    assert first == context_row(context, 0, vocabulary.size).argmax()
    assert isinstance(second, AppError)


@pytest.mark.parametrize("cost", [0.0, 1.0])
def test_a_bug_in_one_is_its_fault_alone(
    decoded: tuple[Any, Vocabulary], pool: SamplerPool, monkeypatch: pytest.MonkeyPatch, cost: float
) -> None:
    context, vocabulary = decoded

    def fail(_row: object) -> int:
        raise ZeroDivisionError

    good, bad = samplers(vocabulary, Choice(temperature=0.0), Choice())
    good.cost_s = bad.cost_s = cost
    monkeypatch.setattr(bad, "sample_row", fail)
    first, second = pool.sample(context, [(good, 0), (bad, 1)])
    assert first == context_row(context, 0, vocabulary.size).argmax()
    assert isinstance(second, AppError)
    assert second.values["reason"] == "ZeroDivisionError"


def test_no_work_is_done_at_once(decoded: tuple[Any, Vocabulary], pool: SamplerPool) -> None:
    assert pool.sample(decoded[0], []) == []


def test_logprobs_are_of_the_row_as_it_came(decoded: tuple[Any, Vocabulary]) -> None:
    context, vocabulary = decoded
    row = context_row(context, 2, vocabulary.size)
    likeliest = int(row.argmax())
    sampler, silent = samplers(vocabulary, Choice(logit_bias={likeliest: -50.0}, logprobs=3), Choice())
    token = sampler.sample(context, 2)
    found = sampler.logprobs(context, 2, token)
    assert token != likeliest
    assert found is not None
    assert (found.token, found.top[0].token, len(found.top)) == (token, likeliest, 3)
    assert silent.logprobs(context, 2, token) is None
