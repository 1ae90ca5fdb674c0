"""Fixtures for every room: a home of its own for each test, kept apart from the person's."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gguf import TinyModel, write_tiny_model
from tests.processes import RunningBackend, running_backend

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it puts in the background this way, and every command a test interrupts would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ALCOVE_HOME; processes started by the test inherit it."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("ALCOVE_HOME", str(folder))
    return folder


@pytest.fixture(scope="module")
def fake_backend_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBackend]:
    """A backend with a fast fake engine and one model to talk to, shared by the tests of a module."""
    home = tmp_path_factory.mktemp("shared")
    add_model(home)
    with running_backend(home, ALCOVE_FAKE_ENGINE="0") as backend:
        yield backend


def add_model(home: Path, name: str = "tiny") -> Path:
    """Put a model into the model folder of that home."""
    folder = home / "models"
    folder.mkdir(parents=True, exist_ok=True)
    return write_tiny_model(folder / f"{name}.gguf", TinyModel(script=["Hello", " there", "."], context=4096))
