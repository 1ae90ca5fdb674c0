"""`alcove recommend` and `alcove catalogue update` for real: tables and sentences in both languages, JSON, refusals."""

from pathlib import Path
from typing import Any

import pytest

from app.protocol import Use
from tests.cli.running import alcove
from tests.cli.test_commands import parsed
from tests.conftest import add_model
from tests.processes import running_backend

DESKTOP = "RTX 4070 12 GB, 32 GB RAM"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A home whose backend stays, so that each command is quick."""
    folder = tmp_path_factory.mktemp("advice")
    add_model(folder)
    with running_backend(folder, ALCOVE_FAKE_ENGINE="0:300"):
        yield folder


def test_the_overview_has_a_row_for_every_use(home: Path) -> None:
    said = alcove(home, "recommend", "--machine", DESKTOP)
    assert said.returncode == 0, said.stderr
    for words in ("Conversation in Chinese", "Programming", "Translation", "Searching texts", "balanced", "GB"):
        assert words in said.stdout
    assert said.stdout.startswith("Assumed: ")
    assert "What one change would make possible:" in said.stdout


def test_one_use_is_told_with_its_reasons(home: Path) -> None:
    said = alcove(home, "recommend", "--for", "chat", "--machine", DESKTOP).stdout
    header = next(line for line in said.splitlines() if line.startswith("Model"))
    for column in ("Quantization", "Context", "Runs on", "Memory", "Tokens/s", "First word", "Download", "Pick"):
        assert column in header
    assert "Why:" in said
    assert "Not worth the trouble here:" in said
    assert "tokens (word pieces) a second" in said
    assert "CUDA0" in said


def test_chinese_is_spoken(home: Path) -> None:
    said = alcove(
        home, "recommend", "--for", "chat-zh", "--machine", "4090 24G显存 64G内存", LC_ALL="zh_CN.UTF-8"
    ).stdout
    for words in ("假定：", "理由：", "词元/秒", "均衡", "每秒"):
        assert words in said
    assert "tokens" not in said


def test_json_has_everything(home: Path) -> None:
    (advice,) = parsed(home, "recommend", "--for", "code", "--context", "32768", "--machine", DESKTOP)
    assert advice["use"] == "code"
    assert advice["balanced"]["plan"]["params"]["context_length"] == 32768
    assert {part["device"] for part in advice["balanced"]["plan"]["memory"]} <= {"CUDA0", "CPU"}
    assert advice["balanced"]["quality_source"]
    assert advice["assumptions"]
    assert [one["use"] for one in parsed(home, "recommend", "--machine", DESKTOP)] == [use.value for use in Use]


def test_a_machines_own_json_is_a_description(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "machine.json"
    file.write_text(alcove(home, "hardware", "--json").stdout, encoding="utf-8")
    (advice,) = parsed(home, "recommend", "--for", "small", "--machine", str(file))
    assert advice["assumptions"] == []
    assert advice["ranked"] or advice["nothing"]


def test_what_is_no_description_is_refused_kindly(home: Path, tmp_path: Path) -> None:
    picture = tmp_path / "picture.bin"
    picture.write_bytes(b"\xff\xd8\xff\xe0" * 100)
    for machine in ("hello", str(picture), "x" * 5000):
        said = alcove(home, "recommend", "--machine", machine)
        assert said.returncode == 1
        assert "This is no description of a computer" in said.stderr
        assert said.stdout == ""


@pytest.mark.parametrize("arguments", [["--for", "dancing"], ["--context", "0"], ["--context", "many"]])
def test_misuse_ends_with_two(home: Path, arguments: list[str]) -> None:
    assert alcove(home, "recommend", *arguments).returncode == 2


def test_this_computer_gets_an_answer(home: Path) -> None:
    said = alcove(home, "recommend", "--for", "small")
    assert said.returncode == 0
    assert "Assumed" not in said.stdout
    assert said.stdout


def test_updating_says_where_the_address_belongs(home: Path) -> None:
    said = alcove(home, "catalogue", "update")
    assert said.returncode == 1
    assert "catalogue_address" in said.stderr
