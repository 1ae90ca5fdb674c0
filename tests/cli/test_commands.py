"""Every command for real: its output, its JSON, its errors and its exit code."""

import json
import os
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app import __version__
from app.launch import own_command
from tests.cli.running import alcove, environment
from tests.conftest import add_model
from tests.processes import PATIENCE_S, ROOT, RunningBackend, running_backend


@pytest.fixture
def backend(home: Path) -> Any:
    """A backend that stays, so that each command is quick."""
    add_model(home)
    (home / "models" / "torn.gguf").write_bytes(b"GGUF\x03\0\0\0")
    with running_backend(home, ALCOVE_FAKE_ENGINE="0:300") as running:
        yield running


def parsed(home: Path, *arguments: str) -> Any:
    done = alcove(home, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def stored(home: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(home / "alcove.db") as database:
        rows = database.execute(query).fetchall()
    database.close()
    return rows


def test_help_names_every_command(home: Path) -> None:
    done = alcove(home, "--help")
    assert done.returncode == 0
    for command in ("chat", "serve", "list", "show", "hardware", "doctor", "ps", "load", "unload"):
        assert f"  {command} " in done.stdout
    assert not list(home.iterdir()), "help starts nothing"


def test_help_speaks_chinese(home: Path) -> None:
    assert "窗口" in alcove(home, "--help", LC_ALL="zh_CN.UTF-8").stdout


def test_the_language_of_the_settings_goes_before_the_systems(home: Path) -> None:
    (home / "settings.json").write_text('{"language": "zh"}')
    assert "没有显示器" in alcove(home).stderr


def test_version(home: Path) -> None:
    assert alcove(home, "--version").stdout == f"alcove {__version__}\n"


def test_without_a_display_the_other_ways_are_named(home: Path) -> None:
    done = alcove(home)
    assert done.returncode == 1
    assert "alcove chat" in done.stderr
    assert "alcove serve" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["show"], ["chat", "x", "--temperature", "9"], ["serve", "--port", "x"], ["--nothing"]]
)
def test_misuse_ends_with_two(home: Path, arguments: list[str]) -> None:
    done = alcove(home, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Error" in done.stderr


def test_nothing_to_ask_is_misuse(home: Path) -> None:
    done = alcove(home, "chat")
    assert done.returncode == 2
    assert "nothing to ask" in done.stderr


def test_list(backend: RunningBackend) -> None:
    models = {model["id"]: model for model in parsed(backend.home, "list")}
    assert {"tiny", "torn"} <= set(models)
    assert models["tiny"]["state"] == "available"
    assert models["tiny"]["quantization"] == "F32"
    assert models["torn"]["state"] == "broken"
    assert models["torn"]["error"]["code"] == "model_broken"
    said = alcove(backend.home, "list").stdout
    assert "tiny" in said
    assert "broken" in said


def test_show(backend: RunningBackend) -> None:
    assert parsed(backend.home, "show", "TINY")["context_length"] == 4096
    said = alcove(backend.home, "show", "torn").stdout
    assert "This model file is broken" in said


@pytest.mark.parametrize("name", ["none", "a/b", " "])
def test_a_model_that_is_not_here(backend: RunningBackend, name: str) -> None:
    done = alcove(backend.home, "show", name, "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "This model is not here" in done.stderr
    assert "alcove list" in done.stderr


def test_hardware(backend: RunningBackend) -> None:
    machine = parsed(backend.home, "hardware")
    assert machine["ram_total"] >= machine["ram_available"] > 0
    assert "GiB" in alcove(backend.home, "hardware").stdout


def test_doctor(backend: RunningBackend) -> None:
    checks = {check["code"]: check["state"] for check in parsed(backend.home, "doctor")}
    assert checks["display_missing"] == "warn"
    assert checks["broken_model"] == "warn"
    assert checks["engine"] == "good"
    assert "✓ Python" in alcove(backend.home, "doctor").stdout


def test_what_load_is_told_reaches_the_backend(home: Path) -> None:
    add_model(home)
    options = ["--context", "700", "--kv", "q8_0", "--slots", "2", "--threads", "1", "--flash-attention"]
    with running_backend(home) as backend:
        done = alcove(home, "load", "tiny", *options, ALCOVE_FAKE_ENGINE="")
        assert "Tiny is loaded" in done.stdout, done.stderr
        (loaded,) = backend.status().loaded
        assert loaded.loaded_context is not None
        assert 700 <= loaded.loaded_context < 1024


@pytest.mark.parametrize("options", [("--kv", "q9"), ("--slots", "65"), ("--context", "0"), ("--threads", "-1")])
def test_load_refuses_what_cannot_be_meant(home: Path, options: tuple[str, str]) -> None:
    assert alcove(home, "load", "tiny", *options).returncode == 2


def test_load_ps_unload(backend: RunningBackend) -> None:
    assert parsed(backend.home, "ps") == []
    assert "Tiny is loaded" in alcove(backend.home, "load", "tiny", "--context", "512").stdout
    (loaded,) = parsed(backend.home, "ps")
    assert loaded["id"] == "tiny"
    assert "tiny" in alcove(backend.home, "ps").stdout
    assert alcove(backend.home, "unload", "tiny").returncode == 0
    assert alcove(backend.home, "ps").stdout == "No model is in memory.\n"


def test_ps_starts_nothing(home: Path) -> None:
    assert parsed(home, "ps") == []
    assert not (home / "backend.lock").exists()


def test_chat_answers_and_stores(backend: RunningBackend) -> None:
    done = alcove(backend.home, "chat", "hello", "-m", "tiny", "--system", "Be brief.")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (conversation,) = backend.get("/api/conversations", list[dict[str, Any]])
    question, answer = backend.messages(conversation["id"])
    assert (conversation["system_prompt"], conversation["model"]) == ("Be brief.", "tiny")
    assert question.text == "hello"
    assert done.stdout == answer.text + "\n"
    assert answer.text


def test_chat_takes_what_is_piped_in(backend: RunningBackend) -> None:
    assert alcove(backend.home, "chat", "Sum up:", stdin="line one\nline two\n").returncode == 0
    assert alcove(backend.home, "chat", stdin="only this").returncode == 0
    conversations = backend.get("/api/conversations", list[dict[str, Any]])
    asked = {backend.messages(conversation["id"])[0].text for conversation in conversations}
    assert asked == {"Sum up:\n\nline one\nline two", "only this"}


@pytest.mark.parametrize(
    ("arguments", "piped", "code", "said"),
    [
        ([b"chat"], b"caf\xe9 \xff", 0, b""),
        ([b"chat", b"caf\xe9"], b"", 0, b""),
        ([b"doctor"], b"", 0, b""),
        ([b"show", b"\xff"], b"", 1, b"This model is not here"),
    ],
)
def test_bytes_that_are_no_text_do_not_end_in_a_traceback(
    backend: RunningBackend, arguments: list[bytes], piped: bytes, code: int, said: bytes
) -> None:
    """What is typed or piped in may be in any encoding, and the output may know fewer characters than are said."""
    done = subprocess.run(
        [*map(os.fsencode, own_command()), *arguments],
        cwd=ROOT,
        env=environment(backend.home, PYTHONIOENCODING="ascii"),
        input=piped,
        capture_output=True,
        timeout=PATIENCE_S * 2,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert (done.returncode, bool(done.stdout)) == (code, code == 0)
    assert said in done.stderr


def test_chat_without_streaming_gives_the_same(backend: RunningBackend) -> None:
    whole = alcove(backend.home, "chat", "hello", "--no-stream", "--temperature", "0")
    assert whole.returncode == 0
    assert whole.stdout == alcove(backend.home, "chat", "hello", "--temperature", "0").stdout


def test_chat_with_a_model_that_is_not_here(backend: RunningBackend) -> None:
    done = alcove(backend.home, "chat", "hello", "-m", "none")
    assert done.returncode == 1
    assert "No model in the library is called none." in done.stderr
    assert backend.get("/api/conversations", list[dict[str, Any]]) == []


def test_a_chat_that_fails_says_why(backend: RunningBackend) -> None:
    done = alcove(backend.home, "chat", "hello", "-m", "torn")
    assert done.returncode == 1
    assert "This model file is broken" in done.stderr


def test_a_backend_that_cannot_start_says_why(home: Path) -> None:
    with sqlite3.connect(home / "alcove.db") as database:
        database.execute("create table x (y)")
    database.close()
    (home / "alcove.db").write_bytes(b"this is no database" * 100)
    done = alcove(home, "list")
    assert done.returncode == 1
    assert "The conversations cannot be opened" in done.stderr
    assert done.stdout == ""


def test_a_reader_that_has_enough_is_no_error(home: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            own_command("ps", "--json"),
            cwd=ROOT,
            env=environment(home),
            stdout=write_end,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(write_end)
    assert (done.returncode, done.stderr) == (1, b"")
