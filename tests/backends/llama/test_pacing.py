"""How much of a prompt rides along: by a simulated engine whose steps cost what was measured on two cores."""

import pytest

from app.backends.llama.pacing import CHUNK_S, LEAST_CHUNK, SHARE, Pace

TOKEN_S, STEP_S = 0.005, 0.019
"""A model of half a billion parameters: a token of a prompt, and a step that writes one token."""


def simulate(seconds: float, writing: int, token_s: float = TOKEN_S, most: int = 2048) -> tuple[float, int, float]:
    """(time used, tokens of prompts read, longest step) while that many answers are written all the time."""
    pace, used, read, longest = Pace(most), 0.0, 0, 0.0
    for _ in range(3):
        pace.observe(0, writing, STEP_S)
    while used < seconds:
        chunk = pace.chunk(writing)
        step = (STEP_S if writing else 0.0) + chunk * token_s
        pace.observe(chunk, writing, step)
        used, read, longest = used + step, read + chunk, max(longest, step)
    return used, read, longest


def test_writers_keep_most_of_their_speed() -> None:
    used, read, _ = simulate(60, 1)
    assert read * TOKEN_S / used == pytest.approx(SHARE, abs=0.03)


def test_drafts_change_nothing_about_the_share() -> None:
    """Steps with drafts in them are no plain steps, and prompts have their share of those as well."""
    pace, used, read = Pace(2048), 0.0, 0
    pace.observe(0, 1, STEP_S)
    while used < 60:
        chunk = pace.chunk(1)
        step = 2 * STEP_S + chunk * TOKEN_S
        pace.observe(chunk, 1, step, 2 * STEP_S)
        used, read = used + step, read + chunk
    assert read * TOKEN_S / used == pytest.approx(SHARE, abs=0.06)
    assert pace.step_s(1) == STEP_S


def test_no_pause_is_longer_than_a_chunk() -> None:
    _, _, longest = simulate(60, 4)
    assert longest <= STEP_S + max(CHUNK_S, 64 * TOKEN_S)


def test_alone_a_prompt_has_all_the_time() -> None:
    used, read, _ = simulate(10, 0)
    assert read * TOKEN_S == pytest.approx(used, rel=0.01)


def test_fast_engines_take_all_that_fits_and_slow_ones_a_few() -> None:
    fast, slow = Pace(2048), Pace(2048)
    fast.observe(64, 0, 64 * 0.00001)
    slow.observe(64, 0, 64 * 0.5)
    assert fast.chunk(0) == fast.chunk(1) == 2048
    assert slow.chunk(0) == slow.chunk(1) == LEAST_CHUNK


def test_the_time_left_is_told_once_something_was_measured() -> None:
    pace = Pace(512)
    assert pace.eta(100, 0) is None
    pace.observe(100, 0, 0.5)
    assert pace.eta(100, 0) == pytest.approx(0.5)
    assert pace.eta(100, 1) == pytest.approx(0.5 / SHARE)


def test_a_prompt_that_begins_does_not_wait_for_credit() -> None:
    pace = Pace(512)
    assert pace.chunk(1) > 0
    pace.observe(64, 1, 0.4)
    assert pace.chunk(1) == 0
    assert pace.chunk(0) > 0
