"""The list of conversations: making, changing, deleting and restoring them."""

import builtins

from msgspec import UNSET

from app.errors import AppError
from app.protocol import Conversation, ConversationChange, NewConversation
from app.store import images, records
from app.store.database import GREATEST_ID, Database

KEPT_S = 30 * 24 * 3600.0
"""How long what was deleted can be restored."""


class Conversations:
    """Every method is one transaction. Points in time are Unix seconds. A full disk or damage is raised as AppError."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, conversation_id: int) -> Conversation:
        """One conversation. Raises AppError("conversation_not_found"), also for a deleted one."""
        if abs(conversation_id) > GREATEST_ID:
            raise AppError("conversation_not_found", id=conversation_id)
        row = self._db.row("SELECT * FROM conversations WHERE id = ? AND deleted_at IS NULL", (conversation_id,))
        if row is None:
            raise AppError("conversation_not_found", id=conversation_id)
        return records.conversation(row)

    def list(self, limit: int, before: int | None = None) -> builtins.list[Conversation]:
        """Pinned ones first, then the newest `updated`; those after the conversation `before` in that order."""
        columns = "(pinned, updated, id)"
        after = (
            "" if before is None else f"AND {columns} < (SELECT pinned, updated, id FROM conversations WHERE id = ?)"
        )
        rows = self._db.rows(
            f"SELECT * FROM conversations WHERE deleted_at IS NULL {after}"
            " ORDER BY pinned DESC, updated DESC, id DESC LIMIT ?",
            (limit,) if before is None else (before, limit),
        )
        return [records.conversation(row) for row in rows]

    def create(self, new: NewConversation, now: float) -> Conversation:
        """A new, empty conversation."""
        with self._db.transaction():
            rows = self._db.rows(
                "INSERT INTO conversations (title, folder, model, system_prompt, options, created, updated)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *",
                (new.title, new.folder, new.model, new.system_prompt, records.column(new.options), now, now),
            )
        return records.conversation(rows[0])

    def change(self, conversation_id: int, change: ConversationChange) -> Conversation:
        """Set the given fields. It keeps its place in the list: that follows what is said, not how it is called."""
        fields = {name: getattr(change, name) for name in change.__struct_fields__}
        fields = {name: value for name, value in fields.items() if value is not UNSET}
        if change.options is not UNSET:
            fields["options"] = records.column(change.options)
        with self._db.transaction():
            self.get(conversation_id)
            if fields:
                assignments = ", ".join(f"{name} = ?" for name in fields)
                self._db.rows(
                    f"UPDATE conversations SET {assignments} WHERE id = ?", (*fields.values(), conversation_id)
                )
            return self.get(conversation_id)

    def delete(self, conversation_id: int, now: float) -> Conversation:
        """Hide a conversation; it can be restored until it is purged. Returns it as it was."""
        with self._db.transaction():
            conversation = self.get(conversation_id)
            self._db.rows("UPDATE conversations SET deleted_at = ? WHERE id = ?", (now, conversation_id))
        return conversation

    def restore(self, conversation_id: int) -> Conversation:
        """Undo deleting. One that is not deleted stays as it is."""
        with self._db.transaction():
            self._db.rows("UPDATE conversations SET deleted_at = NULL WHERE id = ?", (conversation_id,))
            return self.get(conversation_id)

    def purge(self, now: float) -> None:
        """Remove for good what was deleted more than KEPT_S ago, messages with all that follows them."""
        with self._db.transaction():
            self._db.rows("DELETE FROM conversations WHERE deleted_at < ?", (now - KEPT_S,))
            self._db.rows(
                """
                WITH RECURSIVE expired (id) AS (
                    SELECT id FROM messages WHERE deleted_at < ?
                    UNION SELECT messages.id FROM messages JOIN expired ON messages.parent_id = expired.id
                )
                DELETE FROM messages WHERE id IN expired
                """,
                (now - KEPT_S,),
            )
            images.drop_unused(self._db, now)
