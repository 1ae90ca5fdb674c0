"""The trees that messages form, as queries: the branch above a message, the versions beside it, what follows it."""

import json
import sqlite3
from collections.abc import Sequence

from app.store.database import Database

_BELOW = """
    WITH RECURSIVE below (id) AS (
        SELECT id FROM messages WHERE id = :id AND deleted_at IS :deleted_at
        UNION ALL
        SELECT messages.id FROM messages JOIN below ON messages.parent_id = below.id
        WHERE messages.deleted_at IS :deleted_at
    )
"""
"""A message and all that follows it, as far as it was deleted at the same moment (NULL: is not deleted)."""


def branch(db: Database, message_id: int | None, limit: int = -1) -> list[sqlite3.Row]:
    """The message and those before it, oldest first; at most `limit` of them, the newest. -1: all."""
    return db.rows(
        """
        WITH RECURSIVE branch (id, parent_id, height) AS (
            SELECT id, parent_id, 0 FROM messages WHERE id = :id
            UNION ALL
            SELECT messages.id, messages.parent_id, height + 1
            FROM branch JOIN messages ON messages.id = branch.parent_id
            LIMIT :limit
        )
        SELECT messages.* FROM branch JOIN messages USING (id) ORDER BY height DESC
        """,
        {"id": message_id, "limit": limit},
    )


def siblings(db: Database, conversation_id: int, parents: Sequence[int | None]) -> dict[int | None, tuple[int, ...]]:
    """For each parent the ids of the messages below it, in order of creation. None stands for the tree's roots."""
    rows = db.rows(
        """
        SELECT messages.parent_id, messages.id
        FROM json_each(?) AS parents
        JOIN messages ON messages.conversation_id = ? AND messages.parent_id IS parents.value
        WHERE messages.deleted_at IS NULL ORDER BY messages.id
        """,
        (json.dumps(list(set(parents))), conversation_id),
    )
    versions: dict[int | None, tuple[int, ...]] = {}
    for parent_id, message_id in rows:
        versions[parent_id] = (*versions.get(parent_id, ()), message_id)
    return versions


def newest_below(db: Database, message_id: int) -> int:
    """The last message of the newest branch through this one: ids grow downwards, so the greatest is a leaf."""
    row = db.row(f"{_BELOW} SELECT max(id) FROM below", {"id": message_id, "deleted_at": None})
    return message_id if row is None or row[0] is None else int(row[0])


def newest_leaf(db: Database, conversation_id: int) -> int | None:
    """The last message of the newest branch of a conversation; None where there is no message."""
    row = db.row("SELECT max(id) FROM messages WHERE conversation_id = ? AND deleted_at IS NULL", (conversation_id,))
    return None if row is None else row[0]


def delete_below(db: Database, message_id: int, now: float) -> set[int]:
    """Mark the message and all that follows it as deleted now. Returns their ids."""
    rows = db.rows(
        f"{_BELOW} UPDATE messages SET deleted_at = :now WHERE id IN below RETURNING id",
        {"id": message_id, "deleted_at": None, "now": now},
    )
    return {row["id"] for row in rows}


def restore_below(db: Database, message_id: int, deleted_at: float) -> None:
    """Undo one deleting: what had been deleted before it stays deleted."""
    db.rows(
        f"{_BELOW} UPDATE messages SET deleted_at = NULL WHERE id IN below",
        {"id": message_id, "deleted_at": deleted_at},
    )
