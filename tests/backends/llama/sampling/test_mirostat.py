"""Mirostat cuts what llama.cpp cuts and holds the surprise it was asked for."""

import math
from dataclasses import replace

import numpy as np
import pytest

from app.backends.llama.sampling.mirostat import Mirostat
from app.backends.llama.sampling.params import Choice
from app.backends.llama.sampling.sampler import TokenSampler
from app.backends.llama.vocabulary import Vocabulary
from tests.backends.llama.sampling.plain import PlainChain

CHOICE = Choice(mirostat=2, mirostat_tau=3.0, seed=4)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
@pytest.mark.parametrize("tau", [0.0, 1.0, 4.0])
def test_the_first_cut_is_llamas(temperature: float, tau: float, vocabulary: Vocabulary) -> None:
    choice = replace(CHOICE, temperature=temperature, mirostat_tau=tau)
    row = np.random.default_rng(2).normal(0, 3, 20_000).astype(np.float32)
    plain = PlainChain(choice, vocabulary, [])
    _, left = plain.sample(row)
    plain.close()
    found = Mirostat(choice).cut(row, temperature)
    assert found.size == left
    assert row[found].min() == np.sort(row)[::-1][left - 1]


def test_an_answer_surprises_as_much_as_asked(vocabulary: Vocabulary) -> None:
    random = np.random.default_rng(5)
    sampler = TokenSampler(replace(CHOICE, temperature=1.0), vocabulary, [])
    surprises = []
    for _ in range(400):
        row = random.normal(0, 2, 4000).astype(np.float32)
        shares = np.exp(row - row.max())
        token = sampler.sample_row(row)
        surprises.append(-math.log2(shares[token] / shares.sum()))
    sampler.close()
    # What is observed is the surprise among those left, so that by all is a little greater than asked.
    assert 2.0 < float(np.mean(surprises[50:])) < 6.5


def test_one_step_by_hand() -> None:
    mirostat = Mirostat(replace(CHOICE, mirostat_tau=1.0, mirostat_eta=0.5))
    row = np.log(np.array([0.5, 0.3, 0.15, 0.05], dtype=np.float32))
    assert mirostat.cut(row, 1.0).tolist() == [0, 1]  # 2 bits are a quarter
    mirostat.observe(0.25)  # 2 bits, 1 more than asked: the bound goes down by half of that
    assert mirostat.cut(row, 1.0).tolist() == [0]
    mirostat.observe(1.0)  # no bit at all: up by half a bit
    mirostat.observe(1.0)
    assert mirostat.cut(row, 1.0).tolist() == [0, 1]
