"""`alcove chat` as a person uses it: in a terminal, with Ctrl+C and Ctrl+D, and killed in mid-answer."""

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from app.protocol import Message, MessageState
from tests.cli.running import alcove, in_terminal, running
from tests.conftest import add_model
from tests.processes import RunningBackend, running_backend, until

SLOW = "30:8000"
CTRL_C, CTRL_D = b"\x03", b"\x04"


@pytest.fixture
def backend(home: Path) -> Any:
    """A backend that answers slowly, so that there is time to interrupt it."""
    add_model(home)
    with running_backend(home, ALCOVE_FAKE_ENGINE=SLOW) as running:
        yield running


def answers(backend: RunningBackend) -> list[Message]:
    """The answers of all conversations, newest conversation first."""
    conversations = backend.get("/api/conversations", list[dict[str, Any]])
    return [message for found in conversations for message in backend.messages(found["id"])[1::2]]


def stopped(backend: RunningBackend) -> Message:
    """The only answer, once it was stopped."""

    def look() -> Message | None:
        return next((answer for answer in answers(backend) if answer.state is MessageState.STOPPED), None)

    found = until(look, "the end of the answer")
    assert found is not None
    return found


def plain(said: str) -> str:
    """What a terminal shows, without its control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", said).replace("\r", "")


def test_a_conversation_in_the_terminal(home: Path) -> None:
    add_model(home)
    with running_backend(home, ALCOVE_FAKE_ENGINE="0:300") as backend:
        with in_terminal(home, "chat", "-m", "tiny") as (command, keyboard):
            command.wait_for("›")
            os.write(keyboard, b"first\n")
            until(lambda: command.said.count("›") == 2, "the second prompt")
            os.write(keyboard, b"\n")
            os.write(keyboard, b"second\n")
            until(lambda: command.said.count("›") == 4, "the fourth prompt")
            os.write(keyboard, CTRL_D)
            assert command.end() == 0
        (conversation,) = backend.get("/api/conversations", list[dict[str, Any]])
        texts = [message.text for message in backend.messages(conversation["id"])]
        assert texts[0::2] == ["first", "second"]
        assert texts[1].splitlines()[0] in plain(command.said)


def test_ctrl_c_stops_the_answer_and_not_the_program(backend: RunningBackend) -> None:
    with in_terminal(backend.home, "chat", "-m", "tiny") as (command, keyboard):
        command.wait_for("›")
        os.write(keyboard, b"first\n")
        command.wait_for("stores")
        os.write(keyboard, CTRL_C)
        command.wait_for("Stopped.")
        assert stopped(backend).text
        until(lambda: command.said.count("›") == 2, "the second prompt")
        os.write(keyboard, b"half a line" + CTRL_C)
        until(lambda: command.said.count("›") == 3, "the third prompt")
        os.write(keyboard, CTRL_D)
        assert command.end() == 0


def test_an_error_does_not_end_the_conversation(home: Path) -> None:
    (home / "models").mkdir()
    (home / "models" / "torn.gguf").write_bytes(b"GGUF")
    with running_backend(home), in_terminal(home, "chat", "-m", "torn") as (command, keyboard):
        command.wait_for("›")
        os.write(keyboard, b"hello\n")
        command.wait_for("This model file is broken")
        until(lambda: command.said.count("›") == 2, "the second prompt")
        os.write(keyboard, CTRL_D)
        assert command.end() == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_chat_that_ends_stops_its_answer(backend: RunningBackend, number: int) -> None:
    with running(backend.home, "chat", "hello", "-m", "tiny") as command:
        command.wait_for("stores")
        command.process.send_signal(number)
        assert command.end() != 0
    kept = stopped(backend)
    assert kept.text.startswith("A **quantization** stores")
    assert backend.status().answering == 0


def test_a_backend_killed_in_mid_answer_is_told(home: Path) -> None:
    add_model(home)
    slow = running_backend(home, ALCOVE_FAKE_ENGINE=SLOW)
    with slow as backend, running(home, "chat", "hello", "-m", "tiny") as command:
        command.wait_for("stores")
        backend.process.kill()
        assert command.end() == 1
        assert "connection to Alcove's background process was lost" in command.said
    kept = alcove(home, "chat", "again", "-m", "tiny", ALCOVE_FAKE_ENGINE="0:100")
    assert kept.returncode == 0, kept.stderr
