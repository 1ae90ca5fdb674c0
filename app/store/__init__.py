"""Conversations in SQLite: `open_database` opens the file, `Store` writes and reads it, `Search` finds text in it."""

import app.store.lean  # noqa: F401 (first of all: the modules beside it import sqlite-utils)
