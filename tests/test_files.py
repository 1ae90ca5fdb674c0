"""Files are replaced whole or not at all."""

import errno
from pathlib import Path

import pytest

from app.errors import AppError
from app.files import make_folder, storage_error, write_atomically


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two", mode=0o640)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_folders_are_for_their_user_alone_and_others_stay_as_they_are(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    make_folder(shared / "data" / "logs")
    make_folder(shared / "data" / "logs")
    modes = [path.stat().st_mode & 0o777 for path in (shared, shared / "data", shared / "data" / "logs")]
    assert modes == [0o755, 0o700, 0o700]
    (shared / "file").touch()
    with pytest.raises(OSError, match="file"):
        make_folder(shared / "file" / "deeper")


def test_a_failed_write_keeps_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(AppError) as caught:
        write_atomically(path, b"new")
    assert caught.value.code == "disk_full"
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EROFS, "folder_read_only"), (errno.EACCES, "folder_read_only"), (errno.EDQUOT, "disk_full")],
)
def test_faults_of_the_disk_get_words(number: int, code: str, tmp_path: Path) -> None:
    error = storage_error(OSError(number, "x"), tmp_path)
    assert isinstance(error, AppError)
    assert error.code == code
    assert str(tmp_path) in error.message


def test_other_faults_stay_what_they_are(tmp_path: Path) -> None:
    error = OSError(errno.EIO, "x")
    assert storage_error(error, tmp_path) is error
