"""`alcove fit` in a process of its own: the library, a file, a repository on the hub, another machine."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import alcove
from tests.conftest import add_model
from tests.hardware.gguf_files import Gguf, llama
from tests.hub.loopback import LoopbackHub, Repo, serving_hub

MIB = 1024**2


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A hub with one model of a gigabyte and a half, a hole in a file."""
    made = llama(llama__block_count=6, tokenizer__ggml__tokens=[f"token {number}" for number in range(50_000)])
    tensors = {f"blk.{layer}.ffn_up.weight": (12, (4096, 131_072)) for layer in range(6)}
    file = Gguf(made.metadata, dict(made.tensors) | tensors).write(tmp_path / "model.gguf")
    with serving_hub(maker__Model=Repo({"Model-Q4_K_M.gguf": file})) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        yield served


def test_a_model_of_the_library_is_shown_byte_by_byte(home: Path) -> None:
    add_model(home)
    shown = alcove(home, "fit", "tiny")
    assert shown.returncode == 0, shown.stderr
    assert "runs on the processor" in shown.stdout
    for part in ("weights", "KV cache", "in all", "free"):
        assert part in shown.stdout


def test_the_need_of_a_model_on_the_hub_is_known_without_downloading_it(home: Path, hub: LoopbackHub) -> None:
    told = alcove(home, "fit", "maker/Model:Q4_K_M", "--context", "1024", "--json")
    assert told.returncode == 0, told.stderr
    fit = json.loads(told.stdout)
    assert fit["plan"]["params"]["context_length"] == 1024
    assert fit["file_size"] > 1000 * MIB
    assert sum(use["weights"] for use in fit["plan"]["memory"]) > 1000 * MIB
    assert 0 < fit["fetched"] <= hub.served < 4 * MIB


def test_another_machine_is_described_in_words_or_by_a_file(home: Path, tmp_path: Path) -> None:
    path = llama(llama__block_count=2).write(tmp_path / "here.gguf")
    words = alcove(home, "fit", str(path), "--machine", "RTX 4070 12 GB, 32 GB RAM", "--json")
    assert words.returncode == 0, words.stderr
    plan = json.loads(words.stdout)["plan"]
    assert [use["device"] for use in plan["memory"]][-1] == "CPU"
    assert plan["memory"][-1]["free"] > 8 * 1024 * MIB
    file = tmp_path / "machine.json"
    file.write_text(json.dumps({"os": "Linux", "ram_total": 8 * MIB, "ram_available": 4 * MIB}))
    small = alcove(home, "fit", str(path), "--machine", str(file))
    assert small.returncode == 0, small.stderr
    assert "does not fit" in small.stdout
    assert "memory" in small.stdout


def test_what_is_not_there_is_said_on_standard_error(home: Path, hub: LoopbackHub) -> None:
    for name, words in (("nobody", "nobody"), ("maker/Model:Q2_K", "Q4_K_M")):
        failed = alcove(home, "fit", name)
        assert failed.returncode == 1
        assert words in failed.stderr
