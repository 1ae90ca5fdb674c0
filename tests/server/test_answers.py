"""How answers are asked for and told: options, the queue, what was left out, going on after a cut."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.errors import AppError
from app.protocol import (
    AnswerDelta,
    AnswerFinished,
    AnswerPrefill,
    AnswerQueued,
    AnswerSnapshot,
    ContextPolicy,
    Conversation,
    Delta,
    DeltaKind,
    Finished,
    FinishReason,
    FormatKind,
    Message,
    MessageState,
    Options,
    OutputFormat,
    Prefill,
    Priority,
    PromptPreview,
    Queued,
    Role,
    Sampling,
    Started,
    TurnsDropped,
)
from tests.server.scripted import Act, Part, Server, says, stats, until


async def begun(server: Server, options: Options | None = None, **fields: str) -> Conversation:
    body = {"options": options or Options(), **fields}
    made: Conversation = await server.ask_for("POST", "/api/conversations", Conversation, body)
    return made


async def ask(server: Server, conversation: Conversation, text: str = "Why?", **fields: object) -> Started:
    path = f"/api/conversations/{conversation.id}/messages"
    started: Started = await server.ask_for("POST", path, Started, {"text": text, **fields})
    return started


async def answered(server: Server, started: Started) -> Message:
    last = (await server.events(started))[-1]
    assert isinstance(last, AnswerFinished)
    return last.message


async def go_on(server: Server, message_id: int) -> Started:
    started: Started = await server.ask_for("POST", f"/api/messages/{message_id}/continue", Started)
    return started


# ---------------------------------------------------------------- what the engine is asked


async def test_options_become_the_request(server: Server) -> None:
    options = Options(
        sampling=Sampling(temperature=0.2, top_k=5, stop=("END",)),
        format=OutputFormat(kind=FormatKind.JSON),
        thinking_budget=64,
        context_policy=ContextPolicy.DROP_OLDEST,
        stop_repetition=False,
    )
    conversation = await begun(server, options, system_prompt="Be brief.")
    await answered(server, await ask(server, conversation, sampling={"temperature": 1.5, "seed": 7}))
    (request,) = server.script.asked
    assert request.sampling == Sampling(temperature=1.5, top_k=5, stop=("END",), seed=7)
    assert (request.format, request.thinking_budget) == (options.format, 64)
    assert (request.context_policy, request.stop_repetition) == (ContextPolicy.DROP_OLDEST, False)
    assert (request.priority, request.keep_as) == (Priority.WINDOW, str(conversation.id))
    assert [(turn.role, turn.content) for turn in request.turns] == [(Role.SYSTEM, "Be brief."), (Role.USER, "Why?")]


@pytest.mark.parametrize(
    ("always", "asked", "thinks"),
    [(None, True, True), (None, False, False), (True, False, True), (False, True, False)],
)
async def test_a_conversation_may_always_or_never_think(
    server: Server, always: bool | None, asked: bool, thinks: bool
) -> None:
    conversation = await begun(server, Options(thinking=always))
    await answered(server, await ask(server, conversation, thinking=asked))
    assert server.script.asked[0].thinking is thinks


async def test_changed_options_hold_from_the_next_answer_on(server: Server) -> None:
    conversation = await begun(server)
    await answered(server, await ask(server, conversation))
    path = f"/api/conversations/{conversation.id}"
    changed = await server.ask_for("PATCH", path, Conversation, {"options": Options(sampling=Sampling(top_k=1))})
    assert changed.options.sampling.top_k == 1
    await answered(server, await ask(server, conversation))
    assert [request.sampling.top_k for request in server.script.asked] == [None, 1]


@pytest.mark.parametrize("field", ["top_k", "seed", "max_tokens"])
async def test_a_number_no_engine_can_be_sent_is_named(server: Server, field: str) -> None:
    started = await ask(server, await begun(server), sampling={field: 2**63})
    message = await answered(server, started)
    assert message.state is MessageState.FAILED
    assert message.error is not None
    assert (message.error.code, message.error.values["reason"]) == ("bad_request", f"{field} is out of range")
    assert server.script.asked == []


async def test_thoughts_before_the_last_question_are_not_sent_again(server: Server) -> None:
    server.script.acts = [says("Because.", thinking="hm")]
    conversation = await begun(server)
    assert (await answered(server, await ask(server, conversation))).thinking == "hm"
    await answered(server, await ask(server, conversation, "And?"))
    assert [(turn.content, turn.thinking) for turn in server.script.asked[1].turns] == [
        ("Why?", ""),
        ("Because.", ""),
        ("And?", ""),
    ]


# ---------------------------------------------------------------- what readers are told


async def test_the_place_in_the_queue_and_the_reading_of_the_prompt_are_told(server: Server) -> None:
    let_go = asyncio.Event()
    waiting: list[Part] = [
        Queued(request_id=0, position=2),
        Queued(request_id=0, position=1),
        Prefill(request_id=0, done=5, total=10, cached=3, eta_s=1.5),
        let_go,
    ]
    server.script.acts = [[*waiting, *says("So.")]]
    started = await ask(server, await begun(server))
    stream = server.stream(started.answer.id)
    seen = [await anext(stream) for _ in range(2)]
    while seen[-1] != AnswerPrefill(done=5, total=10, cached=3, eta_s=1.5):
        assert isinstance(seen[-1], AnswerSnapshot | AnswerQueued)
        seen.append(await anext(stream))
    late = server.stream(started.answer.id)
    assert [type(await anext(late)), await anext(late)] == [AnswerSnapshot, seen[-1]]
    let_go.set()
    rest = [event async for event in stream]
    assert [event.text for event in rest if isinstance(event, AnswerDelta)] == ["So."]
    await late.aclose()  # type: ignore[attr-defined]


async def test_what_the_context_left_out_is_marked_at_the_first_message_kept(server: Server) -> None:
    conversation = await begun(server, system_prompt="Be brief.")
    first = await ask(server, conversation, "One?")
    await answered(server, first)
    second = await ask(server, conversation, "Two?")
    await answered(server, second)
    assert second.question is not None
    server.script.acts = [[TurnsDropped(request_id=0, turns=(1, 2)), *says("Three.")]]
    third = await ask(server, conversation, "Three?")
    events = await server.events(third)
    snapshots = [event.message.context_from for event in events if isinstance(event, AnswerSnapshot)]
    assert snapshots[-1] == second.question.id
    last = events[-1]
    assert isinstance(last, AnswerFinished)
    assert last.message.context_from == second.question.id
    stored = await server.services.storage.do(lambda store: store.message(third.answer.id))
    assert stored.context_from == second.question.id


async def test_several_conversations_are_answered_at_the_same_time(server: Server) -> None:
    let_go = asyncio.Event()
    server.script.acts = [[let_go, *says("Yes.")] for _ in range(4)]
    started = [await ask(server, await begun(server)) for _ in range(4)]
    await until(lambda: server.script.at_work == 4)
    let_go.set()
    texts = await asyncio.gather(*(answered(server, each) for each in started))
    assert [message.text for message in texts] == ["Yes."] * 4
    assert len(server.script.loads) == 1


# ---------------------------------------------------------------- going on after a cut

CUTS: list[tuple[Act, MessageState]] = [
    (says("One, two", FinishReason.LENGTH), MessageState.COMPLETE),
    (says("One, two", FinishReason.CONTEXT_FULL), MessageState.COMPLETE),
    ([Delta(request_id=0, text="One, two"), AppError("worker_died", model="m", reason="r")], MessageState.FAILED),
    (says("One, two", FinishReason.CANCELLED), MessageState.STOPPED),
]


@pytest.mark.parametrize(("act", "state"), CUTS)
async def test_a_cut_answer_goes_on_in_the_same_message(server: Server, act: Act, state: MessageState) -> None:
    let_go = asyncio.Event()
    server.script.acts = [act, [let_go, *says(", three.")]]
    conversation = await begun(server)
    cut = await answered(server, await ask(server, conversation, "Count!"))
    assert (cut.text, cut.state) == ("One, two", state)
    started = await go_on(server, cut.id)
    assert (started.answer.id, started.answer.text) == (cut.id, "One, two")
    assert (started.answer.state, started.answer.error) == (MessageState.STREAMING, None)
    let_go.set()
    whole = await answered(server, started)
    assert (whole.text, whole.state, whole.error) == ("One, two, three.", MessageState.COMPLETE, None)
    request = server.script.asked[1]
    assert request.continues
    assert [(turn.role, turn.content) for turn in request.turns] == [
        (Role.USER, "Count!"),
        (Role.ASSISTANT, "One, two"),
    ]


async def test_the_figures_of_both_stretches_add_up(server: Server) -> None:
    server.script.acts = [
        says("One", FinishReason.LENGTH),
        [Delta(request_id=0, text=" two"), Finished(request_id=0, stats=stats(FinishReason.STOP, 7))],
    ]
    cut = await answered(server, await ask(server, await begun(server)))
    whole = await answered(server, await go_on(server, cut.id))
    assert whole.stats == replace(stats(), answer_tokens=11, decode_s=1.0)


async def test_an_answer_cut_while_thinking_goes_on_thinking(server: Server) -> None:
    thought = Delta(request_id=0, text="hm", kind=DeltaKind.THINKING)
    server.script.acts = [[thought, Finished(request_id=0, stats=stats(FinishReason.LENGTH))], says("So.")]
    cut = await answered(server, await ask(server, await begun(server), thinking=True))
    whole = await answered(server, await go_on(server, cut.id))
    assert (whole.thinking, whole.text) == ("hm", "So.")
    assert (server.script.asked[1].thinking, server.script.asked[1].continues) == (True, True)
    assert server.script.asked[1].turns[-1].thinking == "hm"


async def test_an_answer_that_never_began_is_asked_for_anew(server: Server) -> None:
    server.script.acts = [[AppError("worker_died", model="m", reason="r")], says("So.")]
    cut = await answered(server, await ask(server, await begun(server)))
    whole = await answered(server, await go_on(server, cut.id))
    assert whole.text == "So."
    assert not server.script.asked[1].continues
    assert [turn.role for turn in server.script.asked[1].turns] == [Role.USER]


async def test_a_second_cut_keeps_all_there_is(server: Server) -> None:
    endless = asyncio.Event()
    server.script.acts = [
        says("One", FinishReason.LENGTH),
        [Delta(request_id=0, text=" two"), endless, *says("!")],
        says(" three"),
    ]
    cut = await answered(server, await ask(server, await begun(server)))
    started = await go_on(server, cut.id)
    stream = server.stream(started.answer.id)
    text = ""
    while text != "One two":
        event = await anext(stream)
        text += event.message.text if isinstance(event, AnswerSnapshot) else getattr(event, "text", "")
    stopped = await server.ask_for("POST", f"/api/messages/{cut.id}/stop", Message)
    assert (stopped.text, stopped.state) == ("One two", MessageState.STOPPED)
    assert (await answered(server, await go_on(server, cut.id))).text == "One two three"


async def test_what_ended_by_itself_does_not_go_on(server: Server) -> None:
    whole = await answered(server, await ask(server, await begun(server)))
    refused = await server.refused("POST", f"/api/messages/{whole.id}/continue")
    assert refused == (400, "bad_request", "answer_not_cut")
    assert (await server.refused("POST", "/api/messages/999/continue"))[1] == "message_not_found"


async def test_a_conversation_that_is_answered_is_busy_for_going_on(server: Server) -> None:
    conversation = await begun(server)
    server.script.acts = [says("One", FinishReason.LENGTH), [asyncio.Event(), *says("x")]]
    cut = await answered(server, await ask(server, conversation))
    await ask(server, conversation, "Next")
    assert (await server.refused("POST", f"/api/messages/{cut.id}/continue"))[:2] == (409, "busy")


# ---------------------------------------------------------------- the prompt to look at


async def test_the_prompt_of_the_next_message_can_be_looked_at(server: Server) -> None:
    conversation = await begun(server, Options(sampling=Sampling(top_k=3)), system_prompt="Be brief.")
    await answered(server, await ask(server, conversation))
    path = f"/api/conversations/{conversation.id}/preview"
    shown = await server.ask_for("POST", path, PromptPreview, {"text": "And?"})
    assert shown.text == "<system>Be brief.\n<user>Why?\n<assistant>Yes.\n<user>And?"
    assert (shown.tokens, shown.context_length) == (len(shown.text), 2048)
    assert len((await server.ask_for("GET", f"/api/conversations/{conversation.id}/messages", dict))["messages"]) == 2


async def test_the_prompt_of_a_conversation_that_does_not_exist_yet_can_be_looked_at(server: Server) -> None:
    asked = {"text": "Hi", "system_prompt": "Be kind.", "options": Options(tools=("get_time",)), "thinking": True}
    shown = await server.ask_for("POST", "/api/preview", PromptPreview, asked)
    assert shown.text == "<system>Be kind.\n<user>Hi"
    assert [tool.name for tool in server.script.asked[0].tools] == ["get_time"]
    assert server.script.asked[0].thinking
    assert (await server.refused("POST", "/api/conversations/9/preview", {"text": "x"}))[1] == "conversation_not_found"


async def test_an_empty_text_shows_the_prompt_all_the_same(server: Server) -> None:
    assert (await server.ask_for("POST", "/api/preview", PromptPreview, {})).text == "<user>"


# ---------------------------------------------------------------- numbers and files


@pytest.mark.parametrize("path", ["conversations/{}", "messages/{}/stream", "conversations/{}/messages"])
async def test_numbers_that_no_id_can_be_are_not_found(server: Server, path: str) -> None:
    for number in (2**63, 10**40):
        assert (await server.refused("GET", f"/api/{path.format(number)}"))[0] == 404
    conversation = await begun(server)
    body = {"text": "x", "parent_id": 2**63}
    assert (await server.refused("POST", f"/api/conversations/{conversation.id}/messages", body))[0] == 404


async def test_kv_states_go_with_their_conversation(home: Path, server: Server) -> None:
    kept, gone = await begun(server), await begun(server)
    folder = server.services.paths.states
    folder.mkdir(parents=True)
    mine, other, foreign = folder / f"{kept.id}-abc.state", folder / f"{gone.id}.state", folder / "readme"
    for path in (mine, other, foreign):
        path.write_bytes(b"x")
    await server.ask_for("DELETE", f"/api/conversations/{gone.id}", Conversation)
    assert sorted(folder.iterdir()) == sorted([mine, foreign])
    assert server.script.forgotten == []  # nothing is loaded that could know it
    stale = folder / "987-abc.state"
    stale.write_bytes(b"x")
    await server.services.sweep_states()
    assert sorted(folder.iterdir()) == sorted([mine, foreign])


async def test_the_engine_forgets_a_conversation_that_goes(server: Server) -> None:
    conversation = await begun(server, model="tiny")
    await answered(server, await ask(server, conversation))
    await server.ask_for("DELETE", f"/api/conversations/{conversation.id}", Conversation)
    (request,) = server.script.asked
    assert server.script.forgotten == [request.keep_as]


async def test_the_engine_is_told_where_states_go_and_how_much(server: Server) -> None:
    await answered(server, await ask(server, await begun(server, model="tiny")))
    ((_, states),) = server.script.loads
    assert states is not None
    assert (states.path, states.limit_bytes) == (str(server.services.paths.states), 2048 * 1024**2)
    await server.ask_for("PATCH", "/api/settings", dict, {"state_disk_mb": 0})
    await server.ask_for("POST", "/api/models/tiny/unload", dict)
    await answered(server, await ask(server, await begun(server, model="tiny")))
    assert server.script.loads[1][1] is None
