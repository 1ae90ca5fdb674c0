"""Answers that go on: after a cut in the same message, and after tools in a message below their results."""

import pytest
from msgspec.structs import replace

from app.errors import AppError
from app.protocol import (
    Conversation,
    ConversationChange,
    ErrorInfo,
    FinishReason,
    GenerationStats,
    Message,
    MessageState,
    NewConversation,
    Options,
    Role,
    Sampling,
    ToolCall,
)
from app.store.search import Search
from app.store.store import Store
from tests.store.talk import MODEL, answer, ask, say, shown, start

CALLS = (ToolCall(id="a", name="get_time"), ToolCall(id="b", name="list_models", arguments='{"x": 1}'))


def stats(reason: FinishReason) -> GenerationStats:
    return GenerationStats(
        prompt_tokens=9, answer_tokens=4, ttft_s=0.2, decode_s=1.5, context_length=64, finish_reason=reason
    )


def ended(store: Store, **fields: object) -> Message:
    """An answer that has ended like that."""
    started = ask(store, start(store).id, "Count to ten")
    return store.finish(replace(started.answer, **{"text": "One, two", "state": MessageState.COMPLETE} | fields))


CUT: list[dict[str, object]] = [
    {"stats": stats(FinishReason.LENGTH)},
    {"stats": stats(FinishReason.CONTEXT_FULL)},
    {"state": MessageState.STOPPED},
    {"state": MessageState.FAILED, "error": ErrorInfo(code="worker_died")},
]


@pytest.mark.parametrize("fields", CUT)
def test_a_cut_answer_goes_on_where_it_ended(store: Store, fields: dict[str, object]) -> None:
    cut = ended(store, **fields)
    started = store.begin_continuation(cut.id, "Other", now=9.0)
    assert started.question is None
    assert started.answer == replace(cut, state=MessageState.STREAMING, error=None, model="Other")
    assert (started.conversation.leaf_id, started.conversation.updated) == (cut.id, 9.0)


def test_the_text_of_an_answer_that_goes_on_is_not_found_until_it_ends(store: Store, search: Search) -> None:
    cut = ended(store, state=MessageState.STOPPED)
    assert [hit.message_id for hit in search.find("two")] == [cut.id]
    going_on = store.begin_continuation(cut.id, MODEL, now=9.0).answer
    assert search.find("two") == []
    store.finish(replace(going_on, text="One, two, three", state=MessageState.COMPLETE))
    assert [hit.message_id for hit in search.find("three")] == [cut.id]
    assert len(search.find("two")) == 1


def test_only_what_was_cut_off_goes_on(store: Store) -> None:
    conversation = start(store)
    question, reply = say(store, conversation.id, "Why?", "Because.")
    writing = ask(store, start(store).id, "And?").answer
    followed = ended(store, state=MessageState.STOPPED)
    ask(store, followed.conversation_id, "Next")
    calling = ended(store, tool_calls=CALLS, stats=stats(FinishReason.TOOL_CALLS))
    refused = {question: "answer_not_cut", reply: "answer_not_cut", calling.id: "answer_not_cut"}
    for message_id, reason in (refused | {followed.id: "answer_was_followed"}).items():
        with pytest.raises(AppError) as caught:
            store.begin_continuation(message_id, MODEL, now=9.0)
        assert (caught.value.code, caught.value.values["reason"]) == ("bad_request", reason)
    with pytest.raises(AppError) as busy:
        store.begin_continuation(writing.id, MODEL, now=9.0)
    assert busy.value.code == "busy"
    assert store.message(reply).state is MessageState.COMPLETE


def test_results_of_tools_follow_each_other_and_then_the_next_answer(store: Store) -> None:
    calling = ended(store, text="", tool_calls=CALLS, stats=stats(FinishReason.TOOL_CALLS))
    assert store.message(calling.id).tool_calls == CALLS
    results, started = store.begin_after_tools(calling.id, [("a", "noon"), ("b", "none")], "Other", now=5.0)
    assert [(each.role, each.tool_call_id, each.text) for each in results] == [
        (Role.TOOL, "a", "noon"),
        (Role.TOOL, "b", "none"),
    ]
    assert [results[0].parent_id, results[1].parent_id, started.answer.parent_id] == [
        calling.id,
        results[0].id,
        results[1].id,
    ]
    assert (started.answer.state, started.answer.model) == (MessageState.STREAMING, "Other")
    assert shown(store, calling.conversation_id) == ["Count to ten", "", "noon", "none", ""]


def test_an_answer_after_tools_can_be_written_again(store: Store) -> None:
    calling = ended(store, tool_calls=CALLS[:1], stats=stats(FinishReason.TOOL_CALLS))
    (result,), started = store.begin_after_tools(calling.id, [("a", "noon")], MODEL, now=5.0)
    first = answer(store, started, "It is noon.")
    again = store.begin_regeneration(first, MODEL, now=6.0).answer
    assert (again.parent_id, again.siblings) == (result.id, (first, again.id))
    third = store.begin_regeneration(result.id, MODEL, now=7.0).answer
    assert third.parent_id == result.id


def test_no_results_where_no_tool_was_called(store: Store) -> None:
    _, reply = say(store, start(store).id, "Why?", "Because.")
    with pytest.raises(AppError) as refused:
        store.begin_after_tools(reply, [("a", "noon")], MODEL, now=5.0)
    assert refused.value.values["reason"] == "no_tool_called"


def test_what_tools_answered_is_not_found(store: Store, search: Search) -> None:
    calling = ended(store, text="I look.", tool_calls=CALLS[:1], stats=stats(FinishReason.TOOL_CALLS))
    (result,), _ = store.begin_after_tools(calling.id, [("a", "zebra")], MODEL, now=5.0)
    assert search.find("zebra") == []
    store.delete_message(result.id, now=6.0)
    store.purge(now=1e9)
    assert [hit.message_id for hit in search.find("look")] == [calling.id]
    store._db.execute("INSERT INTO messages_search (messages_search) VALUES ('integrity-check')")


def test_what_the_context_left_out_is_kept(store: Store) -> None:
    reply = ask(store, start(store).id, "Why?").answer
    store.checkpoint(reply.id, "Beca", "", context_from=7)
    assert store.message(reply.id).context_from == 7
    assert store.finish(replace(reply, context_from=8)).context_from == 8


def options_of(store: Store, conversation: Conversation) -> Options:
    return store.get(conversation.id).options


def test_a_conversation_keeps_how_it_is_answered(store: Store) -> None:
    options = Options(sampling=Sampling(top_k=5, stop=("END",)), tools=("get_time",), stop_repetition=False)
    made = store.create(NewConversation(options=options), 1.0)
    assert made.options == options_of(store, made) == options
    store.change(made.id, ConversationChange(title="T"))
    assert options_of(store, made) == options
    assert store.change(made.id, ConversationChange(options=Options())).options == Options()
    assert options_of(store, made) == Options()


@pytest.mark.parametrize("number", [2**63, 10**30, -(10**30)])
def test_numbers_that_no_id_can_be_are_not_found(store: Store, number: int) -> None:
    with pytest.raises(AppError, match="message"):
        store.message(number)
    with pytest.raises(AppError, match="conversation"):
        store.get(number)
