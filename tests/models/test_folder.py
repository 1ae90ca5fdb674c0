"""Finding GGUF files below a folder, whatever a person has put there."""

import os
from pathlib import Path

import pytest

from app.models import folder
from app.models.folder import gguf_files


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert gguf_files(tmp_path / "none") == []


def test_files_are_found_below_in_order(tmp_path: Path) -> None:
    files = [touch(tmp_path / name) for name in ("a.gguf", "b/c.GGUF", "b/d/e.gguf")]
    touch(tmp_path / "readme.md")
    touch(tmp_path / ".cache" / "hidden.gguf")
    touch(tmp_path / "b" / ".partial.gguf")
    assert gguf_files(tmp_path) == files


def test_a_folder_with_the_ending_is_no_file(tmp_path: Path) -> None:
    inner = touch(tmp_path / "model.gguf" / "inner.gguf")
    assert gguf_files(tmp_path) == [inner]


def test_loops_of_links_end(tmp_path: Path) -> None:
    file = touch(tmp_path / "x" / "a.gguf")
    os.symlink(tmp_path, tmp_path / "x" / "up")
    os.symlink(tmp_path / "x" / "self", tmp_path / "x" / "self")
    assert gguf_files(tmp_path) == [file]


def test_a_file_and_a_link_to_it_are_one(tmp_path: Path) -> None:
    blob = touch(tmp_path / "store" / "0123")
    os.symlink(blob, tmp_path / "a.gguf")
    os.symlink(blob, tmp_path / "b.gguf")
    os.symlink(tmp_path / "gone", tmp_path / "dangling.gguf")
    assert gguf_files(tmp_path) == [tmp_path / "a.gguf"]


def test_depth_is_bounded(tmp_path: Path) -> None:
    inside = touch(tmp_path.joinpath(*"abcde", "in.gguf"))
    touch(tmp_path.joinpath(*"abcdef", "out.gguf"))
    assert gguf_files(tmp_path) == [inside]


def test_the_number_of_entries_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "ENTRIES", 5)
    for number in range(9):
        touch(tmp_path / f"{number}.gguf")
    assert len(gguf_files(tmp_path)) == 5


def test_a_folder_that_may_not_be_read_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file in the folder's place gives the same kind of error, also for root."""
    file = touch(tmp_path / "file")
    assert gguf_files(file) == []
    assert "cannot be listed" in caplog.text
