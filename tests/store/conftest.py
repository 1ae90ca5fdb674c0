from collections.abc import Iterator
from pathlib import Path

import pytest

from app.store.database import Database, open_database
from app.store.search import Search
from app.store.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "alcove.db"


@pytest.fixture
def db(path: Path) -> Iterator[Database]:
    database = open_database(path)
    yield database
    database.close()


@pytest.fixture
def store(db: Database) -> Store:
    return Store(db)


@pytest.fixture
def search(store: Store, path: Path) -> Iterator[Search]:
    found = Search(path)
    yield found
    found.close()
