"""Branches as prompts, and options as requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import AppError
from app.protocol import ImagePart, Message, Options, Role, Sampling, ToolCall
from app.server.prompts import NOT_RUN, Prompt, Wish, check_numbers, image_ids, merged, prompt_of, request_of


def message(number: int, role: Role, text: str = "", **fields: object) -> Message:
    return Message(id=number, conversation_id=1, role=role, text=text, created=0.0, **fields)  # type: ignore[arg-type]


CALLING = message(2, Role.ASSISTANT, tool_calls=(ToolCall(id="a", name="one"), ToolCall(id="b", name="two")))


def roles_of(prompt: Prompt) -> list[tuple[Role, str]]:
    return [(turn.role, turn.content) for turn in prompt.turns]


def test_what_says_nothing_is_left_out() -> None:
    branch = [message(1, Role.USER, "Why?"), message(2, Role.ASSISTANT), message(3, Role.USER, "Well?")]
    prompt = prompt_of("Be brief.", branch, {})
    assert roles_of(prompt) == [(Role.SYSTEM, "Be brief."), (Role.USER, "Why?"), (Role.USER, "Well?")]
    assert prompt.sources == (None, 1, 3)
    assert prompt_of("", branch[:2], {}, with_last=True).sources == (1, 2)


def test_an_empty_result_is_a_result() -> None:
    branch = [message(1, Role.USER, "?"), CALLING, *(message(n, Role.TOOL, "", tool_call_id=i) for n, i in ((3, "a"),))]
    assert roles_of(prompt_of("", branch, {}))[2:] == [(Role.TOOL, NOT_RUN), (Role.TOOL, "")]


def test_every_call_has_a_result_and_every_result_its_tool() -> None:
    branch = [
        message(1, Role.USER, "?"),
        CALLING,
        message(3, Role.TOOL, "2", tool_call_id="b"),
        message(4, Role.USER, "!"),
    ]
    prompt = prompt_of("", branch, {})
    results = [(turn.tool_call_id, turn.name, turn.content) for turn in prompt.turns if turn.role is Role.TOOL]
    assert sorted(results) == [("a", "one", NOT_RUN), ("b", "two", "2")]
    assert prompt.sources == (1, 2, None, 3, 4)


def test_the_same_call_id_twice_means_the_nearer_tool() -> None:
    again = message(4, Role.ASSISTANT, tool_calls=(ToolCall(id="a", name="other"),))
    first = [message(3, Role.TOOL, "1", tool_call_id="a"), message(9, Role.TOOL, "1", tool_call_id="b")]
    prompt = prompt_of("", [CALLING, *first, again, message(5, Role.TOOL, "2", tool_call_id="a")], {})
    assert [turn.name for turn in prompt.turns if turn.role is Role.TOOL] == ["one", "two", "other"]


def test_pictures_are_given_with_their_message() -> None:
    branch = [message(1, Role.USER, images=("x", "y"))]
    assert image_ids(branch) == {"x", "y"}
    assert prompt_of("", branch, {"x": b"1", "y": b"2"}).turns[0].images == (ImagePart(data=b"1"), ImagePart(data=b"2"))


@pytest.mark.parametrize(("dropped", "first"), [((), None), ((1,), 2), ((1, 2), 3), ((1, 2, 3), None)])
def test_the_first_message_that_is_read(dropped: tuple[int, ...], first: int | None) -> None:
    branch = [message(1, Role.USER, "a"), message(2, Role.ASSISTANT, "b"), message(3, Role.USER, "c")]
    assert prompt_of("System", branch, {}).first_kept(dropped) == first


def test_fields_that_are_given_go_before() -> None:
    base = Sampling(temperature=0.5, top_k=3, stop=("a",), min_tokens=2)
    over = Sampling(temperature=0, stop=("b",), ignore_end=True)
    assert merged(base, over) == Sampling(temperature=0, top_k=3, stop=("b",), min_tokens=2, ignore_end=True)
    assert merged(base, Sampling()) == base


@given(st.sampled_from(["top_k", "seed", "max_tokens", "min_tokens", "logprobs"]), st.integers())
def test_numbers_fit_into_the_frame_or_are_named(field: str, value: int) -> None:
    sampling = Sampling(**{field: value})  # type: ignore[arg-type]
    if -(2**63) <= value < 2**63:
        check_numbers(sampling)
    else:
        with pytest.raises(AppError, match=field):
            check_numbers(sampling)


@pytest.mark.parametrize("token", [-1, 2**63])
def test_a_bias_for_a_token_that_cannot_be_is_refused(token: int) -> None:
    options = Options(sampling=Sampling(logit_bias={token: 1.0}))
    with pytest.raises(AppError) as refused:
        request_of(1, Prompt((), ()), options, Wish(), ())
    assert "logit_bias" in str(refused.value.values["reason"])
