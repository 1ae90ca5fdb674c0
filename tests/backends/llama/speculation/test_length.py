"""Draft lengths, on the costs measured on two cores and on a card where more tokens cost next to nothing."""

import random
from statistics import mean

import pytest

from app.backends.llama.speculation.length import DraftLength, StepTimes
from app.backends.llama.speculation.lookup import LookupDrafter
from tests.backends.llama.speculation.simulation import (
    CostOf,
    Guess,
    graphics_card,
    speed_up,
    two_cores,
)

VOCABULARY = 50_000
WRONG = -5


def answer_of(length: int, seed: int) -> list[int]:
    draw = random.Random(seed)
    return [draw.randrange(VOCABULARY) for _ in range(length)]


def changed(answer: list[int], share: float, seed: int) -> list[int]:
    draw = random.Random(seed + 1000)
    return [draw.randrange(VOCABULARY) if draw.random() < share else token for token in answer]


def sometimes_right(answer: list[int], chance: float, seed: int) -> Guess:
    draw = random.Random(seed)
    return Guess(lambda at, most: [token if draw.random() < chance else WRONG for token in answer[at : at + most]])


def test_a_prediction_with_every_twentieth_token_changed_pays() -> None:
    for length, least in ((256, 1.8), (1000, 1.85)):
        answers = [answer_of(length, seed) for seed in range(20)]
        gains = [speed_up(one, LookupDrafter([1], changed(one, 0.05, seed))) for seed, one in enumerate(answers)]
        assert mean(gains) >= least
        assert min(gains) >= 1.5


def test_an_exact_prediction_pays_nearly_all_it_can() -> None:
    answer = answer_of(500, 1)
    assert speed_up(answer, LookupDrafter([1], answer)) >= 0.93 * 16 * two_cores(1) / two_cores(16)


@pytest.mark.parametrize("cost", [two_cores, graphics_card])
@pytest.mark.parametrize("length", [64, 128, 256, 1000, 5000])
def test_drafts_that_are_always_wrong_cost_next_to_nothing(length: int, cost: CostOf) -> None:
    wrong = Guess(lambda _at, most: [WRONG] * most)
    assert speed_up(answer_of(length, 2), wrong, cost) >= 0.97


def test_a_prediction_of_something_else_costs_nothing_either() -> None:
    answer, other = answer_of(256, 3), answer_of(256, 4)
    assert speed_up(answer, LookupDrafter([1], other)) >= 0.98


@pytest.mark.parametrize("chance", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_drafts_that_are_right_now_and_then_never_cost_much(chance: float) -> None:
    gains = []
    for seed in range(10):
        answer = answer_of(400, seed)
        gains.append(speed_up(answer, sometimes_right(answer, chance, seed)))
    assert mean(gains) >= 0.97


def test_where_more_tokens_are_free_even_poor_drafts_pay() -> None:
    answer = answer_of(400, 5)
    assert speed_up(answer, sometimes_right(answer, 0.5, 5), graphics_card) >= 1.6


def test_a_quotation_in_the_middle_is_noticed_and_left_again() -> None:
    quotation, before, after = answer_of(300, 6), answer_of(300, 7), answer_of(300, 8)
    answer = [*before, *quotation, *after]
    alone = speed_up(quotation, LookupDrafter(quotation))
    assert alone > 2
    most_possible = 900 / (600 + 300 / alone)
    assert speed_up(answer, LookupDrafter(quotation)) >= 0.95 * most_possible


def test_drafts_that_become_useless_spend_what_they_saved_at_most() -> None:
    good, bad = answer_of(200, 9), answer_of(2000, 10)
    drafter = Guess(lambda at, most: good[at : at + most] if at < 200 else [WRONG] * most)
    assert speed_up([*good, *bad], drafter) >= 1.0


def test_nothing_is_drafted_before_a_plain_step_was_seen() -> None:
    length = DraftLength()
    assert length.next() == 0
    length.observe(0, 0, 0.02)
    assert length.next() == 1


def test_no_more_is_drafted_than_allowed() -> None:
    length = DraftLength(most=5)
    for _ in range(30):
        drafted = length.next()
        assert drafted <= 5
        length.observe(drafted, drafted, 0.02)
    assert drafted == 5
    assert DraftLength(most=0).next() == 0


def test_tokens_of_others_in_the_step_make_drafts_shorter() -> None:
    """What fills a batch anyway leaves less room for guesses: their cost delays everybody."""
    times = StepTimes()
    for tokens in (1, 2, 4, 8, 16, 32):
        times.observe(tokens, two_cores(tokens))
    alone, crowded = DraftLength(times), DraftLength(times)
    for length in (alone, crowded):
        length.next()
        length.observe(1, 1, two_cores(2))
        for _ in range(20):
            length.foresee(True)
            length.foresee(True)
            length.foresee(False)
    assert alone.next() >= crowded.next(beside=15)


def test_slow_drafting_is_part_of_the_cost() -> None:
    times = StepTimes()
    for tokens in (1, 2, 4, 8, 16):
        times.observe(tokens, 0.020)
    quick, slow = DraftLength(times), DraftLength(times)
    for length, each in ((quick, 0.0005), (slow, 0.03)):
        for _ in range(20):
            drafted = length.next()
            length.observe(drafted, drafted, 0.020, draft_seconds=drafted * each)
    assert quick.next() == 15
    assert slow.next() <= 1


def test_unverified_tokens_teach_as_well() -> None:
    length = DraftLength()
    length.observe(0, 0, 0.02)
    for _ in range(30):
        length.foresee(False)
    assert length.acceptance < 0.15
    for _ in range(30):
        length.foresee(True)
    assert length.acceptance > 0.9


class TestStepTimes:
    def test_nothing_known_is_assumed_by_proportion(self) -> None:
        times = StepTimes()
        assert not times.known
        assert times.expected(1) == 1.0
        assert times.expected(16) > times.expected(4) > 1.0

    def test_between_two_that_are_known(self) -> None:
        times = StepTimes()
        times.observe(4, 0.04)
        times.observe(8, 0.08)
        assert times.expected(4) == 0.04
        assert times.expected(5) == pytest.approx(0.05)

    def test_beyond_what_is_known_it_rises(self) -> None:
        times = StepTimes()
        times.observe(4, 0.04)
        assert times.expected(2) < 0.04 < times.expected(9)

    def test_a_disturbed_step_changes_little(self) -> None:
        times = StepTimes()
        times.observe(1, 0.02)
        times.observe(1, 20.0)
        assert times.expected(1) <= 0.03

    def test_a_lasting_change_is_followed(self) -> None:
        times = StepTimes()
        times.observe(1, 0.02)
        for _ in range(40):
            times.observe(1, 0.05)
        assert times.expected(1) == pytest.approx(0.05, rel=0.01)

    def test_what_is_no_step_is_ignored(self) -> None:
        times = StepTimes()
        times.observe(0, 1.0)
        times.observe(3, 0.0)
        assert not times.known

    def test_keeps_apart_what_steps_take_with_other_threads(self) -> None:
        times = StepTimes()
        times.use(2)
        times.observe(1, 0.02)
        times.use(1)
        assert not times.known
        times.observe(1, 0.03)
        times.use(2)
        assert times.expected(1) == 0.02
