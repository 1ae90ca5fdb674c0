"""Whatever is done to a conversation, in whatever order: its tree is whole and what is shown is a branch of it."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.errors import AppError
from app.protocol import Started
from app.store.database import open_database
from app.store.store import Store
from tests.store.talk import MODEL, answer, ask, edit, start


class Conversing(RuleBasedStateMachine):
    """Any order of asking, editing, regenerating, showing, deleting and restoring keeps the tree and its leaf sound."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.db = open_database(Path(self.folder.name) / "alcove.db")
        self.db.execute("PRAGMA synchronous = OFF")
        self.store = Store(self.db)
        self.conversation = start(self.store).id
        self.texts: dict[int, str] = {}
        self.deleted: list[int] = []

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()
            self.folder.cleanup()

    def pick(self, place: int, deleted: bool = False) -> int:
        among = self.deleted if deleted else self.live()
        return among[place % len(among)]

    def live(self) -> list[int]:
        rows = self.db.rows("SELECT id FROM messages WHERE deleted_at IS NULL ORDER BY id")
        return [row["id"] for row in rows]

    def has_messages(self) -> bool:
        return bool(self.live())

    def note(self, started: Started) -> None:
        reply = started.answer.id
        if started.question is not None:
            self.texts[started.question.id] = started.question.text
        self.texts[reply] = f"answer {reply}"
        answer(self.store, started, self.texts[reply])

    @rule(text=st.text(max_size=20))
    def ask(self, text: str) -> None:
        self.note(ask(self.store, self.conversation, text))

    @precondition(has_messages)
    @rule(place=st.integers(0, 99), text=st.text(max_size=20))
    def edit(self, place: int, text: str) -> None:
        self.note(edit(self.store, self.conversation, self.pick(place), text))

    @precondition(has_messages)
    @rule(place=st.integers(0, 99))
    def regenerate(self, place: int) -> None:
        self.note(self.store.begin_regeneration(self.pick(place), MODEL, 1.0))

    @precondition(has_messages)
    @rule(place=st.integers(0, 99))
    def show(self, place: int) -> None:
        message_id = self.pick(place)
        self.store.show(message_id)
        assert message_id in [message.id for message in self.store.page(self.conversation, 1000).messages]

    @precondition(has_messages)
    @rule(place=st.integers(0, 99), now=st.floats(1, 9))
    def delete(self, place: int, now: float) -> None:
        message_id = self.pick(place)
        self.store.delete_message(message_id, now)
        self.deleted.append(message_id)

    @precondition(lambda self: bool(self.deleted))
    @rule(place=st.integers(0, 99))
    def restore(self, place: int) -> None:
        message_id = self.pick(place, deleted=True)
        parent = self.db.rows("SELECT parent_id FROM messages WHERE id = ?", (message_id,))[0]["parent_id"]
        if parent is None or parent in self.live():
            self.store.restore_message(message_id)
            assert message_id in self.live()
        else:
            with pytest.raises(AppError, match="not here"):
                self.store.restore_message(message_id)

    @invariant()
    def the_shown_branch_is_a_path_of_live_messages(self) -> None:
        if not hasattr(self, "store"):
            return
        shown_now = self.store.page(self.conversation, 1000).messages
        assert bool(shown_now) == self.has_messages()
        assert [message.parent_id for message in shown_now] == [None, *(message.id for message in shown_now)][:-1] or (
            not shown_now
        )
        for message in shown_now:
            assert message.id in message.siblings
            assert message.text == self.texts[message.id]

    @invariant()
    def nothing_was_overwritten(self) -> None:
        if hasattr(self, "store"):
            rows = self.db.rows("SELECT id, text FROM messages")
            assert {row["id"]: row["text"] for row in rows} == self.texts


TestConversing = Conversing.TestCase
TestConversing.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
