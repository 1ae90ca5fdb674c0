import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import AppError
from app.protocol import (
    ChatTurn,
    ContextPolicy,
    FormatKind,
    OutputFormat,
    Priority,
    Role,
    Sampling,
    ToolCall,
    ToolChoice,
    ToolSpec,
)
from app.server.openai.errors import BadParam
from app.server.openai.request import read

ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def body(**fields: Any) -> bytes:
    return json.dumps(ASKED | fields).encode()


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


def called(call_id: str, name: str, arguments: str = "{}") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def refused_param(**fields: Any) -> str:
    with pytest.raises(BadParam) as refused:
        read(body(**fields))
    return refused.value.param


def test_the_least_request_means_alcoves_own_sampling() -> None:
    asked = read(body())
    assert asked.model == "m"
    assert asked.generate.turns == (ChatTurn(role=Role.USER, content="hi"),)
    assert asked.generate.sampling == Sampling()
    assert not asked.stream
    assert not asked.generate.thinking
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
    assert asked.generate.sampling == Sampling(
        temperature=0, top_p=0.5, top_k=7, min_p=0.1, repeat_penalty=1.1, max_tokens=9, stop=("END",), seed=3
    )
    assert asked.stream
    assert asked.include_usage
    assert asked.generate.thinking


def test_penalties_biases_and_logprobs_arrive() -> None:
    asked = read(
        body(
            presence_penalty=0.5,
            frequency_penalty=-1,
            logit_bias={"5": 1.5, "6": -100},
            logprobs=True,
            top_logprobs=3,
        )
    )
    assert asked.generate.sampling == Sampling(
        presence_penalty=0.5, frequency_penalty=-1, logit_bias={5: 1.5, 6: -math.inf}, logprobs=3
    )
    assert read(body(logprobs=True)).generate.sampling.logprobs == 0
    assert read(body(logprobs=False)).generate.sampling.logprobs is None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, OutputFormat()),
        ({"type": "text"}, OutputFormat()),
        ({"type": "json_object"}, OutputFormat(kind=FormatKind.JSON)),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": {"type": "object"}}},
            OutputFormat(kind=FormatKind.JSON_SCHEMA, source='{"type":"object"}'),
        ),
    ],
)
def test_the_output_format_arrives(asked: object, expected: OutputFormat) -> None:
    assert read(body(response_format=asked)).generate.format == expected


def test_tools_and_the_choice_among_them_arrive() -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = [tool("get_weather", description="Weather", parameters=parameters, strict=True), tool("get_time")]
    generate = read(body(tools=tools)).generate
    assert generate.tools == (
        ToolSpec(name="get_weather", description="Weather", parameters=parameters),
        ToolSpec(name="get_time"),
    )
    assert (generate.tool_choice, generate.tool_name, generate.parallel_tool_calls) == (ToolChoice.AUTO, "", True)
    named = {"type": "function", "function": {"name": "get_time"}}
    generate = read(body(tools=tools, tool_choice=named, parallel_tool_calls=False)).generate
    assert (generate.tool_choice, generate.tool_name) == (ToolChoice.REQUIRED, "get_time")
    assert not generate.parallel_tool_calls
    assert read(body(tools=tools, tool_choice="none")).generate.tool_choice is ToolChoice.NONE
    assert read(body(tools=tools, tool_choice="required")).generate.tool_choice is ToolChoice.REQUIRED


def test_calls_and_their_results_become_turns() -> None:
    turns = read(
        body(
            messages=[
                {"role": "user", "content": "What time is it?"},
                {"role": "assistant", "content": None, "reasoning_content": "A clock!", "tool_calls": [
                    called("c1", "get_time", '{"zone": "UTC"}'),
                ]},
                {"role": "tool", "tool_call_id": "c1", "content": "noon"},
            ]
        )
    ).generate.turns  # fmt: skip
    assert turns[1:] == (
        ChatTurn(
            role=Role.ASSISTANT,
            content="",
            thinking="A clock!",
            tool_calls=(ToolCall(id="c1", name="get_time", arguments='{"zone": "UTC"}'),),
        ),
        ChatTurn(role=Role.TOOL, content="noon", tool_call_id="c1", name="get_time"),
    )


def test_other_programs_come_after_the_window_and_their_prompts_are_never_shortened() -> None:
    generate = read(body()).generate
    assert generate.priority is Priority.PORT
    assert generate.context_policy is ContextPolicy.STOP
    assert not generate.stop_repetition
    assert generate.keep_as == ""


@pytest.mark.parametrize("content", ["old text", [{"type": "text", "text": "old text"}]])
def test_a_prediction_arrives(content: object) -> None:
    assert read(body(prediction={"type": "content", "content": content})).generate.prediction == "old text"


def test_the_newer_limit_wins() -> None:
    assert read(body(max_tokens=5, max_completion_tokens=8)).generate.sampling.max_tokens == 8


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
    assert read(body(**fields)).generate.sampling == Sampling()


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
    assert asked.generate.turns == (
        ChatTurn(role=Role.SYSTEM, content="Be brief."),
        ChatTurn(role=Role.USER, content="a\nb"),
        ChatTurn(role=Role.ASSISTANT, content=""),
    )


@pytest.mark.parametrize(
    ("param", "fields"),
    [
        ("n", {"n": 2}),
        ("temperature", {"temperature": 2.5}),
        ("temperature", {"temperature": "hot"}),
        ("seed", {"seed": True}),
        ("presence_penalty", {"presence_penalty": 2.5}),
        ("frequency_penalty", {"frequency_penalty": -3}),
        ("top_logprobs", {"logprobs": True, "top_logprobs": 21}),
        ("top_logprobs", {"top_logprobs": 2}),
        ("logit_bias", {"logit_bias": {"5": 101}}),
        ("logit_bias", {"logit_bias": {"-5": 1}}),
        ("logit_bias", {"logit_bias": {"a": 1}}),
        ("response_format.type", {"response_format": {"type": "xml"}}),
        ("response_format.json_schema", {"response_format": {"type": "json_schema"}}),
        ("response_format.json_schema", {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}),
        ("tools[0].type", {"tools": [{"type": "web"}]}),
        ("tools[0].function.name", {"tools": [tool("has space")]}),
        ("tools", {"tools": [tool("a"), tool("a")]}),
        ("tools", {"tools": [tool(f"t{number}") for number in range(129)]}),
        ("tool_choice", {"tool_choice": "required"}),
        ("tool_choice", {"tools": [tool("a")], "tool_choice": {"type": "function", "function": {"name": "b"}}}),
        ("prediction.type", {"prediction": {"type": "guess"}}),
        ("prediction.content[0]", {"prediction": {"type": "content", "content": [{"type": "image_url"}]}}),
        ("functions", {"functions": [{"name": "a"}]}),
        ("audio", {"audio": {}}),
        ("messages[0].tool_call_id", {"messages": [{"role": "tool", "content": "x"}]}),
        ("messages[0].tool_calls", {"messages": [{"role": "user", "content": "x", "tool_calls": [called("1", "a")]}]}),
        ("messages[0].tool_calls[0].function.arguments", {"messages": [
            {"role": "assistant", "tool_calls": [called("1", "a", "[1]")]},
        ]}),
        ("messages[0].tool_calls[0].type", {"messages": [
            {"role": "assistant", "tool_calls": [called("1", "a") | {"type": "custom"}]},
        ]}),
        ("top_p", {"top_p": -0.1}),
        ("max_tokens", {"max_tokens": 0}),
        ("stop", {"stop": [""]}),
        ("stop", {"stop": ["x"] * 17}),
        ("messages", {"messages": []}),
        ("messages[0].role", {"messages": [{"role": "robot", "content": "x"}]}),
        ("messages[0].content", {"messages": [{"role": "user"}]}),
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
NAMES = st.sampled_from(["messages", "model", "temperature", "top_p", "seed", "stop", "stream", "n", "max_tokens",
                         "tools", "tool_choice", "response_format", "logit_bias", "prediction"])  # fmt: skip


@given(st.dictionaries(NAMES, JSON, max_size=4))
def test_nothing_but_app_errors_comes_of_odd_requests(fields: dict[str, Any]) -> None:
    with contextlib.suppress(BadParam):
        read(json.dumps(ASKED | fields).encode())
