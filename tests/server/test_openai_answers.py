"""What the port makes of an answer's parts: calls of tools, log-probabilities, figures, errors, whole and in pieces."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from app.errors import AppError
from app.protocol import (
    Delta,
    DeltaKind,
    Finished,
    FinishReason,
    PortRequest,
    Prefill,
    Priority,
    Queued,
    TokenLogprob,
    TurnsDropped,
)
from tests.processes import PATIENCE_S
from tests.server.scripted import Act, Part, Server, calls, says, stats

ASKED: dict[str, Any] = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}]}
TOOLS = [{"type": "function", "function": {"name": "get_time"}}]


@pytest.fixture
async def port(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    state = await server.services.port.open(PortRequest(port=0), "test")
    address = f"http://127.0.0.1:{state.port}/v1"
    async with httpx.AsyncClient(base_url=address, timeout=PATIENCE_S, trust_env=False) as http:
        yield http
    await server.services.port.close()


async def whole(port: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await port.post("/chat/completions", json=ASKED | fields)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    ChatCompletion.model_validate(answer)
    return answer


async def pieces(port: httpx.AsyncClient, **fields: Any) -> list[dict[str, Any]]:
    response = await port.post("/chat/completions", json=ASKED | {"stream": True} | fields)
    assert response.status_code == 200, response.text
    *events, end = [block.removeprefix("data: ") for block in response.text.split("\n\n") if block.startswith("data: ")]
    assert end == "[DONE]"
    chunks = [json.loads(event) for event in events]
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk)
    return chunks


def words(*texts: str, kind: DeltaKind = DeltaKind.TEXT) -> Act:
    """An answer of these tokens with their log-probabilities; the second alternative is impossible."""
    parts = [
        Delta(
            request_id=0,
            text=text,
            kind=kind,
            logprobs=(
                TokenLogprob(
                    token=index,
                    text=text,
                    raw=text.encode(),
                    logprob=-0.5,
                    top=(
                        TokenLogprob(token=index, text=text, raw=text.encode(), logprob=-0.5),
                        TokenLogprob(token=9, text="", raw=b"\xe9", logprob=float("-inf")),
                    ),
                ),
            ),
        )
        for index, text in enumerate(texts)
    ]
    return [*parts, Finished(request_id=0, stats=stats())]


async def test_calls_of_tools_are_told_whole(server: Server, port: httpx.AsyncClient) -> None:
    server.script.acts = [calls(("get_time", '{"zone": "UTC"}'), ("get_time", "{}"))]
    (choice,) = (await whole(port, tools=TOOLS))["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"] == [
        {"id": "c0", "type": "function", "function": {"name": "get_time", "arguments": '{"zone": "UTC"}'}},
        {"id": "c1", "type": "function", "function": {"name": "get_time", "arguments": "{}"}},
    ]


async def test_calls_of_tools_are_streamed_in_pieces(server: Server, port: httpx.AsyncClient) -> None:
    server.script.acts = [calls(("get_time", '{"zone": "UTC"}'), text="I look.")]
    chunks = await pieces(port, tools=TOOLS)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content") or "" for delta in deltas) == "I look."
    first, second = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert (first["index"], first["id"], first["type"], first["function"]["name"]) == (0, "c0", "function", "get_time")
    assert set(second) == {"index", "function"}
    assert set(second["function"]) == {"arguments"}
    assert first["function"]["arguments"] + second["function"]["arguments"] == '{"zone": "UTC"}'
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


async def test_log_probabilities_come_with_their_bytes(server: Server, port: httpx.AsyncClient) -> None:
    server.script.acts = [words("Hé", "llo"), words("Hé", "llo")]
    (choice,) = (await whole(port, logprobs=True, top_logprobs=2))["choices"]
    first, second = choice["logprobs"]["content"]
    assert (first["token"], first["logprob"], bytes(first["bytes"])) == ("Hé", -0.5, "Hé".encode())
    assert [(top["logprob"], top["bytes"]) for top in second["top_logprobs"]] == [(-0.5, [*b"llo"]), (-9999.0, [0xE9])]
    streamed = [
        each["token"]
        for chunk in await pieces(port, logprobs=True, top_logprobs=2)
        for each in (chunk["choices"][0]["logprobs"] or {"content": []})["content"]
    ]
    assert streamed == ["Hé", "llo"]
    assert [request.sampling.logprobs for request in server.script.asked] == [2, 2]


async def test_thoughts_have_no_log_probabilities(server: Server, port: httpx.AsyncClient) -> None:
    server.script.acts = [words("hm", kind=DeltaKind.THINKING)]
    (choice,) = (await whole(port, logprobs=True))["choices"]
    assert choice["logprobs"] is None
    assert choice["message"]["reasoning_content"] == "hm"


async def test_what_was_not_computed_again_is_told(server: Server, port: httpx.AsyncClient) -> None:
    usage = (await whole(port))["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == 6
    assert usage["completion_tokens_details"]["accepted_prediction_tokens"] == 0


async def test_accepted_drafts_are_told_where_a_text_was_predicted(server: Server, port: httpx.AsyncClient) -> None:
    drafted = Finished(
        request_id=0,
        stats=replace(stats(), drafted_tokens=8, accepted_tokens=6),
    )
    server.script.acts = [[drafted], [drafted]]
    prediction = {"type": "content", "content": "old"}
    details = (await whole(port, prediction=prediction))["usage"]["completion_tokens_details"]
    assert (details["accepted_prediction_tokens"], details["rejected_prediction_tokens"]) == (6, 2)
    details = (await whole(port))["usage"]["completion_tokens_details"]
    assert (details["accepted_prediction_tokens"], details["rejected_prediction_tokens"]) == (0, 0)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (FinishReason.STOP, "stop"),
        (FinishReason.LENGTH, "length"),
        (FinishReason.CONTEXT_FULL, "length"),
        (FinishReason.REPETITION, "stop"),
    ],
)
async def test_why_it_ended(server: Server, port: httpx.AsyncClient, reason: FinishReason, told: str) -> None:
    server.script.acts = [says("So.", reason), says("So.", reason)]
    assert (await whole(port))["choices"][0]["finish_reason"] == told
    assert (await pieces(port))[-1]["choices"][0]["finish_reason"] == told


async def test_a_request_that_waits_can_still_be_refused_with_a_status(server: Server, port: httpx.AsyncClient) -> None:
    waiting: list[Part] = [Queued(request_id=0, position=1), TurnsDropped(request_id=0, turns=())]
    server.script.acts = [[*waiting, AppError("prompt_too_long", prompt_tokens=9, context_length=8)]]
    response = await port.post("/chat/completions", json=ASKED | {"stream": True})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "context_length_exceeded")


async def test_waiting_and_reading_are_not_told_as_text(server: Server, port: httpx.AsyncClient) -> None:
    waiting: list[Part] = [Queued(request_id=0, position=1), Prefill(request_id=0, done=1, total=2)]
    server.script.acts = [[*waiting, *says("So.")]]
    deltas = [chunk["choices"][0]["delta"] for chunk in await pieces(port)]
    assert [delta.get("content") for delta in deltas] == ["", "So.", None]


async def test_other_programs_come_after_the_window(server: Server, port: httpx.AsyncClient) -> None:
    await whole(port)
    await whole(port)
    assert [request.priority for request in server.script.asked] == [Priority.PORT] * 2
    assert len({request.request_id for request in server.script.asked}) == 2
