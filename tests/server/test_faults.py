"""What goes wrong around the backend: killed processes, full and read-only disks, a database of tomorrow."""

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from app.launch import read_handshake
from app.protocol import (
    AnswerDelta,
    AnswerEvent,
    AnswerFinished,
    AnswerSnapshot,
    Conversation,
    ErrorInfo,
    Message,
    MessageChanged,
    MessageState,
    ModelChanged,
    ModelEntry,
    ModelState,
    Options,
    Started,
)
from tests.conftest import add_model
from tests.gguf import TinyModel, write_tiny_model
from tests.processes import RunningBackend, alive, paths_of, running_backend, start_backend_process, until

KILLS = 20
root_only = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="mounting a small disk needs root (and a system that mounts)"
)


@pytest.fixture
def endless(home: Path) -> Path:
    """A home whose model, on the real engine, goes on writing until its context is full."""
    folder = home / "models"
    folder.mkdir()
    write_tiny_model(folder / "endless.gguf", TinyModel(script=[f"{number} " for number in range(50)], repeat=True))
    return home


def read_for(events: Iterator[AnswerEvent], letters: int) -> str:
    text = ""
    while len(text) < letters:
        event = next(events)
        assert not isinstance(event, AnswerFinished), event
        if isinstance(event, AnswerSnapshot):
            text += event.message.text
        elif isinstance(event, AnswerDelta):
            text += event.text
    return text


def begin(backend: RunningBackend) -> Started:
    """An answer that goes round in circles and is let."""
    made: Conversation = backend.post("/api/conversations", Conversation, {"options": Options(stop_repetition=False)})
    return backend.ask(made.id, "Count!", model="endless")


def kill_worker(backend: RunningBackend) -> int:
    (pid,) = backend.status().worker_pids
    os.kill(pid, 9)
    return pid


# ---------------------------------------------------------------- the worker


def test_the_real_engine_answers(home: Path) -> None:
    add_model(home)
    with running_backend(home) as backend:
        answer = backend.finished(backend.ask(backend.new_conversation().id, "Hi", model="tiny").answer.id)
        assert (answer.state, answer.text) == (MessageState.COMPLETE, "Hello there.")
        assert answer.stats is not None
        assert answer.stats.answer_tokens >= 3


def test_a_killed_worker_costs_one_answer_and_not_its_text(endless: Path) -> None:
    with running_backend(endless) as backend:
        lose_worker(backend, letters=200)
        with backend.reading(begin(backend).answer.id) as events:
            assert read_for(events, 50)


@pytest.mark.slow
def test_workers_killed_at_random_moments(endless: Path) -> None:
    chance = random.Random(2)
    with running_backend(endless) as backend:
        for _ in range(KILLS):
            lose_worker(backend, letters=chance.randrange(1, 3000))


def lose_worker(backend: RunningBackend, letters: int) -> None:
    """Kill the worker once so much has been read: the answer has failed, and what was read is kept and stored."""
    started = begin(backend)
    with backend.reading(started.answer.id) as events:
        text = read_for(events, letters)
        pid = kill_worker(backend)
        last = next(event.message for event in events if isinstance(event, AnswerFinished))
    assert last.state is MessageState.FAILED
    assert last.error is not None
    assert last.error.code == "worker_died"
    assert last.text.startswith(text)
    assert backend.messages(started.conversation.id)[-1] == last
    assert not alive(pid)


def test_the_end_of_an_idle_worker_is_told(endless: Path) -> None:
    with running_backend(endless) as backend, backend.present() as events:
        backend.http.post("/api/models/endless/load", params={"wait": "1"})
        events.wait_for(ModelChanged, lambda event: event.model.state is ModelState.LOADED)
        kill_worker(backend)
        gone = events.wait_for(ModelChanged, lambda event: event.model.state is ModelState.AVAILABLE).model
        assert gone.error is not None
        assert gone.error.code == "worker_died"
        assert backend.status().loaded == ()


def test_unloading_ends_the_worker(endless: Path) -> None:
    with running_backend(endless) as backend:
        backend.http.post("/api/models/endless/load", params={"wait": "1"})
        (pid,) = backend.status().worker_pids
        unloaded = backend.post("/api/models/endless/unload", ModelEntry)
        assert unloaded.state is ModelState.AVAILABLE
        assert not alive(pid)


def test_files_that_are_no_models_are_told_and_refused(home: Path) -> None:
    model = add_model(home, "cut")
    model.write_bytes(model.read_bytes()[:-1000])
    (model.parent / "noise.gguf").write_bytes(os.urandom(5000))
    with running_backend(home) as backend:
        states = {entry.id: entry for entry in backend.models() if not entry.builtin}
        for name in ("cut", "noise"):
            assert states[name].state is ModelState.BROKEN
            refused = backend.http.post(f"/api/models/{name}/load")
            assert (refused.status_code, refused.json()["code"]) == (422, "model_broken")
            assert refused.json()["values"]["reason"]


def test_the_workers_go_with_the_last_client_while_it_is_answering(endless: Path) -> None:
    with running_backend(endless, present=False) as backend:
        with backend.present(), backend.reading(begin(backend).answer.id) as events:
            read_for(events, 50)
            (pid,) = backend.status().worker_pids
        assert backend.wait_ended() == 0
        assert not alive(pid)


def test_what_the_engine_keeps_of_a_conversation_goes_with_it(home: Path) -> None:
    """Also what it writes down only after that, when the model is unloaded at the end."""
    add_model(home)
    with running_backend(home) as backend:
        texts = [f"{number} " * 200 for number in range(3)]
        kept, gone, gone_early = (backend.ask(backend.new_conversation().id, text, model="tiny") for text in texts)
        for started in (kept, gone, gone_early):
            assert backend.finished(started.answer.id).error is None
        assert backend.http.delete(f"/api/conversations/{gone_early.conversation.id}").status_code == 200
        backend.http.post("/api/models/tiny/unload")
        until(lambda: len(states_of(home, kept)) == len(states_of(home, gone)) == 1, "the states")
        assert backend.http.delete(f"/api/conversations/{gone.conversation.id}").status_code == 200
        assert (len(states_of(home, kept)), states_of(home, gone)) == (1, [])
    assert (len(states_of(home, kept)), states_of(home, gone_early)) == (1, [])


def states_of(home: Path, started: Started) -> list[Path]:
    return list(paths_of(home).states.glob(f"{started.conversation.id}.*"))


# ---------------------------------------------------------------- the backend


def test_a_killed_backend_leaves_nothing_running_and_loses_a_second_at_most(endless: Path) -> None:
    lose_backend(endless, wait_s=1.2)


@pytest.mark.slow
def test_backends_killed_at_random_moments(endless: Path) -> None:
    chance = random.Random(3)
    for _ in range(KILLS):
        lose_backend(endless, wait_s=chance.uniform(0, 2.5))


def lose_backend(home: Path, wait_s: float) -> None:
    """Kill the backend so long after an answer's first word; the next one finds all but the last second of it."""
    shown: list[tuple[float, int]] = []
    with running_backend(home) as backend:
        started = begin(backend)
        with backend.reading(started.answer.id) as events:
            text = read_for(events, 1)
            (worker,) = backend.status().worker_pids
            first = time.monotonic()
            while time.monotonic() - first < wait_s:
                text += read_for(events, 1)
                shown.append((time.monotonic(), len(text)))
            backend.process.kill()
            killed = time.monotonic()
            backend.wait_ended()
    until(lambda: not alive(worker), "the worker's end")
    assert read_handshake(paths_of(home)) is None
    with running_backend(home) as backend:
        question, answer = backend.messages(started.conversation.id)
        assert question == started.question
        assert answer.state is MessageState.STOPPED
        assert text.startswith(answer.text) or answer.text.startswith(text)
        due = [length for moment, length in shown if moment < killed - 1.0]
        assert len(answer.text) >= (due[-1] if due else 0)


# ---------------------------------------------------------------- the disk


@contextlib.contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all the space there is."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return ballast


@root_only
def test_an_answer_goes_on_over_a_full_disk_and_is_stored_when_there_is_room(tmp_path: Path) -> None:
    home = tmp_path / "small"
    with mounted(home, "-t", "tmpfs", "-o", "size=8m", "tmpfs"):
        add_model(home)
        with running_backend(home, ALCOVE_FAKE_ENGINE="400:4000") as backend, backend.present() as told:
            first = backend.finished(backend.ask(backend.new_conversation().id, "Before").answer.id)
            started = backend.ask(backend.new_conversation().id, "During")
            ballast = fill(home)
            shown = backend.finished(started.answer.id)
            assert len(shown.text) == 4000
            assert shown.error is not None
            assert shown.error.code == "disk_full"
            assert backend.messages(started.conversation.id)[-1].text == shown.text
            refused = backend.http.post("/api/conversations", json={"title": "x" * 100_000})
            assert (refused.status_code, refused.json()["code"]) == (507, "disk_full")
            ballast.unlink()
            stored = told.wait_for(
                MessageChanged, lambda event: event.message.id == shown.id and event.message.error is None
                and event.message.state is MessageState.COMPLETE,
            ).message  # fmt: skip
            assert stored.text == shown.text
        with running_backend(home, ALCOVE_FAKE_ENGINE="400:4000") as backend:
            assert backend.messages(first.conversation_id)[-1] == first
            assert backend.messages(started.conversation.id)[-1] == stored


@root_only
def test_a_read_only_folder_is_told_at_the_start(tmp_path: Path) -> None:
    home = tmp_path / "fixed"
    with mounted(home, "-t", "tmpfs", "-o", "size=1m,ro", "tmpfs"):
        assert refusal(home).code == "folder_read_only"


@root_only
def test_a_full_disk_is_told_at_the_start(tmp_path: Path) -> None:
    home = tmp_path / "full"
    with mounted(home, "-t", "tmpfs", "-o", "size=64k", "tmpfs"):
        fill(home)
        assert refusal(home).code == "disk_full"


def test_a_database_of_tomorrow_is_refused_and_not_touched(home: Path) -> None:
    with running_backend(home) as backend:
        backend.new_conversation(title="Kept")
    database = paths_of(home).database
    with contextlib.closing(sqlite3.connect(database)) as db:
        (table,) = db.execute(
            "SELECT name FROM sqlite_master WHERE name LIKE '%migrations%' AND type = 'table'"
        ).fetchone()
        db.execute(f"INSERT INTO {table} (migration_set, name, applied_at) VALUES ('store', 'of_tomorrow', '2099')")
        db.commit()
    before = database.read_bytes()
    error = refusal(home)
    assert error.code == "database_newer"
    assert error.values["path"] == str(database)
    assert database.read_bytes() == before
    shutil.rmtree(home)


def refusal(home: Path) -> ErrorInfo:
    """Start a backend that must not run; what it says."""
    process = start_backend_process(home)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 3
    return msgspec.json.decode(output, type=ErrorInfo)


def test_messages_read_over_are_those_of_the_moment(endless: Path) -> None:
    with running_backend(endless) as backend:
        started = begin(backend)
        with backend.reading(started.answer.id) as events:
            text = read_for(events, 500)
            now: Message = backend.messages(started.conversation.id)[-1]
        assert now.text.startswith(text)
