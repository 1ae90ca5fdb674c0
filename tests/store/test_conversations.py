"""The list of conversations."""

import pytest
from msgspec import convert
from msgspec.structs import replace

from app.errors import AppError
from app.protocol import Conversation, ConversationChange, NewConversation
from app.store.conversations import KEPT_S
from app.store.database import Database
from app.store.store import Store
from tests.store.talk import ask, say, start


def titles(conversations: list[Conversation]) -> list[str]:
    return [conversation.title for conversation in conversations]


def test_a_new_conversation_holds_what_was_asked_for(store: Store) -> None:
    new = NewConversation(title="T", folder="Work", model="starter", system_prompt="Be brief.")
    made = store.create(new, now=5.0)
    assert made == Conversation(
        id=made.id, title="T", folder="Work", model="starter", system_prompt="Be brief.", created=5.0, updated=5.0
    )
    assert store.get(made.id) == made


def test_the_list_is_pinned_first_then_newest(store: Store) -> None:
    made = {title: start(store, title, now) for title, now in (("old", 1.0), ("new", 3.0), ("pinned", 2.0))}
    store.change(made["pinned"].id, ConversationChange(pinned=True))
    assert titles(store.list(10)) == ["pinned", "new", "old"]
    ask(store, made["old"].id, "again", now=9.0)
    assert titles(store.list(10)) == ["pinned", "old", "new"]


def test_the_list_comes_in_pages_without_gaps(store: Store) -> None:
    for number in range(25):
        made = start(store, str(number), now=float(number // 3))
        store.change(made.id, ConversationChange(pinned=number % 7 == 0))
    whole = titles(store.list(100))
    assert len(whole) == 25
    paged: list[str] = []
    before: int | None = None
    while page := store.list(4, before):
        paged += titles(page)
        before = page[-1].id
    assert paged == whole


def test_a_deleted_conversation_still_says_where_the_next_page_begins(store: Store) -> None:
    first, second, third = (start(store, title, now) for title, now in (("c", 3.0), ("b", 2.0), ("a", 1.0)))
    store.delete(second.id, now=4.0)
    assert titles(store.list(5, before=second.id)) == ["a"]
    assert titles(store.list(5, before=third.id)) == []
    assert titles(store.list(5)) == ["c", "a"]
    assert first.title == "c"


@pytest.mark.parametrize(
    ("field", "value"),
    [("title", "it's; DROP TABLE"), ("pinned", True), ("folder", "工作"), ("model", "m"), ("system_prompt", "x\ny")],
)
def test_a_change_sets_what_it_names(store: Store, field: str, value: str | bool) -> None:
    made = start(store, "before")
    changed = store.change(made.id, convert({field: value}, ConversationChange))
    assert changed == replace(made, **{field: value})
    assert store.get(made.id) == changed


def test_a_change_leaves_the_rest_and_the_place_in_the_list(store: Store) -> None:
    older = store.create(NewConversation(title="older", folder="Work"), now=1.0)
    start(store, "newer", now=2.0)
    changed = store.change(older.id, ConversationChange(title="renamed"))
    assert (changed.title, changed.folder, changed.updated) == ("renamed", "Work", 1.0)
    assert titles(store.list(10)) == ["newer", "renamed"]
    assert store.change(older.id, ConversationChange()) == changed


def test_deleting_hides_and_restoring_brings_everything_back(store: Store) -> None:
    made = start(store, "kept")
    say(store, made.id, "question", "answer")
    before = store.get(made.id)
    assert store.delete(made.id, now=5.0) == before
    assert store.list(10) == []
    assert store.restore(made.id) == before
    assert store.list(10) == [before]
    assert [message.text for message in store.page(made.id, 10).messages] == ["question", "answer"]
    assert store.restore(made.id) == before


def test_what_is_not_there_is_said_so(store: Store) -> None:
    gone = start(store)
    store.delete(gone.id, now=2.0)
    for use in (
        store.get,
        lambda number: store.change(number, ConversationChange(title="x")),
        lambda number: store.delete(number, 3.0),
        lambda number: store.page(number, 10),
        lambda number: ask(store, number, "anyone?"),
    ):
        for number in (gone.id, 999):
            with pytest.raises(AppError) as caught:
                use(number)
            assert caught.value.info.code == "conversation_not_found"
            assert caught.value.values == {"id": number}


def test_only_what_was_deleted_long_ago_is_purged(store: Store, db: Database) -> None:
    names = ("kept", "deleted long ago", "deleted lately")
    kept, old, late = (start(store, title) for title in names)
    for conversation in (kept, old, late):
        say(store, conversation.id, "question", "answer")
    store.delete(old.id, now=100.0)
    store.delete(late.id, now=101.0)
    store.purge(now=KEPT_S + 100.5)
    assert titles(store.list(10)) == ["kept"]
    assert store.restore(late.id).title == "deleted lately"
    with pytest.raises(AppError, match="not here"):
        store.restore(old.id)
    assert db.execute("SELECT count(*) FROM messages").fetchone() == (4,)


def test_a_long_conversation_can_be_purged(store: Store, db: Database) -> None:
    """SQLite follows foreign keys only a thousand deep; a conversation may be longer."""
    made = start(store)
    with db.transaction():
        for number in range(1500):
            db.execute(
                "INSERT INTO messages (id, conversation_id, parent_id, role, created) VALUES (?, ?, ?, 'user', 1)",
                (number + 1, made.id, number or None),
            )
    store.delete(made.id, now=0.0)
    store.purge(now=KEPT_S + 1)
    assert db.execute("SELECT count(*) FROM messages").fetchone() == (0,)


def test_ids_are_never_used_twice(store: Store) -> None:
    first = start(store)
    question, _ = say(store, first.id, "q", "a")
    store.delete(first.id, now=0.0)
    store.purge(now=KEPT_S + 1)
    second = start(store)
    assert second.id > first.id
    assert say(store, second.id, "q", "a")[0] > question + 1
