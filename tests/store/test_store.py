"""Messages: a tree in which every version stays, one branch of which is shown."""

import sqlite3

import pytest
from msgspec.structs import replace

from app.errors import AppError
from app.protocol import ErrorInfo, GenerationStats, Message, MessageState, Role
from app.store.conversations import KEPT_S
from app.store.database import Database
from app.store.store import Store
from tests.store.talk import MODEL, answer, ask, edit, say, shown, start

STATS = GenerationStats(prompt_tokens=9, answer_tokens=4, ttft_s=0.2, decode_s=1.5, context_length=1024)


# ---------------------------------------------------------------- an answer


def test_a_question_and_its_empty_answer_begin_together(store: Store) -> None:
    made = start(store, "T", now=1.0)
    started = ask(store, made.id, "Why?", now=7.0)
    question, reply = started.question, started.answer
    assert question is not None
    assert started.conversation == replace(made, updated=7.0, leaf_id=reply.id)
    assert question == Message(
        id=question.id, conversation_id=made.id, role=Role.USER, text="Why?", created=7.0, siblings=(question.id,)
    )
    assert reply == Message(
        id=reply.id,
        conversation_id=made.id,
        parent_id=question.id,
        role=Role.ASSISTANT,
        state=MessageState.STREAMING,
        created=7.0,
        model=MODEL,
        siblings=(reply.id,),
    )
    assert store.page(made.id, 10).messages == [question, reply]


def test_a_question_that_cannot_be_stored_with_its_answer_is_not_stored(store: Store, db: Database) -> None:
    made = start(store)
    refuse = "SELECT RAISE(ABORT, 'no answers today')"
    db.execute(f"CREATE TRIGGER t BEFORE INSERT ON messages WHEN new.role = 'assistant' BEGIN {refuse}; END")
    with pytest.raises(sqlite3.IntegrityError, match="no answers today"):
        ask(store, made.id, "Why?")
    assert shown(store, made.id) == []
    assert store.get(made.id) == made


def test_a_checkpoint_keeps_text_and_thinking_and_the_answer_in_writing(store: Store) -> None:
    reply = ask(store, start(store).id, "Why?").answer
    store.checkpoint(reply.id, "Beca", "hm")
    assert store.message(reply.id) == replace(reply, text="Beca", thinking="hm")


def test_a_checkpoint_that_comes_late_changes_nothing(store: Store) -> None:
    started = ask(store, start(store).id, "Why?")
    answer(store, started, "Because.")
    store.checkpoint(started.answer.id, "Beca", "")
    store.checkpoint(999, "nobody", "")
    assert store.message(started.answer.id).text == "Because."


@pytest.mark.parametrize("state", [MessageState.COMPLETE, MessageState.STOPPED, MessageState.FAILED])
def test_the_end_of_an_answer_is_stored_with_all_it_has(store: Store, state: MessageState) -> None:
    reply = ask(store, start(store).id, "Why?").answer
    error = ErrorInfo(code="worker_died", values={"model": "m", "reason": "r"}) if state == "failed" else None
    ended = replace(reply, text="Because.", thinking="hm", state=state, stats=STATS, error=error)
    assert store.finish(ended) == ended
    assert store.message(reply.id) == ended


def test_the_end_of_an_answer_that_is_gone_is_said_so(store: Store) -> None:
    reply = ask(store, start(store).id, "Why?").answer
    with pytest.raises(AppError) as caught:
        store.finish(replace(reply, id=999))
    assert caught.value.code == "message_not_found"


def test_a_question_waits_for_the_answer_before_it(store: Store) -> None:
    made = start(store)
    ask(store, made.id, "first")
    with pytest.raises(AppError) as caught:
        ask(store, made.id, "second")
    assert caught.value.code == "busy"
    assert shown(store, made.id) == ["first", ""]


def test_answers_that_nobody_writes_any_more_are_stopped(store: Store) -> None:
    finished, writing = start(store), start(store)
    say(store, finished.id, "q", "a")
    reply = ask(store, writing.id, "q").answer
    store.checkpoint(reply.id, "as far as", "")
    assert store.recover(now=1.0) == 1
    assert store.message(reply.id) == replace(reply, text="as far as", state=MessageState.STOPPED)
    assert store.recover(now=1.0) == 0


def test_the_first_question_names_the_conversation(store: Store) -> None:
    made = start(store)
    assert ask(store, made.id, "# What is **quantization**?\nTell me.").conversation.title == "What is quantization?"
    named = start(store, "Mine")
    assert ask(store, named.id, "Other").conversation.title == "Mine"


# ---------------------------------------------------------------- branches


def test_editing_makes_a_version_beside_the_first(store: Store) -> None:
    made = start(store)
    question, reply = say(store, made.id, "first", "one")
    later = edit(store, made.id, None, "first, better")
    assert later.question is not None
    answer(store, later, "two")
    assert shown(store, made.id) == ["first, better", "two"]
    assert later.question.siblings == (question, later.question.id)
    assert store.message(question).siblings == (question, later.question.id)
    assert [message.text for message in store.branch(reply)] == ["first", "one"]


def test_editing_in_the_middle_keeps_what_precedes(store: Store) -> None:
    made = start(store)
    _, first = say(store, made.id, "q1", "a1")
    say(store, made.id, "q2", "a2")
    answer(store, edit(store, made.id, first, "q2 again"), "a2 again")
    assert shown(store, made.id) == ["q1", "a1", "q2 again", "a2 again"]


def test_regenerating_makes_a_version_of_the_answer(store: Store) -> None:
    made = start(store)
    question, first = say(store, made.id, "q", "one")
    again = store.begin_regeneration(first, "Other", now=8.0)
    assert again.question is None
    assert (again.answer.parent_id, again.answer.model, again.answer.siblings) == (
        question,
        "Other",
        (first, again.answer.id),
    )
    assert (again.conversation.leaf_id, again.conversation.updated) == (again.answer.id, 8.0)
    answer(store, again, "two")
    assert shown(store, made.id) == ["q", "two"]
    assert store.message(first).text == "one"


def test_a_question_that_lost_its_answer_can_get_one(store: Store) -> None:
    made = start(store)
    question, reply = say(store, made.id, "q", "a")
    store.delete_message(reply, now=5.0)
    again = store.begin_regeneration(question, MODEL, now=6.0).answer
    assert (again.role, again.parent_id, again.siblings) == (Role.ASSISTANT, question, (again.id,))


def test_an_answer_without_a_question_cannot_be_regenerated(store: Store, db: Database) -> None:
    made = start(store)
    db.execute(
        "INSERT INTO messages (id, conversation_id, role, text, created) VALUES (50, ?, 'assistant', 'Hi', 1)",
        (made.id,),
    )
    with pytest.raises(AppError) as caught:
        store.begin_regeneration(50, MODEL, now=1.0)
    assert caught.value.code == "bad_request"


def test_showing_a_message_shows_the_newest_branch_through_it(store: Store) -> None:
    made = start(store)
    first_question, first = say(store, made.id, "q1", "a1")
    say(store, made.id, "q2", "a2")
    answer(store, edit(store, made.id, first, "q2 again"), "a2 again")
    answer(store, edit(store, made.id, None, "q1 again"), "a1 again")
    assert shown(store, made.id) == ["q1 again", "a1 again"]
    before = store.get(made.id)
    now = store.show(first_question)
    assert shown(store, made.id) == ["q1", "a1", "q2 again", "a2 again"]
    assert now.updated == before.updated


def test_a_parent_in_another_conversation_is_not_here(store: Store) -> None:
    other, made = start(store), start(store)
    _, reply = say(store, other.id, "q", "a")
    with pytest.raises(AppError) as caught:
        edit(store, made.id, reply, "across")
    assert caught.value.code == "message_not_found"
    assert shown(store, made.id) == []


# ---------------------------------------------------------------- pages


def test_pages_lead_from_the_newest_to_the_first(store: Store) -> None:
    made = start(store)
    for number in range(5):
        say(store, made.id, f"q{number}", f"a{number}")
    newest = store.page(made.id, 4)
    assert [message.text for message in newest.messages] == ["q3", "a3", "q4", "a4"]
    assert newest.has_more
    middle = store.page(made.id, 4, before=newest.messages[0].id)
    assert [message.text for message in middle.messages] == ["q1", "a1", "q2", "a2"]
    oldest = store.page(made.id, 4, before=middle.messages[0].id)
    assert [message.text for message in oldest.messages] == ["q0", "a0"]
    assert not oldest.has_more
    assert not store.page(made.id, 4, before=oldest.messages[0].id).messages
    assert not store.page(made.id, 10).has_more


def test_an_empty_conversation_has_an_empty_page(store: Store) -> None:
    page = store.page(start(store).id, 50)
    assert (page.messages, page.has_more) == ([], False)


def test_a_page_must_begin_in_its_own_conversation(store: Store) -> None:
    _, elsewhere = say(store, start(store).id, "q", "a")
    with pytest.raises(AppError) as caught:
        store.page(start(store).id, 10, before=elsewhere)
    assert caught.value.code == "message_not_found"


def test_a_very_long_branch_is_whole(store: Store, db: Database) -> None:
    made = start(store)
    with db.transaction():
        for number in range(1, 2001):
            db.execute(
                "INSERT INTO messages (id, conversation_id, parent_id, role, text, created)"
                " VALUES (?, ?, ?, 'user', ?, 1)",
                (number, made.id, number - 1 or None, str(number)),
            )
        db.execute("UPDATE conversations SET leaf_id = 2000")
    assert [message.text for message in store.branch(2000)] == [str(number) for number in range(1, 2001)]
    assert [message.id for message in store.page(made.id, 50).messages] == list(range(1951, 2001))
    assert store.show(1).leaf_id == 2000
    assert store.delete_message(2, now=1.0).leaf_id == 1
    assert store.restore_message(2).leaf_id == 2000


def test_no_query_of_a_page_looks_through_a_whole_table(store: Store, db: Database) -> None:
    made = start(store)
    say(store, made.id, "q", "a")
    asked: list[str] = []
    db.conn.set_trace_callback(asked.append)
    store.page(made.id, 50)
    store.list(50)
    db.conn.set_trace_callback(None)
    plans = [row[3] for sql in asked for row in db.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()]
    assert len(asked) == 4
    assert [plan for plan in plans if plan.startswith("SCAN") and "INDEX" not in plan] == ["SCAN branch", "SCAN branch"]


# ---------------------------------------------------------------- deleting


def test_deleting_a_message_takes_what_follows_it(store: Store) -> None:
    made = start(store)
    say(store, made.id, "q1", "a1")
    question, reply = say(store, made.id, "q2", "a2")
    say(store, made.id, "q3", "a3")
    store.delete_message(question, now=9.0)
    assert shown(store, made.id) == ["q1", "a1"]
    for message in (question, reply):
        with pytest.raises(AppError) as caught:
            store.message(message)
        assert caught.value.code == "message_not_found"


def test_restoring_a_message_brings_back_what_followed_it(store: Store) -> None:
    made = start(store)
    say(store, made.id, "q1", "a1")
    question, _ = say(store, made.id, "q2", "a2")
    before = store.get(made.id)
    store.delete_message(question, now=9.0)
    assert store.restore_message(question) == before
    assert shown(store, made.id) == ["q1", "a1", "q2", "a2"]


def test_restoring_undoes_one_deleting_not_an_earlier_one(store: Store) -> None:
    made = start(store)
    first, _ = say(store, made.id, "q1", "a1")
    second, _ = say(store, made.id, "q2", "a2")
    store.delete_message(second, now=8.0)
    store.delete_message(first, now=9.0)
    assert shown(store, made.id) == []
    store.restore_message(first)
    assert shown(store, made.id) == ["q1", "a1"]
    store.restore_message(second)
    assert shown(store, made.id) == ["q1", "a1", "q2", "a2"]


def test_what_follows_a_deleted_message_cannot_be_restored_alone(store: Store) -> None:
    made = start(store)
    question, reply = say(store, made.id, "q", "a")
    store.delete_message(reply, now=8.0)
    store.delete_message(question, now=9.0)
    with pytest.raises(AppError) as caught:
        store.restore_message(reply)
    assert caught.value.code == "message_not_found"
    assert store.restore_message(question).leaf_id == question


def test_deleting_a_version_shows_another(store: Store) -> None:
    made = start(store)
    _, first = say(store, made.id, "q", "one")
    again = store.begin_regeneration(first, MODEL, now=3.0)
    second = answer(store, again, "two")
    store.delete_message(second, now=9.0)
    assert shown(store, made.id) == ["q", "one"]
    assert store.message(first).siblings == (first,)
    store.restore_message(second)
    assert shown(store, made.id) == ["q", "two"]


def test_deleting_the_first_question_shows_its_other_version(store: Store) -> None:
    made = start(store)
    say(store, made.id, "one", "a1")
    second = edit(store, made.id, None, "two")
    assert second.question is not None
    answer(store, second, "a2")
    store.delete_message(second.question.id, now=9.0)
    assert shown(store, made.id) == ["one", "a1"]


def test_deleting_what_is_not_shown_leaves_what_is(store: Store) -> None:
    made = start(store)
    _, first = say(store, made.id, "q", "one")
    answer(store, store.begin_regeneration(first, MODEL, now=3.0), "two")
    before = store.get(made.id)
    assert store.delete_message(first, now=9.0) == before
    assert shown(store, made.id) == ["q", "two"]


def test_the_end_of_an_answer_deleted_meanwhile_is_kept(store: Store) -> None:
    made = start(store)
    started = ask(store, made.id, "q")
    store.delete_message(started.answer.id, now=9.0)
    answer(store, started, "late")
    assert shown(store, made.id) == ["q"]
    store.restore_message(started.answer.id)
    assert shown(store, made.id) == ["q", "late"]


def test_nothing_follows_a_deleted_message(store: Store) -> None:
    made = start(store)
    question, reply = say(store, made.id, "q", "a")
    store.delete_message(question, now=9.0)
    for use in (
        lambda: edit(store, made.id, reply, "after"),
        lambda: store.begin_regeneration(reply, MODEL, now=1.0),
        lambda: store.show(reply),
        lambda: store.branch(reply),
        lambda: store.delete_message(reply, now=1.0),
        lambda: store.restore_message(999),
    ):
        with pytest.raises(AppError) as caught:
            use()
        assert caught.value.code == "message_not_found"
    assert ask(store, made.id, "anew").conversation.leaf_id


def test_messages_of_a_deleted_conversation_do_not_bring_it_back(store: Store) -> None:
    made = start(store)
    _, reply = say(store, made.id, "q", "a")
    store.delete(made.id, now=9.0)
    with pytest.raises(AppError) as caught:
        store.show(reply)
    assert caught.value.code == "conversation_not_found"


def test_messages_deleted_long_ago_are_purged_with_what_follows(store: Store, db: Database) -> None:
    made = start(store)
    first, _ = say(store, made.id, "q1", "a1")
    second, _ = say(store, made.id, "q2", "a2")
    say(store, made.id, "q3", "a3")
    third = edit(store, made.id, None, "other")
    store.delete_message(second, now=500.0)
    # A clock that was set back: what precedes was deleted "earlier" than what follows.
    store.delete_message(first, now=1.0)
    store.purge(now=KEPT_S + 2.0)
    left = [row[0] for row in db.execute("SELECT text FROM messages ORDER BY id").fetchall()]
    assert left == ["other", ""]
    assert store.message(third.answer.id).parent_id == (third.question and third.question.id)
