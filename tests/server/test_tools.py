"""The built-in tools: what they answer, who may run them, and how an answer goes on after them."""

import asyncio
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from app.protocol import (
    AnswerFinished,
    AnswerSnapshot,
    AnswerToolCall,
    Conversation,
    FinishReason,
    Message,
    MessagePage,
    MessageState,
    Options,
    Role,
    Started,
    ToolCall,
    ToolSpec,
)
from app.server.exchanges import MOST_ROUNDS
from app.server.prompts import NOT_RUN
from app.server.shelf import Shelf
from app.server.tools import LONGEST, Tools
from tests.server.scripted import Server, calls, says, until

ALL = ("get_time", "get_hardware", "list_models", "calculate")


@pytest.fixture
def tools(server: Server) -> Tools:
    return server.services.tools


async def result(tools: Tools, name: str, arguments: str = "{}") -> Any:
    """What one call brings, decoded."""
    ((call_id, text),) = await tools.results((ToolCall(id="c", name=name, arguments=arguments),), lambda _call: True)
    assert call_id == "c"
    return json.loads(text)


async def begun(server: Server, *allowed: str) -> Conversation:
    options = Options(tools=ALL, allowed_tools=allowed)
    made: Conversation = await server.ask_for("POST", "/api/conversations", Conversation, {"options": options})
    return made


async def ask(server: Server, conversation: Conversation) -> Started:
    path = f"/api/conversations/{conversation.id}/messages"
    started: Started = await server.ask_for("POST", path, Started, {"text": "What time is it?"})
    return started


async def shown(server: Server, conversation: Conversation) -> list[Message]:
    """The shown branch, once nothing is written there any more."""
    await until(lambda: len(server.services.answers) == 0)
    path = f"/api/conversations/{conversation.id}/messages"
    page: MessagePage = await server.ask_for("GET", path, MessagePage)
    return page.messages


async def consent(server: Server, message_id: int, *allowed: str) -> Started:
    path = f"/api/messages/{message_id}/tools"
    started: Started = await server.ask_for("POST", path, Started, {"allowed": allowed})
    return started


# ---------------------------------------------------------------- what they answer


async def test_the_tools_are_listed(server: Server) -> None:
    specs = await server.ask_for("GET", "/api/tools", list[ToolSpec])
    assert tuple(spec.name for spec in specs) == ALL
    for spec in specs:
        assert spec.description
        assert spec.parameters["type"] == "object"


async def test_the_time_is_a_date_and_a_clock(tools: Tools) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", (await result(tools, "get_time"))["time"])


async def test_the_machine_is_described_as_the_starter_knows_it(tools: Tools) -> None:
    machine = await result(tools, "get_hardware")
    assert list(machine) == ["gpu", "vram_gib", "ram_gib"]
    assert machine["ram_gib"] >= 1


async def test_a_machine_without_a_card_has_no_number_for_its_memory(
    tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def machine(_shelf: Shelf) -> SimpleNamespace:
        return SimpleNamespace(devices=(), ram_total=32 * 1024**3)

    monkeypatch.setattr(Shelf, "machine", machine)
    assert await result(tools, "get_hardware") == {"gpu": "none", "vram_gib": None, "ram_gib": 32}


async def test_the_models_are_named_by_their_ids(tools: Tools) -> None:
    assert "tiny" in (await result(tools, "list_models"))["models"]


async def test_arithmetic_is_worked_out(tools: Tools) -> None:
    assert await result(tools, "calculate", '{"expression": "2 * (3 + 4)"}') == {"result": 14}


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("get_weather", "{}", "there is no tool called 'get_weather'"),
        ("calculate", "{}", "expression is a text"),
        ("calculate", '{"expression": 5}', "expression is a text"),
        ("calculate", '{"expression": "1 / 0"}', "division by zero"),
        ("calculate", "2 + 2", "no JSON object"),
        ("get_time", "[1]", "no JSON object"),
        ("get_time", "[" * 100_000, "no JSON object"),
    ],
)
async def test_what_cannot_be_done_is_said_to_the_model(tools: Tools, name: str, arguments: str, said: str) -> None:
    assert said in (await result(tools, name, arguments))["error"]


async def test_a_tool_with_a_bug_costs_its_result_and_nothing_else(
    tools: Tools, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_shelf: Shelf) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Shelf, "machine", fail)
    assert "error" in await result(tools, "get_hardware")
    assert "a bug" in caplog.text


async def test_a_tool_that_hangs_is_given_up(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_shelf: Shelf) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Shelf, "machine", hang)
    monkeypatch.setattr("app.server.tools.RUN_S", 0.01)
    assert await result(tools, "get_hardware") == {"error": "it took too long"}


async def test_a_long_result_is_cut(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    class Many:
        id = "m" * 2 * LONGEST
        state = None

    async def many(_shelf: Shelf) -> list[Many]:
        return [Many()]

    monkeypatch.setattr(tools._engines, "entries", lambda: many(tools._shelf))
    call = ToolCall(id="c", name="list_models")
    ((_, text),) = await tools.results((call,), lambda _call: True)
    assert len(text) == LONGEST + 1


# ---------------------------------------------------------------- asking the person


async def test_a_call_is_streamed_stored_and_waits_for_consent(server: Server) -> None:
    server.script.acts = [calls(("get_time", '{"zone": "UTC"}'), text="I look.")]
    conversation = await begun(server)
    started = await ask(server, conversation)
    events = await server.events(started)
    first, last = events[0], events[-1]
    assert isinstance(first, AnswerSnapshot)
    assert isinstance(last, AnswerFinished)
    streamed = "".join(call.arguments for call in first.message.tool_calls)
    streamed += "".join(event.arguments for event in events if isinstance(event, AnswerToolCall))
    assert streamed == '{"zone": "UTC"}'
    assert last.message.tool_calls == (ToolCall(id="c0", name="get_time", arguments='{"zone": "UTC"}'),)
    assert last.message.stats is not None
    assert last.message.stats.finish_reason is FinishReason.TOOL_CALLS
    assert [message.role for message in await shown(server, conversation)] == [Role.USER, Role.ASSISTANT]
    assert [tool.name for tool in server.script.asked[0].tools] == list(ALL)


async def test_allowed_calls_run_and_refused_ones_say_so(server: Server) -> None:
    server.script.acts = [calls(("get_time", "{}"), ("list_models", "{}"), ("nonsense", "")), says("It is noon.")]
    conversation = await begun(server)
    first = await ask(server, conversation)
    await server.events(first)
    second = await consent(server, first.answer.id, "c0")
    await server.events(second)
    _, calling, *results, answer = await shown(server, conversation)
    assert [each.parent_id for each in results] == [calling.id, results[0].id, results[1].id]
    assert [each.tool_call_id for each in results] == ["c0", "c1", "c2"]
    assert "time" in json.loads(results[0].text)
    assert results[1].text == NOT_RUN
    assert "no tool called 'nonsense'" in results[2].text
    assert (answer.id, answer.text) == (second.answer.id, "It is noon.")
    turns = server.script.asked[1].turns
    assert [(turn.role, turn.tool_call_id, turn.name) for turn in turns[2:]] == [
        (Role.TOOL, "c0", "get_time"),
        (Role.TOOL, "c1", "list_models"),
        (Role.TOOL, "c2", "nonsense"),
    ]
    assert turns[1].tool_calls == calling.tool_calls


async def test_a_call_nobody_answered_is_answered_for_in_the_next_prompt(server: Server) -> None:
    server.script.acts = [calls(("get_time", "{}"))]
    conversation = await begun(server)
    await server.events(await ask(server, conversation))
    await server.events(await ask(server, conversation))
    turns = server.script.asked[1].turns
    assert [turn.role for turn in turns] == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.USER]
    assert (turns[2].content, turns[2].tool_call_id, turns[2].name) == (NOT_RUN, "c0", "get_time")


async def test_consent_where_no_tool_was_called_is_refused(server: Server) -> None:
    started = await ask(server, await begun(server))
    await server.events(started)
    refused = await server.refused("POST", f"/api/messages/{started.answer.id}/tools", {"allowed": []})
    assert refused == (400, "bad_request", "no_tool_called")


async def test_calls_that_are_not_whole_are_dropped(server: Server) -> None:
    act = calls(("get_time", "{}"))
    server.script.acts = [[*act[:1], asyncio.Event(), *act[1:]]]
    started = await ask(server, await begun(server))
    stream = server.stream(started.answer.id)
    event = await anext(stream)
    while not isinstance(event, AnswerToolCall) and not (
        isinstance(event, AnswerSnapshot) and event.message.tool_calls
    ):
        event = await anext(stream)
    stopped = await server.ask_for("POST", f"/api/messages/{started.answer.id}/stop", Message)
    assert (stopped.state, stopped.tool_calls) == (MessageState.STOPPED, ())


# ---------------------------------------------------------------- going on by itself


async def test_allowed_tools_run_without_asking(server: Server) -> None:
    server.script.acts = [calls(("get_time", "{}")), calls(("list_models", "{}")), says("Done.")]
    conversation = await begun(server, "get_time", "list_models")
    await server.events(await ask(server, conversation))
    messages = await shown(server, conversation)
    assert [message.role for message in messages] == [
        Role.USER, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT,
    ]  # fmt: skip
    assert messages[-1].text == "Done."
    assert all(message.state is MessageState.COMPLETE for message in messages)


async def test_one_call_that_needs_consent_holds_up_all(server: Server) -> None:
    server.script.acts = [calls(("get_time", "{}"), ("list_models", "{}"))]
    conversation = await begun(server, "get_time")
    started = await ask(server, conversation)
    await server.events(started)
    assert len(await shown(server, conversation)) == 2
    await server.events(await consent(server, started.answer.id, "c1"))
    results = [message.text for message in await shown(server, conversation) if message.role is Role.TOOL]
    assert [list(json.loads(text)) for text in results] == [["time"], ["models"]]


async def test_a_model_that_calls_for_ever_is_stopped_after_some_rounds(server: Server) -> None:
    server.script.acts = [calls(("get_time", "{}")) for _ in range(MOST_ROUNDS + 5)]
    conversation = await begun(server, "get_time")
    await server.events(await ask(server, conversation))
    messages = await shown(server, conversation)
    assert sum(message.role is Role.TOOL for message in messages) == MOST_ROUNDS
    assert messages[-1].tool_calls


async def test_tools_that_run_can_be_stopped(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    running = asyncio.Event()

    async def hang(_shelf: Shelf) -> None:
        running.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Shelf, "machine", hang)
    server.script.acts = [calls(("get_hardware", "{}"))]
    conversation = await begun(server, "get_hardware")
    started = await ask(server, conversation)
    await running.wait()
    busy = await server.refused("POST", f"/api/conversations/{conversation.id}/messages", {"text": "x"})
    assert busy[1] == "busy"
    stopped = await server.ask_for("POST", f"/api/messages/{started.answer.id}/stop", Message)
    assert stopped.tool_calls
    assert len(await shown(server, conversation)) == 2
    await server.events(await ask(server, conversation))


async def test_deleting_the_conversation_while_a_tool_runs_ends_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = asyncio.Event()

    async def hang(_shelf: Shelf) -> None:
        running.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Shelf, "machine", hang)
    server.script.acts = [calls(("get_hardware", "{}"))]
    conversation = await begun(server, "get_hardware")
    await ask(server, conversation)
    await running.wait()
    await server.ask_for("DELETE", f"/api/conversations/{conversation.id}", Conversation)
    assert len(server.services.answers) == 0
    assert len(server.script.asked) == 1


async def test_the_answer_after_tools_is_asked_for_as_the_one_before(server: Server) -> None:
    server.script.acts = [calls(("get_time", "{}")), says("Noon.")]
    conversation = await begun(server, "get_time")
    path = f"/api/conversations/{conversation.id}/messages"
    body = {"text": "?", "sampling": {"seed": 3}, "thinking": True}
    await server.events(await server.ask_for("POST", path, Started, body))
    await shown(server, conversation)
    assert [(request.sampling.seed, request.thinking) for request in server.script.asked] == [(3, True)] * 2
