"""The sampler draws what llama.cpp's whole chain would have drawn, and keeps the rules that come before it."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.backends.llama.sampling.logits import Logits
from app.backends.llama.sampling.params import Choice
from app.backends.llama.sampling.sampler import TokenSampler
from app.backends.llama.vocabulary import Vocabulary
from app.errors import AppError
from tests.backends.llama.sampling.plain import PlainChain

BIG = 20_000
"""Longer than the vocabulary of a tiny model, so that there is something to cut."""
PROMPT = [7, 8, 9, 10, 7, 8, 9, 10, 7, 8]
SEEDED = Choice(seed=11)


def rows(count: int, *, size: int = BIG, spread: float = 2.5, seed: int = 1) -> list[Logits]:
    random = np.random.default_rng(seed)
    made = [random.normal(0, spread, size).astype(np.float32) for _ in range(count)]
    for row in made:
        row[:32] += 6.0  # tokens that were written lately are likely again, or penalties have nothing to do
    return made


@contextmanager
def sampling(choice: Choice, vocabulary: Vocabulary, prompt: Sequence[int] = PROMPT) -> Iterator[TokenSampler]:
    sampler = TokenSampler(choice, vocabulary, prompt)
    try:
        yield sampler
    finally:
        sampler.close()


def draw(choice: Choice, vocabulary: Vocabulary, given: Sequence[Logits]) -> list[int]:
    """One token a row, each accepted."""
    tokens = []
    with sampling(choice, vocabulary) as sampler:
        for row in given:
            tokens.append(sampler.sample_row(row))
            sampler.accept(tokens[-1])
    return tokens


def draw_plainly(choice: Choice, vocabulary: Vocabulary, given: Sequence[Logits]) -> list[int]:
    chain, tokens = PlainChain(choice, vocabulary, PROMPT), []
    for row in given:
        tokens.append(chain.sample(row)[0])
        chain.accept(tokens[-1])
    chain.close()
    return tokens


CHOICES = {
    "default": SEEDED,
    "greedy": replace(SEEDED, temperature=0.0),
    "greedy with penalties": replace(SEEDED, temperature=0.0, repeat_penalty=1.5, presence_penalty=2.0),
    "greedy that likes to repeat": replace(SEEDED, temperature=0.0, repeat_penalty=0.5, frequency_penalty=-1.0),
    "penalties": replace(SEEDED, repeat_penalty=1.3, presence_penalty=0.5, frequency_penalty=0.3, repeat_last_n=16),
    "penalties on all": replace(SEEDED, repeat_penalty=1.3, repeat_last_n=-1),
    "dry": replace(SEEDED, dry_multiplier=3.0, dry_allowed_length=1, dry_breakers=()),
    "dry with breakers": replace(SEEDED, dry_multiplier=3.0, dry_allowed_length=1),
    "sigma": replace(SEEDED, top_n_sigma=1.0),
    "sigma alone": replace(SEEDED, top_n_sigma=0.5, top_k=0, top_p=1.0, min_p=0.0),
    "sigma and top-p": replace(SEEDED, top_n_sigma=2.0, top_k=0, top_p=0.4, min_p=0.0, temperature=1.5),
    "top-k alone": replace(SEEDED, top_k=300, top_p=1.0, min_p=0.0, temperature=1.3),
    "top-p alone": replace(SEEDED, top_k=0, top_p=0.8, min_p=0.0, temperature=1.2),
    "min-p alone": replace(SEEDED, top_k=0, top_p=1.0, min_p=0.02, temperature=1.2),
    "top-p and min-p": replace(SEEDED, top_k=0, top_p=0.5, min_p=0.01),
    "typical": replace(SEEDED, typical_p=0.6),
    "typical without top-k": replace(SEEDED, typical_p=0.3, top_k=0),
    "xtc": replace(SEEDED, xtc_probability=0.7, xtc_threshold=0.05),
    "xtc without top-k": replace(SEEDED, xtc_probability=1.0, xtc_threshold=0.02, top_k=0, top_p=1.0),
    "dynamic temperature": replace(SEEDED, dynamic_range=0.5, dynamic_exponent=1.3),
    "dynamic temperature over all": replace(SEEDED, dynamic_range=0.4, top_k=0, top_p=1.0, min_p=0.0),
    "nothing but temperature": replace(SEEDED, top_k=0, top_p=1.0, min_p=0.0, temperature=1.0),
    "biases": replace(SEEDED, logit_bias={7: 4.0, 9: -8.0, 250: 9.0, 31: -math.inf}, repeat_penalty=1.2),
    "everything": replace(
        SEEDED,
        repeat_penalty=1.1,
        dry_multiplier=1.0,
        top_n_sigma=3.0,
        typical_p=0.95,
        xtc_probability=0.3,
        dynamic_range=0.2,
        logit_bias={5: 2.0},
    ),
}


@pytest.mark.parametrize("name", CHOICES)
def test_the_tokens_are_those_of_llamas_whole_chain(name: str, vocabulary: Vocabulary) -> None:
    given = rows(40)
    assert draw(CHOICES[name], vocabulary, given) == draw_plainly(CHOICES[name], vocabulary, given)


@pytest.mark.parametrize("name", ["default", "top-p alone", "penalties", "greedy"])
@pytest.mark.parametrize("size", [11, 64, 270, 2000])
def test_so_they_are_for_small_vocabularies(name: str, size: int, vocabulary: Vocabulary) -> None:
    given = rows(20, size=size)
    assert draw(CHOICES[name], vocabulary, given) == draw_plainly(CHOICES[name], vocabulary, given)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_so_they_are_for_any_choice(data: st.DataObject, vocabulary: Vocabulary) -> None:
    pick = data.draw
    choice = Choice(
        temperature=pick(st.sampled_from([0.0, 0.3, 1.0, 2.0])),
        top_k=pick(st.sampled_from([0, 1, 5, 40, 1000])),
        top_p=pick(st.sampled_from([0.0, 0.3, 0.95, 1.0])),
        min_p=pick(st.sampled_from([0.0, 0.05, 1.0])),
        typical_p=pick(st.sampled_from([0.7, 1.0])),
        top_n_sigma=pick(st.sampled_from([-1.0, 1.0])),
        repeat_penalty=pick(st.sampled_from([0.7, 1.0, 1.4])),
        presence_penalty=pick(st.sampled_from([-1.0, 0.0, 1.0])),
        seed=pick(st.integers(0, 2**32 - 2)),
    )
    if choice.top_n_sigma > 0 and choice.typical_p < 1 and choice.top_k != 1:
        choice = replace(choice, typical_p=1.0)  # llama.cpp computes 0 · log 0 here, and keeps whatever comes
    given = rows(6, size=4000, seed=pick(st.integers(0, 99)))
    assert draw(choice, vocabulary, given) == draw_plainly(choice, vocabulary, given)


def test_a_row_is_as_before(vocabulary: Vocabulary) -> None:
    choice = replace(SEEDED, repeat_penalty=1.5, logit_bias={3: 5.0, 8: -math.inf}, min_tokens=5, dry_multiplier=1.0)
    (row,) = rows(1)
    before = row.copy()
    draw(choice, vocabulary, [row] * 10)
    assert np.array_equal(row, before)


def test_a_seed_makes_answers_repeatable_and_none_does_not(vocabulary: Vocabulary) -> None:
    given = rows(60, spread=0.5)
    assert draw(SEEDED, vocabulary, given) == draw(SEEDED, vocabulary, given)
    assert draw(SEEDED, vocabulary, given) != draw(replace(SEEDED, seed=12), vocabulary, given)
    unseeded = replace(SEEDED, seed=None)
    assert draw(unseeded, vocabulary, given) != draw(unseeded, vocabulary, given)
    assert len(draw(replace(SEEDED, seed=-1), vocabulary, given)) == 60


def test_the_end_waits_for_the_least_number_of_tokens(vocabulary: Vocabulary) -> None:
    row = np.zeros(vocabulary.size, dtype=np.float32)
    row[list(vocabulary.end_tokens)] = 50.0
    tokens = draw(replace(SEEDED, min_tokens=5), vocabulary, [row] * 6)
    assert [token in vocabulary.end_tokens for token in tokens] == [False] * 5 + [True]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_an_ignored_end_never_comes(temperature: float, vocabulary: Vocabulary) -> None:
    row = np.zeros(vocabulary.size, dtype=np.float32)
    row[list(vocabulary.end_tokens)] = 50.0
    tokens = draw(replace(SEEDED, ignore_end=True, temperature=temperature), vocabulary, [row] * 40)
    assert not set(tokens) & set(vocabulary.end_tokens)


def test_a_bias_of_an_end_and_its_ban(vocabulary: Vocabulary) -> None:
    end = vocabulary.end_tokens[0]
    row = np.zeros(vocabulary.size, dtype=np.float32)
    choice = replace(SEEDED, logit_bias={end: 90.0, 5: 40.0}, ignore_end=True)
    assert draw(choice, vocabulary, [row] * 3) == [5, 5, 5]


def test_a_bias_of_a_token_that_does_not_exist_is_refused(vocabulary: Vocabulary) -> None:
    with pytest.raises(AppError) as caught:
        TokenSampler(replace(SEEDED, logit_bias={vocabulary.size: 1.0}), vocabulary, PROMPT)
    assert caught.value.code == "bad_request"
    assert str(vocabulary.size) in caught.value.message


@pytest.mark.parametrize(
    "choice",
    [Choice(), Choice(temperature=0.0), Choice(top_k=0), Choice(top_k=0, top_p=1.0, min_p=0.0), Choice(mirostat=2)],
)
def test_logits_that_are_no_numbers_fail_this_answer(choice: Choice, vocabulary: Vocabulary) -> None:
    with sampling(choice, vocabulary) as sampler, pytest.raises(AppError) as caught:
        sampler.sample_row(np.full(BIG, np.nan, dtype=np.float32))
    assert caught.value.code == "generation_failed"


@pytest.mark.parametrize("choice", [Choice(), Choice(temperature=0.0), Choice(top_k=0), Choice(top_k=0, min_p=0.0)])
def test_one_token_is_a_choice_too(choice: Choice, vocabulary: Vocabulary) -> None:
    assert draw(choice, vocabulary, [np.zeros(1, dtype=np.float32)]) == [0]


def test_what_stands_for_pictures_in_a_prompt_is_not_penalized(vocabulary: Vocabulary) -> None:
    choice = replace(SEEDED, repeat_penalty=1.3, dry_multiplier=1.0)
    given = rows(10, size=vocabulary.size)
    with sampling(choice, vocabulary, [7, -5, 2**31 - 1, 8]) as mixed, sampling(choice, vocabulary, [7, 8]) as plain:
        assert [mixed.sample_row(row) for row in given] == [plain.sample_row(row) for row in given]


def test_no_prompt_is_no_fault(vocabulary: Vocabulary) -> None:
    choice = replace(SEEDED, repeat_penalty=1.2, dry_multiplier=1.0)
    with sampling(choice, vocabulary, prompt=[]) as sampler:
        assert 0 <= sampler.sample_row(rows(1)[0]) < BIG


def test_closing_twice_is_no_fault(vocabulary: Vocabulary) -> None:
    sampler = TokenSampler(replace(SEEDED, repeat_penalty=1.2), vocabulary, PROMPT)
    sampler.close()
    sampler.close()
