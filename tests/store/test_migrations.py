"""Every schema version ever released opens, with all that it holds."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest
import sqlite_utils

from app.protocol import (
    ContextPolicy,
    ErrorInfo,
    FinishReason,
    GenerationStats,
    MessageState,
    Options,
    Role,
    Sampling,
    ToolCall,
)
from app.store.database import open_database
from app.store.migrations import STORE
from app.store.search import Search
from app.store.segments import register_functions
from app.store.store import Store
from tests.store.old_databases import IMAGE, database_of, steps
from tests.store.talk import shown

VERSIONS = range(1, len(steps()) + 1)


@pytest.fixture(params=VERSIONS)
def old(request: pytest.FixtureRequest, path: Path) -> Path:
    path.parent.mkdir()
    shutil.copy(database_of(request.param), path)
    return path


@pytest.mark.parametrize("version", VERSIONS)
def test_a_database_of_every_version_is_kept(version: int) -> None:
    with closing(sqlite_utils.Database(database_of(version))) as kept:
        assert [step.name for step in STORE.applied(kept)] == steps()[:version]


def test_old_conversations_are_all_there(old: Path) -> None:
    with closing(open_database(old)) as db:
        store = Store(db)
        first, second = store.list(10)
        assert (first.title, first.pinned, first.folder, first.model) == ("量化", True, "Work", "starter")
        assert (first.system_prompt, first.created, first.updated, first.leaf_id) == ("Be brief.", 10.0, 30.0, 4)
        assert (second.title, second.pinned) == ("Kept café", False)


def test_old_messages_are_all_there(old: Path) -> None:
    with closing(open_database(old)) as db:
        store = Store(db)
        assert shown(store, 1) == ["显存够吗?", "够了。", "Why?"]
        other = store.message(2)
        assert (other.text, other.thinking, other.siblings) == ("It fits.", "let me see", (2, 3))
        assert other.stats == GenerationStats(
            prompt_tokens=12,
            answer_tokens=5,
            ttft_s=0.1,
            decode_s=0.5,
            context_length=1024,
            finish_reason=FinishReason.LENGTH,
        )
        failed = store.message(6)
        assert failed.state is MessageState.FAILED
        assert failed.error == ErrorInfo(code="worker_died", values={"model": "Starter", "reason": "signal 9"})


def test_old_text_is_found_and_old_answers_in_writing_are_stopped(old: Path) -> None:
    with closing(open_database(old)) as db:
        assert Store(db).recover(now=40.0) == 1
        assert Store(db).message(7).state is MessageState.STOPPED
        with closing(Search(old)) as search:
            found = {query: [hit.message_id for hit in search.find(query)] for query in ("显存", "cafe", "still")}
    assert found == {"显存": [1], "cafe": [None], "still": [7]}


def test_old_answers_have_no_tools_and_old_conversations_no_options(path: Path) -> None:
    path.parent.mkdir()
    shutil.copy(database_of(3), path)
    with closing(open_database(path)) as db:
        store = Store(db)
        assert store.get(1).options == Options()
        assert (store.message(2).tool_calls, store.message(1).images, store.message(2).context_from) == ((), (), None)


def test_options_tools_and_pictures_are_all_there(path: Path) -> None:
    path.parent.mkdir()
    shutil.copy(database_of(4), path)
    with closing(open_database(path)) as db:
        store = Store(db)
        assert store.get(1).options == Options(
            sampling=Sampling(temperature=0.2), context_policy=ContextPolicy.DROP_OLDEST, tools=("get_time",)
        )
        assert store.message(1).images == (IMAGE,)
        assert store.image(IMAGE).data == b"\x01\x02"
        assert store.message(2).tool_calls == (ToolCall(id="call_1", name="get_time"),)
        assert store.message(2).context_from == 1
        result = store.message(8)
        assert (result.role, result.text, result.tool_call_id) == (Role.TOOL, "noon", "call_1")


def test_old_databases_become_like_new_ones(old: Path, tmp_path: Path) -> None:
    with closing(open_database(old)) as db, closing(open_database(tmp_path / "new.db")) as new:
        schema = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
        assert db.execute(schema).fetchall() == new.execute(schema).fetchall()


@pytest.mark.parametrize("version", VERSIONS)
def test_steps_can_be_applied_one_by_one(version: int) -> None:
    with closing(sqlite_utils.Database(memory=True)) as db:
        register_functions(db.conn)
        STORE.apply(db, stop_before=steps()[version:])
        assert [step.name for step in STORE.pending(db)] == steps()[version:]
