"""The schema of the conversations, as a list of small named steps.

A step that was released is never changed. Each new one gets a database of the version before under tests/store/data.
"""

from sqlite_utils import Database, Migrations

STORE = Migrations("store")


@STORE(name="0001_tree")
def _tree(db: Database) -> None:
    """Conversations, and their messages as trees: `parent_id` leads up, `leaf_id` is the end of the shown branch.

    `leaf_id` has no foreign key: SQLite would look through all conversations for every message that is purged.
    Ids are never used twice, so an id that a window still holds cannot come to mean something else.
    """
    db.execute(
        """
        CREATE TABLE conversations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            title TEXT NOT NULL DEFAULT '',
            created REAL NOT NULL,
            updated REAL NOT NULL,
            pinned INTEGER NOT NULL DEFAULT 0,
            folder TEXT NOT NULL DEFAULT '',
            model TEXT NOT NULL DEFAULT '',
            system_prompt TEXT NOT NULL DEFAULT '',
            leaf_id INTEGER
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE messages (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            conversation_id INTEGER NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
            parent_id INTEGER REFERENCES messages(id),
            role TEXT NOT NULL,
            text TEXT NOT NULL DEFAULT '',
            thinking TEXT NOT NULL DEFAULT '',
            state TEXT NOT NULL DEFAULT 'complete',
            created REAL NOT NULL,
            model TEXT NOT NULL DEFAULT '',
            stats TEXT,
            error TEXT
        ) STRICT
        """
    )
    db.execute("CREATE INDEX messages_of_conversation ON messages (conversation_id, parent_id)")
    db.execute("CREATE INDEX messages_of_parent ON messages (parent_id)")
    db.execute("CREATE INDEX messages_in_writing ON messages (id) WHERE state = 'streaming'")


@STORE(name="0002_search")
def _search(db: Database) -> None:
    """Full-text indexes that hold no text of their own. An answer is indexed once, when it has been written."""
    for table, column in (("messages", "text"), ("conversations", "title")):
        db.execute(
            f"""
            CREATE VIRTUAL TABLE {table}_search USING fts5 (
                {column}, content='', prefix='1 2 3', tokenize="unicode61 remove_diacritics 2"
            )
            """
        )
    _index_text(db, "messages", "text", written="{row}.state <> 'streaming'")
    _index_text(db, "conversations", "title", written="TRUE")
    db.execute(
        "INSERT INTO messages_search (rowid, text) SELECT id, seg(text) FROM messages WHERE state <> 'streaming'"
    )
    db.execute("INSERT INTO conversations_search (rowid, title) SELECT id, seg(title) FROM conversations")


def _index_text(db: Database, table: str, column: str, written: str) -> None:
    """Triggers that keep an index true. `written` is the condition under which a `{row}` belongs into it."""
    add = f"INSERT INTO {table}_search (rowid, {column}) VALUES (new.id, seg(new.{column}))"
    remove = (
        f"INSERT INTO {table}_search ({table}_search, rowid, {column}) VALUES ('delete', old.id, seg(old.{column}))"
    )
    was, is_now = written.format(row="old"), written.format(row="new")
    differs = f"(old.{column} <> new.{column} OR ({was}) <> ({is_now}))"
    changed = f"AFTER UPDATE OF {column}{', state' if table == 'messages' else ''} ON {table}"
    for name, event, condition, action in (
        ("added", f"AFTER INSERT ON {table}", is_now, add),
        ("removed", f"AFTER DELETE ON {table}", was, remove),
        ("changed_from", changed, f"{was} AND {differs}", remove),
        ("changed_to", changed, f"{is_now} AND {differs}", add),
    ):
        db.execute(f"CREATE TRIGGER {table}_search_{name} {event} WHEN {condition} BEGIN {action}; END")


@STORE(name="0003_undo")
def _undo(db: Database) -> None:
    """Deleting marks with a time; what is marked can be restored until it is purged."""
    db.execute("ALTER TABLE conversations ADD COLUMN deleted_at REAL")
    db.execute("ALTER TABLE messages ADD COLUMN deleted_at REAL")
    db.execute(
        "CREATE INDEX conversations_in_list ON conversations (pinned DESC, updated DESC, id DESC)"
        " WHERE deleted_at IS NULL"
    )
    db.execute("CREATE INDEX conversations_deleted ON conversations (deleted_at) WHERE deleted_at IS NOT NULL")
    db.execute("CREATE INDEX messages_deleted ON messages (deleted_at) WHERE deleted_at IS NOT NULL")


@STORE(name="0004_tools_and_images")
def _tools_and_images(db: Database) -> None:
    """How a conversation is answered, calls of tools with their results, pictures, and what the context left out.

    `images` names pictures by their SHA-256, as a JSON list; a picture may belong to any number of messages. NULL
    stands for the defaults everywhere.
    """
    db.execute("ALTER TABLE conversations ADD COLUMN options TEXT")
    for column in ("tool_calls TEXT", "tool_call_id TEXT NOT NULL DEFAULT ''", "images TEXT", "context_from INTEGER"):
        db.execute(f"ALTER TABLE messages ADD COLUMN {column}")
    db.execute(
        """
        CREATE TABLE images (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            created REAL NOT NULL,
            bytes BLOB NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX messages_with_images ON messages (id) WHERE images IS NOT NULL")
    _index_said_only(db)


def _index_said_only(db: Database) -> None:
    """From here on only what persons and models said is found, not what tools answered."""
    for name in ("added", "removed", "changed_from", "changed_to"):
        db.execute(f"DROP TRIGGER messages_search_{name}")
    _index_text(db, "messages", "text", written="({row}.state <> 'streaming' AND {row}.role IN ('user', 'assistant'))")
