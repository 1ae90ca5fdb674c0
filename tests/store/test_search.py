"""Full-text search: what is found, in which order, and that nothing anyone types breaks it."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.errors import AppError
from app.protocol import ConversationChange, MessageState, SearchHit
from app.store.conversations import KEPT_S
from app.store.database import Database, open_database
from app.store.search import Search, parse
from app.store.snippets import Word
from app.store.store import Store
from tests.store.talk import answer, ask, say, start


def found(search: Search, query: str) -> list[str]:
    """The snippets of the messages that match."""
    return [hit.snippet for hit in search.find(query) if hit.message_id is not None]


@pytest.fixture
def talk(store: Store) -> int:
    """A conversation about this and that. Returns its id."""
    conversation = start(store, "Untitled")
    for question, reply in (
        ("显存不够怎么办?", "换一个更小的量化,显卡就够用了。"),
        ("Café culture in Zürich", "The naïve answer: croissants."),
        ("What is quantization?", 'Rounding weights to fewer bits. Say "hello world" to it.'),
        ("Does my graphics card run it", "A card with graphics memory does."),
        ("ひらがなは?", "C++ and snake_case and it's 4096 tokens"),
    ):
        say(store, conversation.id, question, reply)
    return conversation.id


@pytest.mark.usefixtures("talk")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("显", {"显存不够怎么办?", "换一个更小的量化,显卡就够用了。"}),
        ("显存", {"显存不够怎么办?"}),
        ("存显", set()),
        ("显卡 量化", {"换一个更小的量化,显卡就够用了。"}),
        ("够用了", {"换一个更小的量化,显卡就够用了。"}),
        ("がな", {"ひらがなは?"}),
        ("q", {"What is quantization?"}),
        ("quanti", {"What is quantization?"}),
        ("antiz", set()),
        ("QUANTIZATION", {"What is quantization?"}),
        ("what quant", {"What is quantization?"}),
        ("wha quant", set()),
        ("cafe", {"Café culture in Zürich"}),
        ("ZURICH", {"Café culture in Zürich"}),
        ("naive", {"The naïve answer: croissants."}),
        ("naïve", {"The naïve answer: croissants."}),
        ('"hello world"', {'Rounding weights to fewer bits. Say "hello world" to it.'}),
        ('"world hello"', set()),
        ("“hello world”", {'Rounding weights to fewer bits. Say "hello world" to it.'}),
        ('"quanti"', set()),
        ("it's", {"C++ and snake_case and it's 4096 tokens"}),
        ("snake_ca", {"C++ and snake_case and it's 4096 tokens"}),
        ('"C++"', {"C++ and snake_case and it's 4096 tokens"}),
        ("409", {"C++ and snake_case and it's 4096 tokens"}),
        ("graphics zebra", set()),
        ("", set()),
        ("   ", set()),
        ("?!*", set()),
    ],
)
def test_what_is_found(search: Search, store: Store, query: str, expected: set[str]) -> None:
    assert {store.message(hit.message_id or 0).text for hit in search.find(query)} == expected


@pytest.mark.usefixtures("talk")
@pytest.mark.parametrize(
    "query",
    [
        *("OR", "NOT x", "a AND", "NEAR(a b)", "text:显存", "*", '"', '""', '"un', "(((", "^a", "-显", "{a b}", "a+b"),
        *("'; --", "\0", "\ud800"),
    ],
)
def test_no_sign_means_anything_to_the_index(search: Search, query: str) -> None:
    assert isinstance(search.find(query), list)


@pytest.mark.usefixtures("talk")
def test_a_hit_says_where_it_is_and_what_matched(search: Search, store: Store, talk: int) -> None:
    (hit,) = search.find("显存")
    message = store.message(hit.message_id or 0)
    assert hit == SearchHit(
        conversation_id=talk,
        message_id=message.id,
        title="Untitled",
        snippet="显存不够怎么办?",
        marks=((0, 2),),
        created=message.created,
    )


def test_titles_are_found_and_come_first(search: Search, store: Store) -> None:
    say(store, start(store, "About cats").id, "Do cats purr?", "Yes")
    named = start(store, "猫 and cats", now=9.0)
    hits = search.find("cats")
    assert [(hit.title, hit.message_id is None) for hit in hits] == [
        ("猫 and cats", True),
        ("About cats", True),
        ("About cats", False),
    ]
    assert (hits[0].snippet, hits[0].marks) == ("猫 and cats", ((6, 10),))
    store.change(named.id, ConversationChange(title="Renamed"))
    assert [hit.title for hit in search.find("renam")] == ["Renamed"]
    assert search.find("猫") == []


def test_titles_leave_room_for_messages(search: Search, store: Store) -> None:
    for _ in range(20):
        say(store, start(store, "cats").id, "cats", "cats")
    hits = search.find("cats", limit=8)
    assert [hit.message_id is None for hit in hits] == [True] * 2 + [False] * 6


def test_newest_first_but_words_that_stand_together_before(search: Search, store: Store) -> None:
    conversation = start(store, "T").id
    for text in ("a graphics card", "card of graphics", "the graphics card", "graphics and card"):
        say(store, conversation, text, ".")
    together, apart = ["the graphics card", "a graphics card"], ["graphics and card", "card of graphics"]
    assert found(search, "graphics card") == together + apart
    assert [hit.snippet for hit in search.find("graphics card", limit=3)] == together + apart[:1]
    assert search.find("graphics", limit=0) == []


def test_what_was_deleted_is_not_found(search: Search, store: Store) -> None:
    conversation = start(store, "needle title").id
    question, _ = say(store, conversation, "needle here", "needle there")
    assert len(search.find("needle")) == 3
    store.delete_message(question, now=1.0)
    assert len(search.find("needle")) == 1
    store.restore_message(question)
    store.delete(conversation, now=2.0)
    assert search.find("needle") == []
    store.restore(conversation)
    assert len(search.find("needle")) == 3


def test_what_was_purged_leaves_no_trace_in_the_index(search: Search, store: Store, db: Database) -> None:
    conversation = start(store, "needle").id
    say(store, conversation, "needle", "needle")
    store.delete(conversation, now=0.0)
    store.purge(now=KEPT_S + 1)
    for table in ("messages", "conversations"):
        assert db.execute(f"SELECT count(*) FROM {table}_search WHERE {table}_search MATCH 'needle'").fetchone() == (0,)


def test_an_answer_is_found_once_it_has_ended_with_its_last_text(search: Search, store: Store) -> None:
    started = ask(store, start(store, "T").id, "q")
    store.checkpoint(started.answer.id, "half-written zebra", "")
    assert search.find("zebra") == []
    answer(store, started, "whole giraffe")
    assert found(search, "giraffe") == ["whole giraffe"]
    assert search.find("zebra") == []


def test_an_answer_that_was_interrupted_is_found(search: Search, store: Store) -> None:
    started = ask(store, start(store, "T").id, "q")
    store.checkpoint(started.answer.id, "half a zebra", "")
    store.recover(now=1.0)
    assert found(search, "zebra") == ["half a zebra"]


def test_an_ended_answer_that_is_stored_again_is_found_by_its_new_text_alone(search: Search, store: Store) -> None:
    started = ask(store, start(store, "T").id, "q")
    answer(store, started, "zebra")
    store.finish(replace(started.answer, text="giraffe", state=MessageState.COMPLETE))
    assert (found(search, "zebra"), found(search, "giraffe")) == ([], ["giraffe"])


def test_thinking_and_prompts_are_not_searched(search: Search, store: Store) -> None:
    started = ask(store, start(store, "T").id, "q")
    store.finish(replace(started.answer, text="a", thinking="zebra", state=MessageState.COMPLETE))
    store.change(started.conversation.id, ConversationChange(system_prompt="zebra", folder="zebra"))
    assert search.find("zebra") == []


def test_search_does_not_wait_for_a_writer(search: Search, store: Store, db: Database) -> None:
    conversation = start(store, "T").id
    say(store, conversation, "committed zebra", ".")
    db.execute("PRAGMA busy_timeout = 0")
    with db.transaction():
        say(store, conversation, "uncommitted zebra", ".")
        assert found(search, "zebra") == ["committed zebra"]
    assert found(search, "zebra") == ["uncommitted zebra", "committed zebra"]


def test_search_may_run_in_another_thread(search: Search, talk: int) -> None:
    hits: list[SearchHit] = []
    thread = threading.Thread(target=lambda: hits.extend(search.find("显存")))
    thread.start()
    thread.join()
    assert [hit.conversation_id for hit in hits] == [talk]


def test_search_in_no_database_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="unable to open") as caught:
        Search(tmp_path / "none.db")
    assert caught.value.code == "database_unavailable"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("one two", [Word("one"), Word("two", prefix=True)]),
        ('"one two" thr', [Word("one two"), Word("thr", prefix=True)]),
        ('thr "one two"', [Word("thr"), Word("one two")]),
        ('unclosed "one two', [Word("unclosed"), Word("one"), Word("two", prefix=True)]),
        ("word ?", [Word("word", prefix=True)]),
        ("", []),
    ],
)
def test_how_a_query_is_read(query: str, words: list[Word]) -> None:
    assert parse(query) == words


# ---------------------------------------------------------------- anything


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Search]]:
    """One store for all examples: making a new one each time would take longer than the search."""
    path = tmp_path_factory.mktemp("any") / "alcove.db"
    with closing(open_database(path)) as db, closing(Search(path)) as search:
        db.execute("PRAGMA synchronous = OFF")
        yield Store(db), search


MANY = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SIGNS = st.text(st.sampled_from("abAB \"'*()^:+-{}\\;,.?é显存ひ\0\u0301\u200b“”ORANDT"), max_size=30)


@MANY
@given(query=SIGNS | st.text())
@example('"a" NEAR/2 "b"')
@example('a" OR "b')
def test_any_query_is_answered(large: tuple[Store, Search], query: str) -> None:
    for hit in large[1].find(query):
        assert all(0 <= start < end <= len(hit.snippet) for start, end in hit.marks)


WORDS = st.text(st.sampled_from("abcdeéüßÄ019显存模型ひ"), min_size=1, max_size=12)


@MANY
@given(words=st.lists(WORDS, min_size=1, max_size=6), data=st.data())
def test_any_word_of_a_text_finds_it(large: tuple[Store, Search], words: list[str], data: st.DataObject) -> None:
    store, search = large
    started = ask(store, start(store, "-").id, " ".join(words))
    assert started.question is not None
    asked = data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=3))
    asked[-1] = asked[-1][: data.draw(st.integers(1, len(asked[-1])))]
    hits = [hit for hit in search.find(" ".join(asked), limit=1000) if hit.message_id == started.question.id]
    assert len(hits) == 1
    assert hits[0].marks
