"""Sampling values are refused by name, not clamped, and decided once."""

import math
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.llama.sampling.params import Choice, check_sampling, decide
from app.errors import AppError
from app.protocol import Sampling


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", 5.1),
        ("temperature", math.nan),
        ("temperature", math.inf),
        ("dynamic_range", -0.1),
        ("dynamic_exponent", 0.0),
        ("top_k", -1),
        ("top_p", 1.01),
        ("top_p", -0.01),
        ("min_p", -0.01),
        ("typical_p", 1.5),
        ("top_n_sigma", -2.0),
        ("xtc_probability", 1.1),
        ("xtc_threshold", -0.5),
        ("repeat_penalty", 0.0),
        ("repeat_last_n", -2),
        ("presence_penalty", 11.0),
        ("frequency_penalty", math.inf),
        ("dry_multiplier", -1.0),
        ("dry_base", math.nan),
        ("dry_allowed_length", -1),
        ("dry_last_n", -2),
        ("dry_breakers", ("x",) * 17),
        ("dry_breakers", ("x" * 41,)),
        ("dry_breakers", ("日" * 14,)),
        ("dry_breakers", ("",)),
        ("dry_breakers", ("a\0b",)),
        ("mirostat", 1),
        ("mirostat", 3),
        ("mirostat_tau", -1.0),
        ("mirostat_eta", 1.5),
        ("logit_bias", {-1: 1.0}),
        ("logit_bias", {1: math.nan}),
        ("logit_bias", {1: math.inf}),
        ("logit_bias", dict.fromkeys(range(4097), 1.0)),
        ("max_tokens", 0),
        ("max_tokens", -5),
        ("min_tokens", -1),
        ("stop", ("x",) * 33),
        ("stop", ("x" * 1025,)),
        ("logprobs", -1),
        ("logprobs", 21),
    ],
)
def test_what_cannot_be_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(AppError) as caught:
        check_sampling(Sampling(**{name: value}))
    assert caught.value.code == "bad_request"
    assert name in caught.value.message


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(temperature=0.0, top_k=0, top_p=1.0, min_p=0.0, repeat_penalty=1.0, seed=-1, max_tokens=1),
        Sampling(temperature=2.0, stop=("a", "b"), seed=2**63),
        Sampling(top_n_sigma=-1.0, repeat_last_n=-1, dry_last_n=-1, dry_breakers=(), mirostat=0, logprobs=0),
        Sampling(mirostat=2, logit_bias={0: -math.inf, 5: 100.0}, logprobs=20, min_tokens=10, ignore_end=True),
    ],
)
def test_what_can_be_is_taken(sampling: Sampling) -> None:
    check_sampling(sampling)


def test_the_defaults_can_be_asked_for() -> None:
    """And each field of a request is decided."""
    usual = {field.name: getattr(Choice(), field.name) for field in fields(Choice)}
    assert set(usual) == set(Sampling.__struct_fields__)
    check_sampling(Sampling(**usual))
    assert decide(Sampling(**usual), {}) == decide(Sampling(), {}) == Choice()


def test_what_is_left_open_is_the_files_choice_then_the_default() -> None:
    recommended = {"temperature": 0.2, "top_k": 20.0, "mirostat": 2.0}
    assert decide(Sampling(seed=4), recommended) == Choice(temperature=0.2, top_k=20, mirostat=2, seed=4)
    asked = Sampling(temperature=0.0, top_k=0, mirostat=0)
    assert decide(asked, recommended) == Choice(temperature=0.0, top_k=0)
    assert isinstance(decide(Sampling(), recommended).top_k, int)


def test_a_senseless_recommendation_is_left_aside() -> None:
    senseless = {"temperature": -1.0, "top_p": math.nan, "min_p": math.inf, "mirostat": 1.0, "unheard_of": 3.0}
    assert decide(Sampling(), senseless) == Choice()


def test_what_only_a_request_can_say_is_carried_over() -> None:
    asked = Sampling(
        logit_bias={3: -1.0}, seed=9, max_tokens=7, min_tokens=2, ignore_end=True, stop=("x",), logprobs=5,
        dry_breakers=("|",),
    )  # fmt: skip
    assert decide(asked, {}) == Choice(
        logit_bias={3: -1.0}, seed=9, max_tokens=7, min_tokens=2, ignore_end=True, stop=("x",), logprobs=5,
        dry_breakers=("|",),
    )  # fmt: skip


@given(value=st.floats(), name=st.sampled_from(["temperature", "top_p", "min_p", "typical_p", "repeat_penalty"]))
def test_a_decision_is_never_one_that_would_be_refused(value: float, name: str) -> None:
    decided = decide(Sampling(), {name: value})
    check_sampling(Sampling(**{name: getattr(decided, name)}))


@pytest.mark.parametrize(
    ("choice", "penalizes", "dries"),
    [
        (Choice(), False, False),
        (Choice(repeat_penalty=1.1), True, False),
        (Choice(presence_penalty=-0.5), True, False),
        (Choice(frequency_penalty=0.5, repeat_last_n=0), False, False),
        (Choice(dry_multiplier=0.8), False, True),
        (Choice(dry_multiplier=0.8, dry_base=0.5), False, False),
        (Choice(dry_multiplier=0.8, dry_last_n=0), False, False),
    ],
)
def test_neutral_values_do_nothing(choice: Choice, penalizes: bool, dries: bool) -> None:
    assert (choice.penalizes, choice.dries) == (penalizes, dries)
