"""Messages as they are read, shown, deleted and restored: trees in which nothing is overwritten."""

import sqlite3

from app.errors import AppError
from app.protocol import Conversation, Message, MessagePage
from app.store import records, tree
from app.store.conversations import Conversations
from app.store.database import GREATEST_ID


class Messages(Conversations):
    """Every method is one transaction; ids that do not exist or were deleted raise AppError("conversation_not_found")
    or AppError("message_not_found")."""

    def message(self, message_id: int) -> Message:
        """One message, with the ids of all its versions."""
        return self._with_siblings([self._row(message_id)])[0]

    def page(self, conversation_id: int, limit: int, before: int | None = None) -> MessagePage:
        """The newest `limit` messages of the shown branch, or of what precedes the message `before`."""
        last = self.get(conversation_id).leaf_id if before is None else self._row(before, conversation_id)["parent_id"]
        rows = tree.branch(self._db, last, limit + 1)
        return MessagePage(messages=self._with_siblings(rows[-limit:]), has_more=len(rows) > limit)

    def branch(self, message_id: int) -> list[Message]:
        """The message and all before it, oldest first: what a prompt is made of. `siblings` are left out."""
        self._row(message_id)
        return [records.message(row) for row in tree.branch(self._db, message_id)]

    def show(self, message_id: int) -> Conversation:
        """Show the newest branch that goes through this message."""
        with self._db.transaction():
            row = self._row(message_id)
            return self._show(row["conversation_id"], tree.newest_below(self._db, message_id))

    def delete_message(self, message_id: int, now: float) -> Conversation:
        """Delete a message and what follows it. If they were shown, the newest branch beside them is now, or else what
        precedes them."""
        with self._db.transaction():
            row = self._row(message_id)
            conversation = self.get(row["conversation_id"])
            if conversation.leaf_id not in tree.delete_below(self._db, message_id, now):
                return conversation
            return self._show(conversation.id, self._newest_beside(row))

    def restore_message(self, message_id: int) -> Conversation:
        """Undo deleting a message, and show it. One that is not deleted is shown; its parent must not be deleted."""
        with self._db.transaction():
            row = self._db.row("SELECT * FROM messages WHERE id = ?", (message_id,))
            if row is not None and row["deleted_at"] is not None:
                if row["parent_id"] is not None:
                    self._row(row["parent_id"])
                tree.restore_below(self._db, message_id, row["deleted_at"])
            return self.show(message_id)

    def _row(self, message_id: int, conversation_id: int | None = None) -> sqlite3.Row:
        """The row of a message that is not deleted, and belongs to the conversation where one is given."""
        row = None
        if abs(message_id) <= GREATEST_ID:
            row = self._db.row("SELECT * FROM messages WHERE id = ? AND deleted_at IS NULL", (message_id,))
        if row is None or conversation_id not in (None, row["conversation_id"]):
            raise AppError("message_not_found", id=message_id)
        return row

    def _with_siblings(self, rows: list[sqlite3.Row]) -> list[Message]:
        """Messages of one conversation, each with its versions."""
        if not rows:
            return []
        versions = tree.siblings(self._db, rows[0]["conversation_id"], [row["parent_id"] for row in rows])
        return [records.message(row, versions.get(row["parent_id"], ())) for row in rows]

    def _show(
        self, conversation_id: int, leaf_id: int | None, title: str | None = None, updated: float | None = None
    ) -> Conversation:
        self._db.rows(
            "UPDATE conversations SET leaf_id = ?, title = coalesce(?, title), updated = coalesce(?, updated)"
            " WHERE id = ?",
            (leaf_id, title, updated, conversation_id),
        )
        return self.get(conversation_id)

    def _newest_beside(self, row: sqlite3.Row) -> int | None:
        """The leaf to show instead of a deleted message."""
        if row["parent_id"] is None:
            return tree.newest_leaf(self._db, row["conversation_id"])
        return tree.newest_below(self._db, row["parent_id"])
