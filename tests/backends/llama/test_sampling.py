"""Sampling values are refused, not clamped."""

import math

import pytest

from app.backends.llama.sampling import Choice, check_sampling, decide
from app.errors import AppError
from app.protocol import Sampling


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=-0.1),
        Sampling(temperature=math.nan),
        Sampling(temperature=math.inf),
        Sampling(top_k=-1),
        Sampling(top_p=1.01),
        Sampling(min_p=-0.01),
        Sampling(repeat_penalty=0.0),
        Sampling(max_tokens=0),
        Sampling(max_tokens=-5),
        Sampling(stop=("x",) * 33),
        Sampling(stop=("x" * 1025,)),
    ],
)
def test_what_cannot_be_is_refused(sampling: Sampling) -> None:
    with pytest.raises(AppError) as caught:
        check_sampling(sampling)
    assert caught.value.code == "bad_request"


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(temperature=0.0, top_k=0, top_p=1.0, min_p=0.0, repeat_penalty=1.0, seed=-1, max_tokens=1),
        Sampling(temperature=2.0, stop=("a", "b"), seed=2**63),
    ],
)
def test_what_can_be_is_taken(sampling: Sampling) -> None:
    check_sampling(sampling)


def test_what_is_left_open_is_the_files_choice_then_the_default() -> None:
    assert decide(Sampling(), {}) == Choice()
    recommended = {"temperature": 0.2, "top_k": 20.0}
    assert decide(Sampling(seed=4), recommended) == Choice(temperature=0.2, top_k=20, seed=4)
    assert decide(Sampling(temperature=0.0, top_k=0), recommended) == Choice(temperature=0.0, top_k=0)


def test_a_senseless_recommendation_is_left_aside() -> None:
    assert decide(Sampling(), {"temperature": -1.0, "top_p": math.nan, "min_p": math.inf}) == Choice()
