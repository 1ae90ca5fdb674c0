import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import AppError
from app.protocol import ChatTurn, Role, Sampling
from app.server.openai.errors import BadParam
from app.server.openai.request import read

ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def body(**fields: Any) -> bytes:
    return json.dumps(ASKED | fields).encode()


def refused_param(**fields: Any) -> str:
    with pytest.raises(BadParam) as refused:
        read(body(**fields))
    return refused.value.param


def test_the_least_request_means_alcoves_own_sampling() -> None:
    asked = read(body())
    assert asked.model == "m"
    assert asked.turns == (ChatTurn(role=Role.USER, content="hi"),)
    assert asked.sampling == Sampling()
    assert not asked.stream
    assert not asked.thinking
    assert not asked.ignored


def test_every_served_field_arrives() -> None:
    asked = read(
        body(
            temperature=0,
            top_p=0.5,
            top_k=7,
            min_p=0.1,
            repeat_penalty=1.1,
            max_tokens=9,
            stop="END",
            seed=3,
            stream=True,
            stream_options={"include_usage": True},
            reasoning_effort="low",
        )
    )
    assert asked.sampling == Sampling(
        temperature=0, top_p=0.5, top_k=7, min_p=0.1, repeat_penalty=1.1, max_tokens=9, stop=("END",), seed=3
    )
    assert asked.stream
    assert asked.include_usage
    assert asked.thinking


def test_the_newer_limit_wins() -> None:
    assert read(body(max_tokens=5, max_completion_tokens=8)).sampling.max_tokens == 8


@pytest.mark.parametrize(
    "fields",
    [
        {"max_tokens": -1},
        {"max_tokens": 10**30},
        {"stop": []},
        {"tools": []},
        {"stop": None},
        {"n": 1},
        {"logit_bias": {}},
    ],
)
def test_what_asks_for_nothing_is_taken_as_unset(fields: dict[str, Any]) -> None:
    assert read(body(**fields)).sampling == Sampling()


def test_developer_speaks_as_system_and_parts_are_joined() -> None:
    asked = read(
        body(
            messages=[
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
                {"role": "assistant", "content": None},
            ]
        )
    )
    assert asked.turns == (
        ChatTurn(role=Role.SYSTEM, content="Be brief."),
        ChatTurn(role=Role.USER, content="a\nb"),
        ChatTurn(role=Role.ASSISTANT, content=""),
    )


@pytest.mark.parametrize(
    ("param", "fields"),
    [
        ("n", {"n": 2}),
        ("tools", {"tools": [{"type": "function"}]}),
        ("response_format", {"response_format": {"type": "json_object"}}),
        ("presence_penalty", {"presence_penalty": 0.5}),
        ("logprobs", {"logprobs": True}),
        ("temperature", {"temperature": 2.5}),
        ("temperature", {"temperature": "hot"}),
        ("seed", {"seed": True}),
        ("top_p", {"top_p": -0.1}),
        ("max_tokens", {"max_tokens": 0}),
        ("stop", {"stop": [""]}),
        ("stop", {"stop": ["x"] * 17}),
        ("messages", {"messages": []}),
        ("messages[0].role", {"messages": [{"role": "robot", "content": "x"}]}),
        ("messages[0].content", {"messages": [{"role": "user"}]}),
        ("messages[0].tool_calls", {"messages": [{"role": "assistant", "tool_calls": [{}]}]}),
        ("messages[1].content[0]", {"messages": [
            {"role": "user", "content": "x"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]},
        ]}),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_refused_by_name(param: str, fields: dict[str, Any]) -> None:
    assert refused_param(**fields) == param


@pytest.mark.parametrize("missing", ["model", "messages"])
def test_a_missing_field_is_named(missing: str) -> None:
    asked = {name: value for name, value in ASKED.items() if name != missing}
    with pytest.raises(BadParam) as refused:
        read(json.dumps(asked).encode())
    assert refused.value.param == missing


def test_unknown_fields_are_told_back() -> None:
    assert read(body(zeta=1, user="u", alpha=[])).ignored == ("alpha", "user", "zeta")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'"x"', b"\xff", b"NaN", b"[" * 100_000])
def test_what_is_no_json_object_is_a_bad_request(text: bytes) -> None:
    with pytest.raises(AppError) as refused:
        read(text)
    assert refused.value.code == "bad_request"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["messages", "model", "temperature", "top_p", "seed", "stop", "stream", "n", "max_tokens"])


@given(st.dictionaries(NAMES, JSON, max_size=4))
def test_nothing_but_app_errors_comes_of_odd_requests(fields: dict[str, Any]) -> None:
    with contextlib.suppress(BadParam):
        read(json.dumps(ASKED | fields).encode())
