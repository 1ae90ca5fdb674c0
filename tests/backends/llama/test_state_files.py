"""KV states on disk: they bring back what was computed, and nothing that is not exactly what was written."""

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from app.backends.llama.runs import PictureSpan, TokenRun
from app.backends.llama.state_files import StateFiles, decode, encode
from app.backends.llama.states import Checkpoint, SavedState
from app.protocol import Sampling, StateFolder
from tests.backends.llama.conftest import Open
from tests.backends.llama.running import LONG

EIGHT = Sampling(temperature=0.0, max_tokens=8)


def some_state(cells: int = 40, size: int = 1000) -> SavedState:
    state = np.arange(size, dtype=np.uint8)
    run = TokenRun(range(cells), (PictureSpan("ab" * 32, 3, 5, 2),))
    return SavedState(run, "0:1", state, (Checkpoint(7, state[:10]), Checkpoint(9, state[5:8])))


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder(path=str(tmp_path / "states"), limit_bytes=100_000_000)


def test_what_is_written_is_read() -> None:
    again = decode(encode(some_state(), "me"), "me")
    assert again.run.tokens.tolist() == list(range(40))
    assert again.run.pictures == some_state().run.pictures
    assert again.key == "0:1"
    assert again.state.tolist() == some_state().state.tolist()
    assert [point.length for point in again.checkpoints] == [7, 9]
    assert [point.state.tolist() for point in again.checkpoints] == [
        point.state.tolist() for point in some_state().checkpoints
    ]


@pytest.mark.parametrize("kept", [0, 4, 11, 60, 200, 500, -1, -32, -33])
def test_a_truncated_file_is_no_state(kept: int) -> None:
    with pytest.raises(ValueError, match=r"cut off|begin"):
        decode(encode(some_state(), "me")[:kept], "me")


def test_a_changed_byte_anywhere_is_noticed() -> None:
    content = encode(some_state(), "me")
    for at in range(0, len(content), 7):
        changed = bytearray(content)
        changed[at] ^= 1
        with pytest.raises(ValueError, match="altered"):
            decode(bytes(changed), "me")


def test_another_models_state_is_refused() -> None:
    with pytest.raises(ValueError, match="another model"):
        decode(encode(some_state(), "me"), "you")


def test_after_a_restart_a_conversation_is_not_read_again(open_model: Open, folder: StateFolder) -> None:
    before = open_model("random", states=folder)
    first = before.answered(LONG, EIGHT, keep_as="12")
    before.answering.flush(30)
    [path] = Path(folder.path).iterdir()
    assert path.name.startswith("12.")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    after = open_model("random", states=folder)
    number = after.ask(LONG, EIGHT)
    after.run()
    assert after.stats(number).cached_tokens == after.stats(number).prompt_tokens - 1
    assert after.text(number) == first


@pytest.mark.parametrize("harm", ["cut", "changed", "empty", "gone"])
def test_a_damaged_file_costs_only_its_time(open_model: Open, folder: StateFolder, harm: str) -> None:
    before = open_model("random", states=folder)
    first = before.answered(LONG, EIGHT, keep_as="12")
    before.answering.flush(30)
    [path] = Path(folder.path).iterdir()
    after = open_model("random", states=folder)
    content = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        changed = content[:-100] + bytes(100)
        path.write_bytes({"cut": content[: len(content) // 2], "changed": changed, "empty": b""}[harm])
    number = after.ask(LONG, EIGHT)
    after.run()
    assert after.stats(number).cached_tokens == 0
    assert after.text(number) == first
    assert not path.exists()


def test_other_parameters_make_other_states(open_model: Open, folder: StateFolder) -> None:
    before = open_model("random", states=folder)
    before.answered(LONG, EIGHT, keep_as="12")
    before.answering.flush(30)
    other = open_model("random", states=folder, kv_type_k="q8_0")
    number = other.ask(LONG, EIGHT)
    other.run()
    assert other.stats(number).cached_tokens == 0


def test_a_state_is_written_before_its_slot_is_taken(open_model: Open, folder: StateFolder) -> None:
    running = open_model("random", states=folder, slots=1)
    running.ask(LONG, EIGHT, keep_as="1")
    running.ask("Another conversation, as long as it takes to be worth a file of its own.", EIGHT, keep_as="2")
    running.run()
    running.answering.flush(30)
    assert sorted(path.name.split(".")[0] for path in Path(folder.path).iterdir()) == ["1", "2"]


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    size = len(encode(some_state(), "me"))
    files = StateFiles(StateFolder(path=str(tmp_path), limit_bytes=3 * size), "me")
    for number in range(3):
        files.write(str(number), some_state())
    files.close(30)
    for number in range(3):
        [path] = tmp_path.glob(f"{number}.*")
        os.utime(path, (1000 + number, 1000 + number))
    files = StateFiles(StateFolder(path=str(tmp_path), limit_bytes=3 * size), "me")
    [first] = tmp_path.glob("0.*")
    assert files.read(first.name) is not None  # used again: now the second is the oldest
    files.write("3", some_state())
    files.close(30)
    assert sorted(path.name.split(".")[0] for path in tmp_path.iterdir()) == ["0", "2", "3"]


def test_a_name_that_is_no_file_name_is_hashed(tmp_path: Path) -> None:
    files = StateFiles(StateFolder(path=str(tmp_path / "in"), limit_bytes=10**6), "me")
    files.write("../../out", some_state())
    files.close(30)
    assert [path.parent for path in tmp_path.rglob("*.kv")] == [tmp_path / "in"]


def test_a_folder_that_cannot_be_written_costs_nothing_else(tmp_path: Path, open_model: Open) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    running = open_model("random", states=StateFolder(path=str(blocked / "states"), limit_bytes=10**6))
    assert running.answered(LONG, EIGHT, keep_as="1")
    running.answering.flush(30)
