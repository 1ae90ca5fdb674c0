"""Before the long build starts it is certain that it can: a compiler, room on the disk."""

import sys
from collections import namedtuple
from pathlib import Path

import pytest

from alcove_setup.build import has_compiler, require_compiler, require_space
from alcove_setup.faults import SetupError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for compilers by name, as on Linux")

Usage = namedtuple("Usage", "total used free")


def programs(folder: Path, *names: str) -> dict[str, str]:
    """An environment whose PATH holds these programs only."""
    for name in names:
        (folder / name).touch(mode=0o755)
    return {"PATH": str(folder)}


def test_gcc_alone_is_no_cxx_compiler(tmp_path: Path) -> None:
    assert not has_compiler({"PATH": str(tmp_path)})
    assert not has_compiler(programs(tmp_path, "gcc"))
    assert has_compiler(programs(tmp_path, "g++"))


def test_the_users_own_compiler_counts(tmp_path: Path) -> None:
    environ = programs(tmp_path, "gcc-13", "g++-13")
    assert not has_compiler(environ)
    assert has_compiler({**environ, "CC": "gcc-13 -m64", "CXX": "g++-13"})


def test_a_missing_compiler_is_said_with_the_command_to_type(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no C\\+\\+ compiler") as caught:
        require_compiler({"PATH": str(tmp_path)})
    assert any(word in caught.value.hint for word in ("g++", "gcc-c++", "base-devel"))
    assert "what is set up by now is kept" in caught.value.hint


def test_a_full_disk_is_said_with_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(10**10, 10**10, 3 * 10**8))
    with pytest.raises(SetupError, match=r"needs 1\.5 GB .* 0\.3 GB are free"):
        require_space(tmp_path)
