"""All that is stored: conversations, their messages as trees, answers while they are written, and pictures."""

import sqlite3
from collections.abc import Sequence

from msgspec import UNSET

from app.errors import AppError
from app.protocol import FinishReason, Message, MessageState, NewMessage, Role, Started
from app.store import images, records, tree
from app.store.images import Image
from app.store.messages import Messages
from app.store.titles import automatic_title

_CUT = (FinishReason.LENGTH, FinishReason.CONTEXT_FULL)


class Store(Messages):
    """Every method is one transaction; ids that do not exist or were deleted raise AppError("conversation_not_found")
    or AppError("message_not_found")."""

    def recover(self, now: float) -> int:
        """Put in order what a killed process left, purge what expired. Returns how many answers were unfinished."""
        with self._db.transaction():
            rows = self._db.rows("UPDATE messages SET state = 'stopped' WHERE state = 'streaming' RETURNING id")
            self.purge(now)
        return len(rows)

    def close(self) -> None:
        self._db.close()

    def begin_answer(self, conversation_id: int, asked: NewMessage, model: str, now: float) -> Started:
        """Store a question and, below it, the empty answer that `model` (a name) begins to write; both are shown.

        Raises AppError("busy") where the question would follow an answer that is still being written, and
        AppError("image_not_found").
        """
        with self._db.transaction():
            conversation = self.get(conversation_id)
            parent_id = conversation.leaf_id if asked.parent_id is UNSET else asked.parent_id
            if parent_id is not None and self._row(parent_id, conversation_id)["state"] == MessageState.STREAMING:
                raise AppError("busy")
            images.check(self._db, asked.images)
            question = self._add_question(conversation_id, parent_id, asked, now)
            answer = self._add_answer(conversation_id, question, model, now)
            title = conversation.title or automatic_title(asked.text)
            shown = self._show(conversation_id, answer, title=title, updated=now)
            return Started(conversation=shown, question=self.message(question), answer=self.message(answer))

    def begin_regeneration(self, message_id: int, model: str, now: float) -> Started:
        """Begin another version of an answer, or the answer of a question or a tool's result that lost its own.

        Raises AppError("bad_request") for an answer that no question precedes.
        """
        with self._db.transaction():
            row = self._row(message_id)
            question = row["parent_id"] if row["role"] == Role.ASSISTANT else row["id"]
            if question is None:
                raise AppError("bad_request", reason="no_question_before")
            return self._begin_below(row["conversation_id"], question, model, now)

    def begin_continuation(self, message_id: int, model: str, now: float) -> Started:
        """Go on writing an answer that was cut off: its text stays, its error goes, its figures are kept for the sum.

        Raises AppError("bad_request") for an answer that ended by itself, waits for tools, or was followed.
        """
        with self._db.transaction():
            row = self._row(message_id)
            _check_cut(records.message(row))
            if tree.newest_below(self._db, message_id) != message_id:
                raise AppError("bad_request", reason="answer_was_followed")
            self._db.rows(
                "UPDATE messages SET state = 'streaming', error = NULL, model = ? WHERE id = ?", (model, message_id)
            )
            shown = self._show(row["conversation_id"], message_id, updated=now)
            return Started(conversation=shown, answer=self.message(message_id))

    def begin_after_tools(
        self, message_id: int, results: Sequence[tuple[str, str]], model: str, now: float
    ) -> tuple[list[Message], Started]:
        """Store what the tools answered, (call id, text) each, one message below the other, and begin the next answer.

        Returns the results as messages, and what was begun. Raises AppError("bad_request") where no tool was called.
        """
        with self._db.transaction():
            row = self._row(message_id)
            if not records.message(row).tool_calls or row["state"] == MessageState.STREAMING:
                raise AppError("bad_request", reason="no_tool_called")
            ids: list[int] = []
            for call_id, text in results:
                parent_id = ids[-1] if ids else message_id
                ids.append(self._add_result(row["conversation_id"], parent_id, call_id, text, now))
            started = self._begin_below(row["conversation_id"], ids[-1], model, now)
            return [self.message(result) for result in ids], started

    def checkpoint(self, message_id: int, text: str, thinking: str, context_from: int | None = None) -> None:
        """Store what an answer has said so far. An answer that has ended, or is gone, is left alone."""
        with self._db.transaction():
            self._db.rows(
                "UPDATE messages SET text = ?, thinking = ?, context_from = ? WHERE id = ? AND state = 'streaming'",
                (text, thinking, context_from, message_id),
            )

    def finish(self, message: Message) -> Message:
        """Store the end of an answer: all it consists of, state, stats and error. A deleted one is stored as well."""
        values = (message.text, message.thinking, records.column(message.tool_calls), message.context_from)
        ends = (message.state, records.column(message.stats), records.column(message.error))
        with self._db.transaction():
            rows = self._db.rows(
                "UPDATE messages SET text = ?, thinking = ?, tool_calls = ?, context_from = ?, state = ?, stats = ?,"
                " error = ? WHERE id = ? RETURNING *",
                (*values, *ends, message.id),
            )
            if not rows:
                raise AppError("message_not_found", id=message.id)
            return self._with_siblings(rows)[0]

    def conversation_ids(self) -> set[int]:
        """Those that are not deleted."""
        return {row["id"] for row in self._db.rows("SELECT id FROM conversations WHERE deleted_at IS NULL")}

    def add_image(self, image: Image, now: float) -> str:
        """Keep a picture. Returns its id."""
        return images.add(self._db, image, now)

    def image(self, image_id: str) -> Image:
        """One picture. Raises AppError("image_not_found")."""
        return images.get(self._db, image_id)

    def _begin_below(self, conversation_id: int, parent_id: int, model: str, now: float) -> Started:
        answer = self._add_answer(conversation_id, parent_id, model, now)
        shown = self._show(conversation_id, answer, updated=now)
        return Started(conversation=shown, answer=self.message(answer))

    def _add_question(self, conversation_id: int, parent_id: int | None, asked: NewMessage, now: float) -> int:
        return _id_of(
            self._db.rows(
                "INSERT INTO messages (conversation_id, parent_id, role, text, images, created)"
                " VALUES (?, ?, 'user', ?, ?, ?) RETURNING id",
                (conversation_id, parent_id, asked.text, records.column(asked.images), now),
            )
        )

    def _add_answer(self, conversation_id: int, parent_id: int, model: str, now: float) -> int:
        """An empty answer that is being written. Returns its id, as above."""
        return _id_of(
            self._db.rows(
                "INSERT INTO messages (conversation_id, parent_id, role, state, model, created)"
                " VALUES (?, ?, 'assistant', 'streaming', ?, ?) RETURNING id",
                (conversation_id, parent_id, model, now),
            )
        )

    def _add_result(self, conversation_id: int, parent_id: int, call_id: str, text: str, now: float) -> int:
        return _id_of(
            self._db.rows(
                "INSERT INTO messages (conversation_id, parent_id, role, text, tool_call_id, created)"
                " VALUES (?, ?, 'tool', ?, ?, ?) RETURNING id",
                (conversation_id, parent_id, text, call_id, now),
            )
        )


def _id_of(rows: list[sqlite3.Row]) -> int:
    return int(rows[0]["id"])


def _check_cut(message: Message) -> None:
    """Raise AppError where there is nothing to go on with."""
    if message.state is MessageState.STREAMING:
        raise AppError("busy")
    limited = message.stats is not None and message.stats.finish_reason in _CUT
    cut = message.state in (MessageState.STOPPED, MessageState.FAILED) or limited
    if message.role is not Role.ASSISTANT or not cut or message.tool_calls:
        raise AppError("bad_request", reason="answer_not_cut")
