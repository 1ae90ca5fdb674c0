"""Sampled answers have the same distribution with speculation as without: many seeds, compared by chi-square."""

import math
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.backends.llama.requests import Answer
from app.backends.llama.sampling.logits import context_row
from app.backends.llama.sampling.sampler import TokenSampler
from app.backends.llama.speculation.length import DraftLength
from app.backends.llama.speculation.lookup import LookupDrafter
from app.protocol import Finished, Sampling
from tests.backends.llama.conftest import Open
from tests.backends.llama.running import Running
from tests.gguf import TinyModel, write_tiny_model

ANSWERS = 2000
"""Of each kind. Enough to see a bias of a few hundredths."""
TOKENS = 4
PROMPT = "abc"
RARE = 8
"""Fewer of both kinds together are counted as one."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights that leave a choice between a few tokens."""
    return write_tiny_model(tmp_path_factory.mktemp("distribution") / "model.gguf", TinyModel(seed=7, temperature=0.5))


def sampling(seed: int) -> Sampling:
    return Sampling(temperature=0.8, top_k=5, min_p=0.0, top_p=0.95, seed=seed, max_tokens=TOKENS, ignore_end=True)


class Sampled:
    """Answers of a model, by their tokens, and how many drafted tokens were right."""

    def __init__(self, running: Running, seeds: Sequence[int], guess: Sequence[int] = ()) -> None:
        """One answer for each seed; with a guess, drafts are taken from it."""
        answers = [self._ask(running, seed, guess) for seed in seeds]
        running.ear.events.clear()
        running.run()
        self.tokens = [tuple(answer.run.tokens[answer.prompt_length :].tolist()) for answer in answers]
        stats = [event.stats for event in running.ear.events if isinstance(event, Finished)]
        self.drafted = sum(one.drafted_tokens for one in stats)
        self.right = sum(one.accepted_tokens for one in stats)

    def _ask(self, running: Running, seed: int, guess: Sequence[int]) -> Answer:
        request = running.request(sampling=sampling(seed), prompt=PROMPT, speculate=bool(guess))
        answer, _ = running.answering.prepare(request, time.perf_counter())
        if answer.lookup is not None:
            answer.lookup = LookupDrafter(answer.run.tokens.tolist(), guess), answer.lookup[1]
        running.answering.scheduler.add(answer)
        return answer


def likely(running: Running) -> tuple[int, ...]:
    """What comes most often: drafts taken from it are right now and then."""
    [(tokens, _)] = Counter(Sampled(running, range(5000, 5200)).tokens).most_common(1)
    return tokens


def strangeness(one: Sequence[object], other: Sequence[object]) -> float:
    """The chi-square statistic of two samples, as a multiple of what one in 2,000 pairs of the same source exceeds."""
    left, right = Counter(one), Counter(other)
    common = [key for key in left | right if left[key] + right[key] >= RARE]
    rows = [(left[key], right[key]) for key in common]
    rest = len(one) - sum(a for a, _ in rows), len(other) - sum(b for _, b in rows)
    rows += [rest] if sum(rest) >= RARE else []
    statistic = sum((a - b) ** 2 / (a + b) for a, b in rows)  # the samples are of one size
    degrees = max(1, len(rows) - 1)
    critical = degrees * (1 - 2 / (9 * degrees) + 3.29 * math.sqrt(2 / (9 * degrees))) ** 3  # Wilson and Hilferty
    return statistic / critical


def worst(one: Sequence[tuple[int, ...]], other: Sequence[tuple[int, ...]]) -> float:
    """Over each of the tokens, and each with the one before it."""
    views = [slice(index, index + 1) for index in range(TOKENS)] + [slice(at, at + 2) for at in range(TOKENS - 1)]
    return max(strangeness([row[view] for row in one], [row[view] for row in other]) for view in views)


@pytest.fixture
def running(open_model: Open, path: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    """Drafts three tokens in every step, whether that pays or not."""
    monkeypatch.setattr(DraftLength, "next", lambda _self, _beside=0: 3)
    return open_model(path, slots=8)


def test_sampled_answers_have_the_models_own_distribution(running: Running) -> None:
    plain = Sampled(running, range(ANSWERS))
    drafted = Sampled(running, range(ANSWERS, 2 * ANSWERS), likely(running))
    assert len(set(plain.tokens)) > 50, "there was a choice"
    assert plain.drafted == 0
    assert 0.05 < drafted.right / drafted.drafted < 0.95, "drafts were right and wrong"
    assert worst(plain.tokens, drafted.tokens) < 1


def test_of_one_seed_it_is_the_very_same_answer(running: Running) -> None:
    """But for logits that a step of more tokens rounds otherwise, which seldom decides."""
    drafted, plain = Sampled(running, range(200), likely(running)), Sampled(running, range(200))
    assert drafted.right > 20
    assert sum(one == other for one, other in zip(drafted.tokens, plain.tokens, strict=True)) >= 190


def test_a_bias_would_be_seen(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were drafts verified greedily, as of an answer at temperature 0."""
    guess = likely(running)
    plain = Sampled(running, range(ANSWERS))

    def likeliest(sampler: TokenSampler, context: Any, row: int) -> int:
        return int(np.argmax(context_row(context, row, sampler.vocabulary_size)))

    monkeypatch.setattr(TokenSampler, "sample", likeliest)
    assert worst(plain.tokens, Sampled(running, range(ANSWERS, 2 * ANSWERS), guess).tokens) > 2


def test_two_samples_of_one_source_are_not_strange() -> None:
    draws = np.random.default_rng(1).choice(6, size=(2, 40, ANSWERS), p=[0.4, 0.3, 0.15, 0.1, 0.04, 0.01])
    found = [strangeness(one.tolist(), other.tolist()) for one, other in zip(draws[0], draws[1], strict=True)]
    assert max(found) < 1
    assert sorted(found)[20] > 0.1, "the bound is not out of reach"
