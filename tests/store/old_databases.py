"""Makes the databases of every schema version that tests/store/data keeps: `python -m tests.store.old_databases`.

Run it after adding a step; it makes what is missing and never touches what is there: those were written by the code of
their time.
"""

from pathlib import Path

import sqlite_utils

from app.store.migrations import STORE
from app.store.segments import register_functions

STATS = (
    '{"prompt_tokens":12,"answer_tokens":5,"ttft_s":0.1,"decode_s":0.5,"context_length":1024,"finish_reason":"length"}'
)
ERROR = '{"code":"worker_died","values":{"model":"Starter","reason":"signal 9"}}'
SAMPLE: list[tuple[str, str, list[tuple[object, ...]]]] = [
    (
        "conversations",
        "id, title, created, updated, pinned, folder, model, system_prompt, leaf_id",
        [
            (1, "量化", 10.0, 30.0, 1, "Work", "starter", "Be brief.", 4),
            (2, "Kept café", 11.0, 20.0, 0, "", "", "", 6),
        ],
    ),
    (
        "messages",
        "id, conversation_id, parent_id, role, text, thinking, state, created, model, stats, error",
        [
            (1, 1, None, "user", "显存够吗?", "", "complete", 12.0, "", None, None),
            (2, 1, 1, "assistant", "It fits.", "let me see", "complete", 13.0, "Starter", STATS, None),
            (3, 1, 1, "assistant", "够了。", "", "stopped", 14.0, "Starter", None, None),
            (4, 1, 3, "user", "Why?", "", "complete", 15.0, "", None, None),
            (5, 2, None, "user", "Hello", "", "complete", 16.0, "", None, None),
            (6, 2, 5, "assistant", "Half an ans", "", "failed", 17.0, "Starter", None, ERROR),
            (7, 2, 5, "assistant", "Still wri", "", "streaming", 18.0, "Starter", None, None),
        ],
    ),
]
"""What every kept database holds: branches, Chinese, thinking, figures, an error, and an answer in writing."""
OPTIONS = '{"sampling":{"temperature":0.2},"context_policy":"drop_oldest","tools":["get_time"]}'
IMAGE = "ab" * 32
LATER = {
    4: [
        f"UPDATE conversations SET options = '{OPTIONS}' WHERE id = 1",
        f"""UPDATE messages SET images = '["{IMAGE}"]' WHERE id = 1""",
        """UPDATE messages SET context_from = 1, tool_calls = '[{"id":"call_1","name":"get_time"}]' WHERE id = 2""",
        """INSERT INTO messages (id, conversation_id, parent_id, role, text, tool_call_id, created)
        VALUES (8, 1, 2, 'tool', 'noon', 'call_1', 19.0)""",
        f"INSERT INTO images (id, kind, created, bytes) VALUES ('{IMAGE}', 'image/png', 12.0, x'0102')",
    ]
}
"""What databases from a version on hold besides."""
DATA = Path(__file__).parent / "data"


def steps() -> list[str]:
    """The names of all steps, oldest first."""
    empty = sqlite_utils.Database(memory=True)
    names = [step.name for step in STORE.pending(empty)]
    empty.close()
    return names


def database_of(version: int) -> Path:
    """The kept database to which the first `version` steps had been applied."""
    return DATA / f"version_{version}.db"


def make(path: Path, version: int) -> None:
    """Write a database of that version that holds SAMPLE."""
    db = sqlite_utils.Database(path, execute_plugins=False)
    register_functions(db.conn)
    STORE.apply(db, stop_before=steps()[version:])
    with db.atomic():
        for table, columns, rows in SAMPLE:
            places = ", ".join("?" * (columns.count(",") + 1))
            for row in rows:
                db.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", row)
        for statement in (each for since, later in LATER.items() if since <= version for each in later):
            db.execute(statement)
    db.close()


def main() -> None:
    for version in range(1, len(steps()) + 1):
        if not database_of(version).exists():
            make(database_of(version), version)


if __name__ == "__main__":
    main()
