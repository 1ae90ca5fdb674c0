"""What was measured on this machine, kept in a plain table: one row a figure, which anyone may read or clear.

The backend opens the database and hands it in. Only the newest figures of a kind are kept for each model.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlite_utils import Database, Migrations

from app.protocol import Measurement, MeasurementKind

MEASUREMENTS = Migrations("measurements")
KEPT = 50
"""Figures of one kind for one model on one device."""
KEPT_IN_ALL = 5000
"""Of all models together; those of the calibration are not counted."""

_COLUMNS = "id, created, kind, model, device, key, build, depth, tokens, predicted, stated, measured"


@MEASUREMENTS(name="0001_measurements")
def _measurements(db: Database) -> None:
    """`key` says which hardware and driver it was: figures of another are of no use."""
    db.execute(
        """
        CREATE TABLE measurements (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            created REAL NOT NULL,
            kind TEXT NOT NULL,
            model TEXT NOT NULL,
            device TEXT NOT NULL,
            key TEXT NOT NULL,
            build TEXT NOT NULL,
            depth INTEGER NOT NULL,
            tokens INTEGER NOT NULL,
            predicted REAL,
            stated REAL,
            measured REAL NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX measurements_of_model ON measurements (model, device, kind)")


class Rows(Protocol):
    """The part of a database that is used here."""

    def rows(self, sql: str, parameters: Any = ...) -> list[sqlite3.Row]: ...

    def execute(self, sql: str, parameters: Any = ...) -> sqlite3.Cursor: ...

    def transaction(self) -> AbstractContextManager[None]: ...


class Measurements:
    """The figures, read and written in the thread that owns the database. Every method may raise AppError."""

    def __init__(self, database: Rows) -> None:
        self._database = database

    def all(self, limit: int = 1000) -> list[Measurement]:
        """The newest, newest first; those of no model, the calibration's, whatever their age."""
        found = self._database.rows(
            f"""
            SELECT {_COLUMNS} FROM measurements
            WHERE model = '' OR id IN (SELECT id FROM measurements ORDER BY id DESC LIMIT ?)
            ORDER BY id DESC
            """,
            (limit,),
        )
        return [_measurement(row) for row in found]

    def add(self, measurements: Sequence[Measurement]) -> None:
        """Store them all (their ids are given here), and let the oldest of each kind go."""
        with self._database.transaction():
            for one in measurements:
                self._database.execute(
                    f"INSERT INTO measurements ({_COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        one.created, one.kind.value, one.model, one.device, one.key, one.build,
                        one.depth, one.tokens, one.predicted, one.stated, one.measured,
                    ),
                )  # fmt: skip
                self._database.execute(
                    """
                    DELETE FROM measurements WHERE model = ? AND device = ? AND kind = ? AND id NOT IN (
                        SELECT id FROM measurements WHERE model = ? AND device = ? AND kind = ?
                        ORDER BY id DESC LIMIT ?
                    )
                    """,
                    (one.model, one.device, one.kind.value, one.model, one.device, one.kind.value, KEPT),
                )

            self._database.execute(
                """
                DELETE FROM measurements WHERE model != '' AND id NOT IN (
                    SELECT id FROM measurements WHERE model != '' ORDER BY id DESC LIMIT ?
                )
                """,
                (KEPT_IN_ALL,),
            )

    def clear(self) -> None:
        """Forget everything that was measured."""
        with self._database.transaction():
            self._database.execute("DELETE FROM measurements")


def _measurement(row: sqlite3.Row) -> Measurement:
    return Measurement(
        id=row["id"],
        created=row["created"],
        kind=MeasurementKind(row["kind"]),
        model=row["model"],
        device=row["device"],
        key=row["key"],
        build=row["build"],
        depth=row["depth"],
        tokens=row["tokens"],
        predicted=row["predicted"],
        stated=row["stated"],
        measured=row["measured"],
    )
