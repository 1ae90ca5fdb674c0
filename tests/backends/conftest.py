"""Tiny real models, written once a session."""

from pathlib import Path

import pytest

from tests.gguf import TinyModel, write_tiny_model

HELLO = ("Hel", "lo", " wor", "ld ", b"\xe9", b"\x87\x8f", "化", "!")
"""A script whose 量 is split over two tokens."""
HELLO_TEXT = "Hello world 量化!"
COUNTING = tuple(f" w{number}" for number in range(64))


@pytest.fixture(autouse=True)
def alcove_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every process a test starts logs below its own folder."""
    home = tmp_path / "home"
    monkeypatch.setenv("ALCOVE_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `hello.gguf`, `endless.gguf` (never ends), `thinking.gguf`, `random.gguf` and `bare.gguf`
    (no chat template)."""
    folder = tmp_path_factory.mktemp("models")
    thinking = ("<think>", "Let me", " see.\n", "</think>", "\n\n", "It is", " four.")
    for name, model in {
        "hello": TinyModel(script=HELLO),
        "endless": TinyModel(script=COUNTING, repeat=True, context=131072),
        "thinking": TinyModel(script=thinking),
        "random": TinyModel(seed=5),
        "bare": TinyModel(script=HELLO, template=None),
    }.items():
        write_tiny_model(folder / f"{name}.gguf", model)
    return folder


@pytest.fixture
def broken(models: Path, tmp_path: Path) -> Path:
    """A model whose second half is missing."""
    data = (models / "hello.gguf").read_bytes()
    path = tmp_path / "broken.gguf"
    path.write_bytes(data[: len(data) // 2])
    return path
