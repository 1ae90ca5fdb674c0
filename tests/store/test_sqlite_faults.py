"""Full disks and read-only folders, real ones: mounted for the test where it runs as root on Linux."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.errors import AppError
from app.store.database import open_database
from app.store.sqlite_faults import sqlite_error
from app.store.store import Store
from tests.store.old_databases import make
from tests.store.talk import answer, ask, say, shown, start

mounting = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="mounting a small disk needs Linux and root"
)


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"this machine does not let its root mount: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(folder))
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Makes a folder read-only, as a disk is that was mounted so: root is refused as well."""
    mounted: list[Path] = []

    def freeze(folder: Path) -> None:
        mount("--bind", str(folder), str(folder))
        mounted.append(folder)
        mount("-o", "remount,bind,ro", str(folder))

    yield freeze
    for folder in mounted:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Take all space that is left. Returns the file that holds it."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return ballast


def expect(code: str, folder: Path, work: Callable[[], object]) -> None:
    with pytest.raises(AppError) as caught:
        work()
    assert caught.value.code == code
    assert caught.value.values == {"folder": str(folder)}


@mounting
def test_a_full_disk_is_said_and_what_was_stored_is_whole(disk: Path) -> None:
    with closing(open_database(disk / "alcove.db")) as db:
        store = Store(db)
        conversation = start(store, "T").id
        say(store, conversation, "stored question", "stored answer")
        reply = ask(store, conversation, "another").answer
        store.checkpoint(reply.id, "as far as it went", "")
        ballast = fill(disk)
        expect("disk_full", disk, lambda: store.checkpoint(reply.id, "x" * 3_000_000, ""))
        expect("disk_full", disk, lambda: start(store, "y" * 3_000_000))
        assert shown(store, conversation) == ["stored question", "stored answer", "another", "as far as it went"]
        ballast.unlink()
        store.checkpoint(reply.id, "as far as it went, and on", "")
    with closing(open_database(disk / "alcove.db")) as db:
        assert Store(db).recover(now=1.0) == 1
        assert shown(Store(db), conversation)[-1] == "as far as it went, and on"


@mounting
def test_a_disk_that_fills_up_while_answers_are_written_loses_nothing_committed(disk: Path) -> None:
    committed: list[str] = []

    def go_on(store: Store, conversation: int) -> None:
        while True:
            text = f"message {len(committed)} " * 100
            answer(store, ask(store, conversation, "q"), text)
            committed.append(text)

    with closing(open_database(disk / "alcove.db")) as db:
        conversation = start(Store(db)).id
        expect("disk_full", disk, lambda: go_on(Store(db), conversation))
        assert committed
    with closing(sqlite3.connect(f"file:{disk}/alcove.db?mode=ro", uri=True)) as connection:
        stored = connection.execute("SELECT text FROM messages WHERE role = 'assistant' ORDER BY id").fetchall()
        assert [text for (text,) in stored if text] == committed
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@mounting
def test_a_full_disk_when_a_new_database_is_opened(disk: Path) -> None:
    fill(disk)
    expect("disk_full", disk, lambda: open_database(disk / "alcove.db"))


@mounting
def test_a_full_disk_when_an_old_database_is_opened_leaves_it_as_it_was(disk: Path) -> None:
    make(disk / "alcove.db", version=1)
    before = (disk / "alcove.db").read_bytes()
    ballast = fill(disk)
    expect("disk_full", disk, lambda: open_database(disk / "alcove.db"))
    ballast.unlink()
    assert [file.name for file in disk.glob("*before*")] == []
    with closing(sqlite3.connect(f"file:{disk}/alcove.db?mode=ro", uri=True)) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (7,)
    assert (disk / "alcove.db").read_bytes()[100:] == before[100:]
    with closing(open_database(disk / "alcove.db")) as db:
        assert shown(Store(db), 1) == ["显存够吗?", "够了。", "Why?"]


@mounting
def test_however_little_room_is_left_an_old_database_is_brought_up_to_date_or_left_old(disk: Path) -> None:
    """Space for the journal, for half of the copy, for the copy but not the steps: each is met once."""
    make(disk / "alcove.db", version=1)
    ballast = fill(disk)
    for freed in range(0, ballast.stat().st_size, 8192):
        os.truncate(ballast, ballast.stat().st_size - min(freed, 8192))
        try:
            open_database(disk / "alcove.db").close()
        except AppError as error:
            refused = error.info
        else:
            break
        assert refused.code == "disk_full"
        assert list(disk.glob("*.part*")) == []
        with closing(sqlite3.connect(f"file:{disk}/alcove.db?immutable=1", uri=True)) as connection:
            assert connection.execute("SELECT count(*) FROM _sqlite_migrations").fetchone() == (1,)
    assert freed > 8192 * 5
    with closing(open_database(disk / "alcove.db")) as db:
        assert shown(Store(db), 1) == ["显存够吗?", "够了。", "Why?"]
    assert len(list(disk.glob("*before*"))) == 1


@mounting
def test_a_read_only_folder_is_said(tmp_path: Path, read_only: Callable[[Path], None]) -> None:
    folder = tmp_path / "frozen"
    folder.mkdir()
    read_only(folder)
    expect("folder_read_only", folder, lambda: open_database(folder / "alcove.db"))
    expect("folder_read_only", folder / "deeper", lambda: open_database(folder / "deeper" / "alcove.db"))


@mounting
def test_a_database_in_a_read_only_folder_is_left_alone(tmp_path: Path, read_only: Callable[[Path], None]) -> None:
    folder = tmp_path / "frozen"
    open_database(folder / "alcove.db").close()
    read_only(folder)
    expect("folder_read_only", folder, lambda: open_database(folder / "alcove.db"))
    assert [file.name for file in folder.iterdir()] == ["alcove.db"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="becoming somebody else needs root")
def test_a_folder_of_somebody_else_is_said() -> None:
    """Permission bits, which do not count for root. The first opening imports all that the somebody may not read."""
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from app.errors import AppError\n"
        "from app.store.database import open_database\n"
        "path = Path(sys.argv[1])\n"
        "open_database(path).close()\n"
        "print(AppError('folder_read_only', folder='x'))\n"
        "os.chown(path, 65534, 65534)\n"
        "os.setuid(65534)\n"
        "try:\n"
        "    open_database(path)\n"
        "except AppError as error:\n"
        "    print(error.code)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        command = [sys.executable, "-c", script, f"{folder}/alcove.db"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.stdout.splitlines()[1:], done.stderr) == (["folder_read_only"], "")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_FULL, "disk_full"),
        (sqlite3.SQLITE_READONLY, "folder_read_only"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "folder_read_only"),
        (sqlite3.SQLITE_CORRUPT, "database_damaged"),
        (sqlite3.SQLITE_CORRUPT_VTAB, "database_damaged"),
        (sqlite3.SQLITE_NOTADB, "database_damaged"),
        (sqlite3.SQLITE_IOERR_READ, "database_unavailable"),
        (sqlite3.SQLITE_CANTOPEN, "database_unavailable"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "database_unavailable"),
        (sqlite3.SQLITE_LOCKED, "database_unavailable"),
        (sqlite3.SQLITE_CONSTRAINT, None),
        (None, None),
    ],
)
def test_codes_of_sqlite(tmp_path: Path, code: int | None, expected: str | None) -> None:
    error = sqlite3.OperationalError("why")
    if code is not None:
        error.sqlite_errorcode = code
    told = sqlite_error(error, tmp_path / "alcove.db")
    if expected is None:
        assert told is error
    else:
        assert isinstance(told, AppError)
        assert told.code == expected
