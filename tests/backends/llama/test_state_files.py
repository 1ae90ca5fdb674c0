"""KV states on disk: they bring back what was computed, and nothing that is not exactly what was written."""

import os
import stat
import threading
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from app.backends.llama import slots, state_files
from app.backends.llama.context import State
from app.backends.llama.runs import PictureSpan, TokenRun
from app.backends.llama.state_files import StateFiles, identity_of
from app.backends.llama.state_format import decode, encode
from app.backends.llama.states import Checkpoint, SavedState
from app.files import write_atomically
from app.protocol import Finished, LoadParams, RopeScaling, Sampling, StateFolder
from tests.backends.llama.conftest import Open
from tests.backends.llama.running import LONG

EIGHT = Sampling(temperature=0.0, max_tokens=8)


def some_state(cells: int = 40, size: int = 1000) -> SavedState:
    state = np.arange(size, dtype=np.uint8)
    run = TokenRun(range(cells), (PictureSpan("ab" * 32, 3, 5, 2),))
    return SavedState(run, "0:1", state, (Checkpoint(7, state[:10]), Checkpoint(9, state[5:8])))


def content_of(saved: SavedState) -> bytes:
    return b"".join(encode(saved, "me"))


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder(path=str(tmp_path / "states"), limit_bytes=100_000_000)


def test_what_is_written_is_read() -> None:
    again = decode(content_of(some_state()), "me")
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
        decode(content_of(some_state())[:kept], "me")


def test_a_changed_byte_anywhere_is_noticed() -> None:
    content = content_of(some_state())
    for at in range(0, len(content), 7):
        changed = bytearray(content)
        changed[at] ^= 1
        with pytest.raises(ValueError, match="altered"):
            decode(bytes(changed), "me")


def test_another_models_state_is_refused() -> None:
    with pytest.raises(ValueError, match="another model"):
        decode(content_of(some_state()), "you")


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


def test_the_next_question_does_not_wait_for_a_state_to_be_written(open_model: Open, folder: StateFolder) -> None:
    running = open_model("random", states=folder)
    running.answered(LONG, EIGHT, keep_as="1")
    running.answered(LONG, EIGHT, keep_as="1")
    assert running.answering._disk is not None
    assert not running.answering._disk._waiting
    assert [slot.keep_as for slot in running.answering._slots if slot.keep_as] == ["1"]
    running.answering.scheduler.rest()
    assert not any(slot.keep_as for slot in running.answering._slots)
    running.answering._disk.close(30)
    assert [path.name[:2] for path in Path(folder.path).iterdir()] == ["1."]


def test_who_goes_on_with_anothers_beginning_has_that_written_first(open_model: Open, folder: StateFolder) -> None:
    running = open_model("random", states=folder)
    running.answered(LONG, EIGHT, keep_as="1")
    running.answered(LONG, EIGHT, keep_as="2")
    running.answering.flush(30)
    assert sorted(path.name[:2] for path in Path(folder.path).iterdir()) == ["1.", "2."]


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    size = len(content_of(some_state()))
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


class Endless(SavedState):
    """A state there is no memory for when it is to be written."""

    @property
    def state(self) -> State:
        raise MemoryError

    @property
    def size(self) -> int:
        return 1

    def __init__(self) -> None:
        pass


def test_a_state_there_is_no_memory_for_does_not_end_the_writing(tmp_path: Path) -> None:
    files = StateFiles(StateFolder(path=str(tmp_path), limit_bytes=10**6), "me")
    files.write("1", Endless())
    files.write("2", some_state())
    files.close(30)
    assert [path.name[:2] for path in tmp_path.iterdir()] == ["2."]


def test_a_state_is_written_without_a_copy_of_it(tmp_path: Path) -> None:
    saved = some_state(size=32_000_000)
    tracemalloc.start()
    try:
        write_atomically(tmp_path / "state", encode(saved, "me"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000
    assert decode((tmp_path / "state").read_bytes(), "me").state.nbytes == 32_000_000


@pytest.fixture
def held_writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """(set when the writer has begun a file, to be set to let it go on)"""
    began, go_on = threading.Event(), threading.Event()

    def write(path: Path, content: Iterable[bytes | memoryview]) -> None:
        began.set()
        assert go_on.wait(30)
        write_atomically(path, content)

    monkeypatch.setattr(state_files, "write_atomically", write)
    yield began, go_on
    go_on.set()


Held = tuple[threading.Event, threading.Event]


def test_no_more_waits_to_be_written_than_there_is_room_for(tmp_path: Path, held_writer: Held) -> None:
    began, go_on = held_writer
    most = 2 * some_state().size
    files = StateFiles(StateFolder(path=str(tmp_path), limit_bytes=10**6), "me", most_waiting=most)
    assert files.write("1", some_state())
    assert began.wait(30)  # it does not wait any more
    assert files.write("2", some_state(size=4 * most))  # a large one alone may wait
    assert not files.write("3", some_state())
    assert files.write("2", some_state())  # in place of the other
    assert files.write("3", some_state())
    assert not files.write("4", some_state())
    go_on.set()
    files.close(30)
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["1", "2", "3"]


def test_what_is_forgotten_is_not_written_any_more(tmp_path: Path, held_writer: Held) -> None:
    began, go_on = held_writer
    files = StateFiles(StateFolder(path=str(tmp_path), limit_bytes=10**6), "me")
    for name in ("1", "2", "3"):
        files.write(name, some_state())
    assert began.wait(30)
    files.forget("1")  # being written
    files.forget("2")  # waiting
    go_on.set()
    files.write("2", some_state())  # by a slot that had it still
    files.close(30)
    assert [path.name[0] for path in tmp_path.iterdir()] == ["3"]
    assert files.best(some_state().run, "0:1", 39)[1].startswith("3.")
    files.forget("3")
    assert not list(tmp_path.iterdir())


def test_a_deleted_conversation_leaves_nothing_until_it_is_back(open_model: Open, folder: StateFolder) -> None:
    running = open_model("random", states=folder, slots=1)
    number = running.ask(LONG, EIGHT, keep_as="12")
    running.until(lambda: running.of(number))
    running.answering.forget("12")
    running.run()
    running.answered(LONG, EIGHT, keep_as="13")
    running.answering.forget("13")
    running.answered("It was restored, and somebody asks something of it again. " * 3, EIGHT, keep_as="13")
    running.answering.flush(30)
    assert [path.name[:3] for path in Path(folder.path).iterdir()] == ["13."]


def test_the_scheduler_reads_no_files(open_model: Open, folder: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    before = open_model("random", states=folder)
    before.answered(LONG, EIGHT, keep_as="12")
    before.answering.flush(30)
    after = open_model("random", states=folder)
    number = after.ask(LONG, EIGHT)
    with monkeypatch.context() as patch:
        patch.setattr(StateFiles, "read", None)
        after.run()
    assert after.stats(number).cached_tokens == after.stats(number).prompt_tokens - 1
    with monkeypatch.context() as patch:
        patch.setattr(StateFiles, "read", None)
        after.answered(LONG, EIGHT)  # a slot has it: not even the desk needs the file


def test_a_busy_engine_writes_states_all_the_same(
    open_model: Open, folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "WRITE_EVERY_S", 0.0)
    running = open_model("endless", states=folder, slots=3)
    numbers = [running.ask(f"{LONG} {name}", EIGHT, keep_as=name) for name in ("1", "2")]
    running.ask("Go on.", Sampling(temperature=0.0, max_tokens=1000), stop_repetition=False)
    running.until(lambda: all(any(isinstance(event, Finished) for event in running.of(number)) for number in numbers))
    running.step(2)
    assert not running.answering.scheduler.idle
    running.answering._disk.close(30)  # type: ignore[union-attr]
    assert sorted(path.name[0] for path in Path(folder.path).iterdir()) == ["1", "2"]


def test_states_are_written_one_at_a_time_while_others_are_answered(open_model: Open, folder: StateFolder) -> None:
    running = open_model("endless", states=folder, slots=3)
    numbers = [running.ask(f"{LONG} {name}", EIGHT, keep_as=name) for name in ("1", "2")]
    running.ask("Go on.", Sampling(temperature=0.0, max_tokens=1000), stop_repetition=False)
    running.until(lambda: all(any(isinstance(event, Finished) for event in running.of(number)) for number in numbers))
    running.step(2)
    assert not running.answering.scheduler.idle
    assert sum(bool(slot.keep_as) for slot in running.answering._slots) == 1


def test_a_longer_context_than_the_model_was_made_for_makes_other_states(open_model: Open) -> None:
    def identity(length: int) -> str:
        stretching = {"rope_scaling": RopeScaling.LINEAR, "rope_frequency_scale": 0.5}
        running = open_model("random", context_length=length, **stretching)
        params = LoadParams(**stretching)  # type: ignore[arg-type]
        return identity_of(running.answering.context, params)

    trained = open_model("random").answering.context.model.trained_context
    assert identity(trained) == identity(trained // 2) != identity(2 * trained)


def test_what_a_killed_worker_was_writing_is_removed(tmp_path: Path) -> None:
    for name in (".12.abc.kv.x7f", ".hidden", "12.state"):
        (tmp_path / name).write_bytes(b"x")
    StateFiles(StateFolder(path=str(tmp_path), limit_bytes=10**6), "me").close(30)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "12.state"]


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
