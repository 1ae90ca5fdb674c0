"""Opening the database: what it may look like before it is touched, how it is kept safe, and one connection to it.

Journal: WAL, `synchronous=FULL`. A commit survives `kill -9` of any process because it is in the kernel's hands, and
a loss of power because it was flushed first, as far as the disk tells the truth about flushing. The flush costs one
write of the journal about once a second, in the thread that owns the connection.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeAlias

import sqlite_utils
from sqlite_utils import Migrations

from app.errors import AppError
from app.files import make_folder
from app.store.migrations import STORE
from app.store.segments import register_functions
from app.store.sqlite_faults import faults_of

BUSY_TIMEOUT_S = 5.0
"""Only the backend writes; this is for other programs that may look into the file."""
CHECKED_BYTES = 64 * 1024 * 1024
"""A larger file is checked page by page only after an unclean end: that takes its time."""
GREATEST_ID = 2**63 - 1
"""SQLite's integers have 64 bits; a greater number is nobody's id."""

Parameters: TypeAlias = Sequence[object] | dict[str, object]


class Database(sqlite_utils.Database):
    """One connection. It may be used from any thread, by one at a time. Faults of the file are raised as AppError."""

    def __init__(self, path: Path, mode: str) -> None:
        self.path = path
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
        super().__init__(connection, execute_plugins=False)

    def rows(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """All rows of one statement; columns by name."""
        with faults_of(self.path):
            cursor = self.conn.cursor()
            cursor.row_factory = sqlite3.Row
            return cursor.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Parameters = ()) -> sqlite3.Row | None:
        """The first row of one statement, if there is any."""
        return next(iter(self.rows(sql, parameters)), None)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block is stored, or none of it."""
        with faults_of(self.path), self.atomic():
            yield


def open_database(path: Path, migrations: Sequence[Migrations] = (STORE,)) -> Database:
    """The database, made or brought up to date, to be written by this process alone.

    Raises AppError: "database_newer" (the file is then left exactly as it was), "database_damaged", "disk_full",
    "folder_read_only".
    """
    with faults_of(path):
        make_folder(path.parent)
        exists = path.exists() and path.stat().st_size > 0
        if exists and not _side_file(path, "-journal").exists():
            _inspect(path, migrations)
        # The descriptor says at once whether the file may be written, and makes a new one nobody else can read.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        db = Database(path, "rw")
        try:
            _prepare(db, migrations)
        except BaseException:
            db.close()
            raise
        return db


def open_reader(path: Path) -> Database:
    """A second connection that only reads, and never waits for the one that writes. Raises AppError."""
    with faults_of(path):
        return Database(path, "ro")


def _prepare(db: Database, migrations: Sequence[Migrations]) -> None:
    """Set the connection up and apply the missing steps, all or none, after keeping a copy of what was there."""
    register_functions(db.conn)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        db.execute(f"PRAGMA {pragma}").fetchall()
    _refuse_newer(db, db.path, migrations)
    if not any(steps.pending(db) for steps in migrations):
        return
    if db.table_names():
        _keep_copy(db, next(step.name for steps in migrations for step in steps.pending(db)))
    with db.atomic():
        for steps in migrations:
            steps.apply(db)


def _inspect(path: Path, migrations: Sequence[Migrations]) -> None:
    """Look at an existing file without leaving a trace: is it newer, is it damaged?

    `immutable` keeps SQLite from making files of its own, but also from seeing a journal that a killed process left:
    where one is, it is read, too.
    """
    journal = _side_file(path, "-wal")
    unclean = journal.exists() and journal.stat().st_size > 0
    uri = f"{path.absolute().as_uri()}?mode=ro" + ("" if unclean else "&immutable=1")
    with closing(_plain(sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S))) as db:
        _refuse_newer(db, path, migrations)
        if unclean or path.stat().st_size <= CHECKED_BYTES:
            _refuse_damaged(db, path)


def _refuse_newer(db: sqlite_utils.Database, path: Path, migrations: Sequence[Migrations]) -> None:
    """Raise AppError("database_newer") where steps were applied that this version does not know."""
    table = Migrations.migrations_table
    if table not in db.table_names():
        return
    applied = set(db.execute(f"SELECT migration_set, name FROM {table}").fetchall())
    with closing(_plain(sqlite3.connect(":memory:"))) as empty:
        known = {(steps.name, step.name) for steps in migrations for step in steps.pending(empty)}
    if applied - known:
        raise AppError("database_newer", path=str(path))


def _refuse_damaged(db: sqlite_utils.Database, path: Path) -> None:
    """Raise AppError("database_damaged") with the first thing that is wrong with a page or an index."""
    (finding,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if finding != "ok":
        raise AppError("database_damaged", path=str(path), reason=str(finding))


def _keep_copy(db: Database, step: str) -> None:
    """Keep a verified copy of the database beside it, as it was before `step`; older copies go."""
    copy = _copy_path(db.path, step)
    temporary = _side_file(copy, ".part")
    _remove(temporary)
    try:
        with faults_of(db.path):  # told here: afterwards the disk is no longer full
            _copy(db, temporary)
        _verify_copy(db, temporary)
        os.replace(temporary, copy)
    except BaseException:
        _remove(temporary)
        raise
    for older in copy.parent.glob(_copy_path(db.path, "*").name):
        if older != copy:
            older.unlink()


def _copy(db: Database, copy: Path) -> None:
    """Write a copy that is one file and needs no journal beside it."""
    os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(copy)) as target:
        db.conn.backup(target)
        target.execute("PRAGMA journal_mode = DELETE").fetchall()


def _verify_copy(db: Database, copy: Path) -> None:
    """Read the copy again: every page in order, every table as long as the original's."""
    uri = f"{copy.absolute().as_uri()}?mode=ro&immutable=1"
    with closing(_plain(sqlite3.connect(uri, uri=True))) as copied:
        _refuse_damaged(copied, copy)
        for table in ("conversations", "messages"):
            count = f"SELECT count(*) FROM {table}"
            if table in db.table_names() and copied.execute(count).fetchone() != db.execute(count).fetchone():
                raise AppError("database_damaged", path=str(copy), reason=f"copy of {table} is incomplete")


def _plain(connection: sqlite3.Connection) -> sqlite_utils.Database:
    """A connection without the plug-ins that may be installed for sqlite-utils."""
    return sqlite_utils.Database(connection, execute_plugins=False)


def _remove(path: Path) -> None:
    """Remove a database, if there is one, with the files SQLite may have left beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        _side_file(path, suffix).unlink(missing_ok=True)


def _side_file(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _copy_path(path: Path, step: str) -> Path:
    return path.with_name(f"{path.stem}-before-{step}{path.suffix}")
