"""Several commands at once on one home: one backend, one worker, and any of them may be killed."""

import contextlib
import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from app.cli.client import Client
from app.launch import own_command, process_start, read_handshake
from app.protocol import Conversation, MessagePage, MessageState, Status
from tests.cli.running import Running, alcove, environment, running
from tests.conftest import add_model
from tests.gguf import TinyModel, write_tiny_model
from tests.hardware.gguf_files import Gguf, llama
from tests.processes import ROOT, alive, paths_of, until

SLOW = "200:40000"


def backend_ended(home: Path) -> None:
    until(lambda: read_handshake(paths_of(home)) is None, "the backend's end")


def test_a_model_larger_than_memory_is_refused_with_the_numbers(home: Path) -> None:
    (home / "models").mkdir()
    whole = llama(general__name="Huge")
    Gguf(whole.metadata, {"huge": (8, (1024, 1024, 1024, 64))}).write(home / "models" / "huge.gguf")
    done = alcove(home, "load", "huge")
    assert done.returncode == 1
    assert "Huge needs about 68.1 GiB" in done.stderr or "Huge needs about 68.0 GiB" in done.stderr
    assert "GiB are free" in done.stderr
    backend_ended(home)


def test_many_commands_at_once_start_one_backend(home: Path) -> None:
    add_model(home)
    commands = [
        subprocess.Popen(
            own_command("list"),
            cwd=ROOT,
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for command in commands:
        said, errors = command.communicate()
        assert (command.returncode, errors) == (0, "")
        assert "tiny" in said
    started = (home / "logs" / "backend.log").read_text().count("listening on port")
    backend_ended(home)
    assert 1 <= started < 4


QUESTIONS = ("What is a quantization?", "What is a token?", "什么是量化？", "How do I add a model?")


def test_four_chats_at_once_are_answered_by_the_starter(home: Path) -> None:
    with contextlib.ExitStack() as stack:
        chats = [
            stack.enter_context(running(home, "chat", text, "-m", "starter", ALCOVE_FAKE_ENGINE=""))
            for text in QUESTIONS
        ]
        assert [chat.end() for chat in chats] == [0] * 4
        assert all(len(chat.said) > 20 for chat in chats)
        assert len({chat.said for chat in chats}) == 4
    backend_ended(home)


def test_four_chats_at_once_are_written_side_by_side(home: Path) -> None:
    """On one worker, each of them begun before the first has ended."""
    (home / "models").mkdir()
    long = TinyModel(script=[f"{number} " for number in range(1500)])
    write_tiny_model(home / "models" / "long.gguf", long)
    with contextlib.ExitStack() as stack:
        chats = [
            stack.enter_context(running(home, "chat", "Count!", "-m", "long", ALCOVE_FAKE_ENGINE="")) for _ in range(4)
        ]
        until(lambda: all(chat.said for chat in chats), "the first words of all")
        assert all(chat.process.poll() is None for chat in chats)
        with Client(paths_of(home), "test") as client:
            status = client.get("/api/status", Status)
        assert (status.answering, len(status.worker_pids)) == (4, 1)
        assert [chat.end() for chat in chats] == [0] * 4
        assert all("1498 1499" in chat.said for chat in chats)
    backend_ended(home)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("victim", ["serve", "one", "other", "backend"])
def test_kill_any_of_them(home: Path, victim: str) -> None:
    """Three clients and a backend; one is killed at a random moment, the others go on or say what happened."""
    add_model(home)
    moment = random.Random(victim)
    for _ in range(5):
        kill_one_of_them(home, victim, moment.randint(1, 6000))


def kill_one_of_them(home: Path, victim: str, said: int) -> None:
    """Kill once one chat has written that many characters; the other waits for its turn in the worker."""
    slow = {"ALCOVE_FAKE_ENGINE": SLOW}
    with (
        running(home, "serve", "--port", "0", **slow) as serve,
        running(home, "chat", "one", "-m", "tiny", **slow) as one,
        running(home, "chat", "other", "-m", "tiny", **slow) as other,
    ):
        serve.wait_for("Ctrl+C")
        until(lambda: max(len(one.said), len(other.said)) >= said, "an answer")
        backend = read_handshake(paths_of(home))
        assert backend is not None
        clients = {"serve": serve, "one": one, "other": other}
        os.kill(backend.pid if victim == "backend" else clients[victim].process.pid, signal.SIGKILL)
        if victim == "backend":
            after_the_backend_died(one, other, serve)
        else:
            assert clients[victim].end() == -signal.SIGKILL
            assert alive(backend.pid)
            others = [chat for chat in (one, other) if chat is not clients[victim]]
            before = sum(len(chat.said) for chat in others)
            until(lambda: sum(len(chat.said) for chat in others) > before, "more of an answer")
        for client in clients.values():
            client.process.kill()
    nothing_is_left(home, backend.pid)


def after_the_backend_died(one: Running, other: Running, serve: Running) -> None:
    for chat in (one, other):
        assert chat.end() == 1
        assert "was lost" in chat.said
    serve.wait_for("started again")


def nothing_is_left(home: Path, pid: int) -> None:
    """The backend goes when its clients have gone, and no answer is left unfinished."""
    backend_ended(home)
    until(lambda: process_start(pid) is None, "the backend's end")
    with Client(paths_of(home), "test") as client:
        assert client.get("/api/status", Status).answering == 0
        for conversation in client.get("/api/conversations", list[Conversation]):
            page = client.get(f"/api/conversations/{conversation.id}/messages", MessagePage)
            assert {message.state for message in page.messages} <= {MessageState.COMPLETE, MessageState.STOPPED}
    backend_ended(home)
