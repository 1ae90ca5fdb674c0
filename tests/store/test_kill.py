"""kill -9 of a process that writes, at any moment: what it said was stored is there, and the database opens."""

import random
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from app.protocol import MessageState, Role
from app.store.database import open_database
from app.store.search import Search
from app.store.store import Store
from tests.store.talk import say

ROOT = Path(__file__).parents[2]
STEPS = 19
"""Checkpoints of one answer by tests.store.kill_writer."""


def write_and_kill(path: Path, lines: int, delay: float) -> list[tuple[str, int, int]]:
    """Let it write until it has told of so many things, and a moment more. Returns all it told."""
    command = [sys.executable, "-m", "tests.store.kill_writer", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(lines)]
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.kill()
        told += process.stdout.readlines()
    assert process.returncode == -9
    complete = [line.split() for line in told if line.endswith("\n")]
    return [(what, int(message_id), int(length)) for what, message_id, length in complete]


def check(path: Path, told: list[tuple[str, int, int]]) -> None:
    """Everything that was told is stored, at most the step after it besides, and nothing is in writing any more."""
    with closing(open_database(path)) as db, closing(Search(path)) as search:
        store = Store(db)
        assert store.recover(now=3.0) <= 1
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for what, message_id, length in told:
            message = store.message(message_id)
            assert len(message.text) >= length
            assert message.state is not MessageState.STREAMING
            assert what != "ended" or (message.state is MessageState.COMPLETE and len(message.text) == length)
        conversation = store.list(1)[0]
        branch = [] if conversation.leaf_id is None else store.branch(conversation.leaf_id)
        assert [message.role for message in branch] == [Role.USER, Role.ASSISTANT] * (len(branch) // 2)
        say(store, conversation.id, "goes on", "zebra")
        assert search.find("zebra")[0].snippet == "zebra"
        db.execute("INSERT INTO messages_search (messages_search) VALUES ('integrity-check')")


def test_a_killed_writer_leaves_what_it_stored(path: Path) -> None:
    check(path, write_and_kill(path, lines=STEPS + 5, delay=0.0))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_writer_killed_at_any_moment_leaves_what_it_stored(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    check(path, write_and_kill(path, lines=chance.randrange(1, 3 * STEPS), delay=chance.random() * 0.05))


@pytest.mark.slow
def test_a_process_killed_again_and_again_on_one_database(path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    for lines in (10, 17, 24, 31, 38):
        told += write_and_kill(path, lines, delay=0.01)
        check(path, told)
