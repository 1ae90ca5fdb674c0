"""Cuts of a row of logits, against the plain ways to find the same."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.llama.sampling.logits import (
    Logits,
    descending,
    leaders,
    log_total,
    nucleus,
    sigma_threshold,
)

SIZES = st.sampled_from([1, 2, 63, 64, 65, 700, 6400, 20_001])


def row(seed: int, size: int, *, ties: bool = False, masked: bool = False) -> Logits:
    """Random logits; with ties there are few different values, masked ones are -inf."""
    random = np.random.default_rng(seed)
    values = random.normal(0, 3, size).astype(np.float32)
    if ties:
        values = np.round(values)
    if masked:
        values[random.random(size) < 0.7] = -np.inf
    return values


@given(seed=st.integers(0, 1000), size=SIZES, count=st.integers(1, 300), ties=st.booleans(), masked=st.booleans())
def test_leaders_hold_the_greatest(seed: int, size: int, count: int, ties: bool, masked: bool) -> None:
    values = row(seed, size, ties=ties, masked=masked)
    found = leaders(values, count)
    assert len(set(found.tolist())) == found.size >= min(count, size)
    least = np.sort(values)[::-1][: min(count, size)][-1]
    assert set(np.flatnonzero(values > least)) <= set(found.tolist())
    assert not np.any(np.delete(values, found) > values[found].min())


def test_leaders_are_few_where_values_differ() -> None:
    assert leaders(row(1, 152_000), 40).size < 60


def test_no_number_leads_nowhere() -> None:
    assert leaders(np.full(10_000, np.nan, dtype=np.float32), 40).size == 0


def test_descending() -> None:
    values = np.array([1.0, 5.0, -np.inf, 3.0], dtype=np.float32)
    assert descending(values, np.array([0, 1, 2, 3])).tolist() == [1, 3, 0, 2]


@given(seed=st.integers(0, 1000), size=SIZES, scale=st.floats(0.2, 3.0))
def test_log_total_is_that_of_exact_numbers(seed: int, size: int, scale: float) -> None:
    values = row(seed, size)
    exact = values.astype(np.float64) / scale
    top = exact.max()
    expected = top + math.log(np.exp(exact - top).sum())
    assert log_total(values, scale) == pytest.approx(expected, abs=2e-6)


def test_log_total_of_large_logits_and_of_none() -> None:
    assert log_total(np.array([5000.0, 5000.0], dtype=np.float32)) == pytest.approx(5000 + math.log(2))
    assert log_total(np.full(4, -np.inf, dtype=np.float32)) == -math.inf
    assert math.isnan(log_total(np.array([1.0, np.nan], dtype=np.float32)))


def test_sigma_leaves_out_what_is_forbidden() -> None:
    values = row(3, 5000)
    masked = np.concatenate((values, np.full(100, -np.inf, dtype=np.float32)))
    expected = values.max() - 1.5 * values.astype(np.float64).std()
    assert sigma_threshold(values, 1.5) == pytest.approx(expected, abs=1e-5)
    assert sigma_threshold(masked, 1.5) == pytest.approx(expected, abs=1e-5)
    assert sigma_threshold(np.full(3, -np.inf, dtype=np.float32), 1.0) == -math.inf


@given(seed=st.integers(0, 1000), size=SIZES, share=st.floats(0.0, 0.9999), spread=st.sampled_from([0.1, 1.0, 3.0]))
def test_a_nucleus_is_the_fewest_that_have_the_share(seed: int, size: int, share: float, spread: float) -> None:
    values = (row(seed, size) * np.float32(spread)).astype(np.float32)
    total = log_total(values)
    found = nucleus(values, None, share, total)
    shares = np.exp(values[found].astype(np.float64) - total)
    assert found.size >= 1
    assert np.all(np.diff(values[found]) <= 0)
    assert shares.sum() >= share - 1e-5
    assert shares[:-1].sum() < share + 1e-5 or found.size == 1
    others = np.delete(values, found)
    assert others.size == 0 or others.max() <= values[found].min()


def test_a_nucleus_among_some_ends_with_them() -> None:
    values = np.array([3.0, 2.0, 1.0, 0.0], dtype=np.float32)
    total = log_total(values)
    assert nucleus(values, np.array([1, 0]), 0.999, total).tolist() == [0, 1]
    assert nucleus(values, np.array([1, 0]), 0.5, total).tolist() == [0]
