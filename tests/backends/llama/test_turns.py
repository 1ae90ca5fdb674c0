"""Which turns are left out of a prompt that is too long; a turn costs as many cells as its text has characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.llama.turns import Fitter, answer_room, droppable
from app.errors import AppError
from app.protocol import ChatTurn, ContextPolicy, Generate, Role, Sampling

CONTEXT = 400


def conversation(*sizes: int, system: int = 0, policy: ContextPolicy = ContextPolicy.DROP_OLDEST) -> Generate:
    """A question and an answer of each of these sizes, the last one without an answer."""
    turns = [ChatTurn(role=Role.SYSTEM, content="s" * system)] if system else []
    for size in sizes:
        turns += [ChatTurn(role=role, content="x" * size) for role in (Role.USER, Role.ASSISTANT)]
    return Generate(request_id=1, turns=tuple(turns[:-1]), context_policy=policy)


def fit(request: Generate, context: int = CONTEXT) -> tuple[int, tuple[int, ...]]:
    """(cells of the prompt, turns left out)"""

    def build(dropped: frozenset[int]) -> int:
        return sum(len(turn.content) for index, turn in enumerate(request.turns) if index not in dropped)

    return Fitter(context, build, lambda cells: cells).fit(request)


def test_what_fits_is_left_alone() -> None:
    assert fit(conversation(50, 50, 50)) == (250, ())


def test_the_oldest_questions_go_with_their_answers_and_the_system_prompt_stays() -> None:
    cells, dropped = fit(conversation(50, 50, 50, 50, 20, system=30))
    assert dropped[0] == 1
    assert dropped == tuple(range(1, 1 + len(dropped)))
    assert len(dropped) % 2 == 0
    assert cells <= CONTEXT - CONTEXT // 4


def test_the_same_turns_stay_out_for_several_questions() -> None:
    dropped = [fit(conversation(*[20] * count))[1] for count in range(8, 20)]
    assert len(set(dropped)) <= 6
    assert [len(one) for one in dropped] == sorted(len(one) for one in dropped)


def test_stop_refuses_with_the_numbers_and_never_drops() -> None:
    with pytest.raises(AppError) as caught:
        fit(conversation(200, 200, policy=ContextPolicy.STOP))
    assert caught.value.values == {"prompt_tokens": 600, "context_length": CONTEXT}
    assert fit(conversation(130, 130, policy=ContextPolicy.STOP)) == (390, ())


def test_a_last_question_that_is_too_long_alone_is_refused() -> None:
    with pytest.raises(AppError, match="longer than the context"):
        fit(conversation(10, 500))
    with pytest.raises(AppError, match="longer than the context"):
        fit(conversation(500))


def test_what_fits_is_left_alone_where_the_room_is_not_to_be_had() -> None:
    assert fit(conversation(395)) == (395, ())
    assert fit(conversation(20, 350)) == (390, ())


def test_no_more_is_left_out_than_the_room_takes_where_a_quarter_is_not_to_be_had() -> None:
    """The room is there without the first question; a quarter more would not be even without both."""
    assert fit(conversation(30, 15, 260)) == (290, (0, 1))
    assert fit(conversation(30, 15, 260, policy=ContextPolicy.STOP)) == (350, ())


def test_the_room_kept_is_what_the_answer_may_have_but_never_more_than_a_quarter() -> None:
    def room(most: int | None) -> int:
        return answer_room(Generate(request_id=1, turns=(), sampling=Sampling(max_tokens=most)), CONTEXT)

    assert (room(None), room(10), room(1000)) == (100, 10, 100)


def test_results_of_tools_go_with_their_question() -> None:
    roles = (Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT, Role.USER, Role.ASSISTANT, Role.USER)
    stages = droppable([ChatTurn(role=role, content="") for role in roles])
    assert stages == [frozenset({1, 2, 3, 4}), frozenset({1, 2, 3, 4, 5, 6})]


@given(sizes=st.lists(st.integers(1, 120), min_size=1, max_size=25), system=st.integers(0, 60))
def test_it_fits_and_drops_what_it_says(sizes: list[int], system: int) -> None:
    request = conversation(*sizes, system=system)
    cells, dropped = fit(request)
    assert cells < CONTEXT
    assert len(request.turns) - 1 not in dropped
    assert cells == sum(len(turn.content) for index, turn in enumerate(request.turns) if index not in dropped)
