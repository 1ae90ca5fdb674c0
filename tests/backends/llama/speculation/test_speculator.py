"""Speculation of one answer, by several drafters."""

from app.backends.llama.speculation.length import DraftLength
from app.backends.llama.speculation.lookup import LookupDrafter
from app.backends.llama.speculation.speculator import Speculator
from tests.backends.llama.speculation.simulation import Guess

STEP = 0.02


def ready() -> DraftLength:
    """A length that drafts at once, since it knows steps that cost the same however long they are."""
    length = DraftLength()
    for drafted in (0, 1, 3, 7, 15):
        length.next()
        length.observe(drafted, drafted, STEP)
    return length


def test_the_first_drafter_that_knows_something_is_verified() -> None:
    silent, talkative = Guess(lambda _at, _most: []), Guess(lambda _at, most: [7] * most)
    speculator = Speculator([(silent, ready()), (talkative, ready())])
    assert set(speculator.draft(room=8)) == {7}
    assert silent.asked == 1


def test_later_drafters_are_spared_when_an_earlier_one_drafts() -> None:
    first, second = Guess(lambda _at, most: [1] * most), Guess(lambda _at, most: [2] * most)
    speculator = Speculator([(first, ready()), (second, ready())])
    assert set(speculator.draft(room=4)) == {1}
    assert second.asked == 0


def test_there_is_never_more_than_room() -> None:
    speculator = Speculator([(Guess(lambda _at, most: [1] * most), ready())])
    assert len(speculator.draft(room=2)) == 2
    assert speculator.draft(room=0) == []


def test_what_was_drafted_and_accepted_is_counted() -> None:
    speculator = Speculator([(Guess(lambda at, most: list(range(at, at + most))), ready())])
    draft = speculator.draft(room=4)
    assert draft == [0, 1, 2, 3]
    speculator.observe([0, 1, 99], STEP)
    assert (speculator.drafted_tokens, speculator.accepted_tokens) == (4, 2)
    assert speculator.draft(room=2) == [3, 4]
    speculator.observe([3, 4, 5], STEP)
    assert (speculator.drafted_tokens, speculator.accepted_tokens) == (6, 4)


def test_an_answer_that_ends_inside_a_draft_had_its_last_token_right() -> None:
    speculator = Speculator([(Guess(lambda at, most: list(range(at, at + most))), ready())])
    speculator.draft(room=4)
    speculator.observe([0, 1], STEP)
    assert speculator.accepted_tokens == 2


def test_a_free_drafter_learns_while_it_is_off() -> None:
    """Its length sees nothing but failures; then the text repeats itself, and it drafts again without a trial step."""
    length, text = DraftLength(), list(range(100, 160))
    length.observe(0, 0, STEP)
    for _ in range(40):
        length.foresee(False)
    speculator = Speculator([(LookupDrafter([*text, 1]), length)])
    drafted = []
    for token in text[:30]:
        drafted.append(len(speculator.draft(room=8)))
        if drafted[-1]:
            break
        speculator.observe([token], STEP)
    assert drafted[0] == 0
    assert drafted[-1] > 0


def test_closing_closes_the_drafters() -> None:
    drafter = Guess(lambda _at, _most: [])
    Speculator([(drafter, DraftLength())]).close()
    assert drafter.closed
