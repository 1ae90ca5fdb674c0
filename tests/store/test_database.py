"""Opening: what a new file is like, what is refused untouched, what is kept before a change."""

import os
import shutil
import sqlite3
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlite_utils
from sqlite_utils import Migrations

from app.errors import AppError
from app.store.database import Database, open_database, open_reader
from app.store.migrations import STORE
from app.store.segments import register_functions
from app.store.store import Store
from tests.store.old_databases import make, steps
from tests.store.talk import say, shown, start

APPLIED = "_sqlite_migrations (migration_set, name, applied_at)"


def content(folder: Path) -> dict[str, bytes]:
    """Every file of the folder but the index of the journal, which any reader may make anew."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith("-shm")}


def leave_unclean(path: Path, write: Callable[[sqlite3.Connection], object]) -> None:
    """Leave the files as a process does that is killed after writing: copied while it has them open."""
    killed = path.with_name("killed")
    killed.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        register_functions(connection)
        write(connection)
        for file in path.parent.glob(f"{path.name}*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, killed)
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    for file in killed.iterdir():
        assert file.stat().st_size > 0
        file.rename(path.with_name(file.name))
    killed.rmdir()
    assert len(list(path.parent.iterdir())) == 2


def filled(path: Path) -> Path:
    """A closed database with something in it."""
    with closing(open_database(path)) as db:
        store = Store(db)
        for number in range(50):
            say(store, start(store).id, f"question {number} " * 50, f"answer {number} " * 50)
    return path


def test_a_new_database_is_for_its_owner_alone(path: Path) -> None:
    with closing(open_database(path)):
        files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert set(files.values()) == {0o600}
    assert "alcove.db" in files
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)]
)
def test_the_connection_is_set_up(db: Database, pragma: str, value: str | int) -> None:
    assert db.execute(f"PRAGMA {pragma}").fetchone() == (value,)


def test_an_empty_file_counts_as_new(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    with closing(open_database(path)) as db:
        assert Store(db).list(1) == []


def test_the_connection_may_move_to_another_thread(store: Store) -> None:
    made: list[int] = []
    thread = threading.Thread(target=lambda: made.append(start(store).id))
    thread.start()
    thread.join()
    assert [conversation.id for conversation in store.list(9)] == made


def test_a_failed_transaction_leaves_nothing(db: Database, store: Store) -> None:
    def fail() -> None:
        with db.transaction():
            start(store, "gone")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.list(9) == []


def test_a_reader_cannot_write(path: Path, db: Database) -> None:
    with closing(open_reader(path)) as reader, pytest.raises(AppError) as caught:
        reader.rows("UPDATE conversations SET pinned = 1")
    assert caught.value.code == "folder_read_only"


def test_nothing_is_kept_or_changed_when_there_is_nothing_to_do(path: Path) -> None:
    filled(path)
    before = content(path.parent)
    open_database(path).close()
    assert content(path.parent) == before


# ---------------------------------------------------------------- newer


def mark_newer(connection: sqlite3.Connection) -> None:
    with connection:
        connection.execute(f"INSERT INTO {APPLIED} VALUES ('store', '9999_x', '')")


def mark_foreign(connection: sqlite3.Connection) -> None:
    with connection:
        connection.execute(f"INSERT INTO {APPLIED} VALUES ('agents', '1', '')")


@pytest.mark.parametrize("mark", [mark_newer, mark_foreign])
def test_a_newer_database_is_refused_untouched(path: Path, mark: Callable[[sqlite3.Connection], object]) -> None:
    with closing(sqlite3.connect(filled(path))) as connection:
        mark(connection)
    before, touched = content(path.parent), path.stat().st_mtime_ns
    with pytest.raises(AppError) as caught:
        open_database(path)
    assert caught.value.info.code == "database_newer"
    assert str(path) in caught.value.message
    assert content(path.parent) == before
    assert sorted(file.name for file in path.parent.iterdir()) == ["alcove.db"]
    assert path.stat().st_mtime_ns == touched


def test_a_newer_database_that_was_killed_is_refused_untouched(path: Path) -> None:
    leave_unclean(filled(path), mark_newer)
    before = content(path.parent)
    with pytest.raises(AppError) as caught:
        open_database(path)
    assert caught.value.code == "database_newer"
    assert content(path.parent) == before


def test_sets_of_other_rooms_are_known_when_they_are_named(path: Path) -> None:
    other = Migrations("other")

    @other()
    def one(db: sqlite_utils.Database) -> None:
        db.execute("CREATE TABLE others (id INTEGER PRIMARY KEY) STRICT")

    open_database(path, (STORE, other)).close()
    with closing(open_database(path, (STORE, other))) as db:
        assert "others" in db.table_names()
    with pytest.raises(AppError) as caught:
        open_database(path)
    assert caught.value.code == "database_newer"


# ---------------------------------------------------------------- damaged


def damage_header(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 100 + path.read_bytes()[2100:])


def damage_by_cutting(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def damage_page(path: Path) -> None:
    """Garbage over the middle pages."""
    pages = path.stat().st_size // 4096
    with path.open("r+b") as file:
        file.seek(pages // 2 * 4096)
        file.write(os.urandom(8192))


@pytest.mark.parametrize("damage", [damage_header, damage_by_cutting, damage_page])
def test_a_damaged_database_is_said_to_be_damaged_and_left_alone(path: Path, damage: Callable[[Path], None]) -> None:
    damage(filled(path))
    before = content(path.parent)
    with pytest.raises(AppError) as caught:
        open_database(path)
    assert caught.value.code == "database_damaged"
    assert caught.value.values["path"] == str(path)
    assert caught.value.values["reason"]
    assert content(path.parent) == before


def test_damage_met_later_is_said_as_well(path: Path) -> None:
    with closing(open_database(filled(path))) as db:
        damage_page(path)
        with pytest.raises(AppError) as caught:
            read_everything(db)
        assert caught.value.code == "database_damaged"


def read_everything(db: Database) -> None:
    for table in ("messages", "conversations", "messages_search_data", "conversations_search_data"):
        db.rows(f"SELECT * FROM {table}")


def test_a_folder_in_the_place_of_the_database_is_no_damage(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(AppError) as caught:
        open_database(path)
    assert caught.value.code == "database_unavailable"


# ---------------------------------------------------------------- what an unclean end leaves


def add_title(connection: sqlite3.Connection) -> None:
    with connection:
        connection.execute("INSERT INTO conversations (title, created, updated) VALUES ('in the journal', 99, 99)")


def fill_half(connection: sqlite3.Connection) -> None:
    """A transaction too large for the cache, not committed: part of it is in the file, and a journal is there."""
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN")
    for _ in range(200):
        connection.execute("INSERT INTO other VALUES (hex(zeroblob(4000)))")


def test_what_a_killed_process_committed_is_there(path: Path) -> None:
    leave_unclean(filled(path), add_title)
    with closing(open_database(path)) as db:
        assert Store(db).list(1)[0].title == "in the journal"


def test_a_rollback_journal_is_rolled_back(path: Path) -> None:
    """A process killed while it made a new database leaves a journal of the old kind."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE other (text)")
    leave_unclean(path, fill_half)
    assert path.with_name("alcove.db-journal").exists()
    with closing(open_database(path)) as db:
        assert db.execute("SELECT count(*) FROM other").fetchone() == (0,)
        assert Store(db).list(1) == []


# ---------------------------------------------------------------- copies


def copies(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.glob("*-before-*"))


def old(path: Path, version: int = 1) -> Path:
    path.parent.mkdir(exist_ok=True)
    make(path, version)
    return path


def test_a_copy_is_kept_before_a_step(path: Path) -> None:
    original = old(path).read_bytes()
    open_database(path).close()
    (copy,) = copies(path)
    assert copy == f"alcove-before-{steps()[1]}.db"
    with closing(sqlite_utils.Database(path.with_name(copy))) as kept, closing(sqlite_utils.Database(path)) as now:
        assert [step.name for step in STORE.applied(kept)] == steps()[:1]
        rows = "SELECT id, text, thinking, state, parent_id FROM messages"
        assert kept.execute(rows).fetchall() == now.execute(rows).fetchall()
    assert len(path.with_name(copy).read_bytes()) == len(original)
    assert stat.S_IMODE(path.with_name(copy).stat().st_mode) == 0o600


def test_a_copy_holds_what_was_only_in_the_journal(path: Path) -> None:
    with closing(sqlite3.connect(old(path))) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    leave_unclean(path, add_title)
    open_database(path).close()
    with closing(sqlite_utils.Database(path.with_name(copies(path)[0]))) as kept:
        assert ("in the journal",) in kept.execute("SELECT title FROM conversations").fetchall()


def test_only_the_latest_copy_is_kept(path: Path) -> None:
    open_database(old(path, 1)).close()
    path.unlink()
    open_database(old(path, 2)).close()
    assert copies(path) == [f"alcove-before-{steps()[2]}.db"]


def test_a_new_database_has_no_copy(path: Path) -> None:
    open_database(path).close()
    assert copies(path) == []


def test_a_step_that_fails_leaves_the_database_as_it_was(path: Path) -> None:
    broken = Migrations("broken")

    @broken()
    def half(db: sqlite_utils.Database) -> None:
        db.execute("CREATE TABLE half (id INTEGER)")
        db.execute("INSERT INTO nowhere VALUES (1)")

    old(path)
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        open_database(path, (STORE, broken))
    with closing(sqlite_utils.Database(path)) as db:
        assert [step.name for step in STORE.applied(db)] == steps()[:1]
        assert "half" not in db.table_names()
    with closing(open_database(path)) as opened:
        assert shown(Store(opened), 1) == ["显存够吗?", "够了。", "Why?"]
