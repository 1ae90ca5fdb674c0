"""Missing system parts are found, and named as each distribution names them."""

import sys
from pathlib import Path

import pytest

from alcove_setup import packages, system
from alcove_setup.packages import APT, DNF, LIBRARIES, OTHERS, PACMAN, PackageManager, install_command, package_names
from tests.packaging.setup_parts import Transcript


@pytest.mark.parametrize("manager", [APT, DNF, PACMAN])
def test_everything_has_a_name_everywhere(manager: PackageManager) -> None:
    names = package_names([*LIBRARIES, *OTHERS], manager)
    assert all(names)
    assert len(names) == len(set(names))


def test_one_package_for_several_libraries_is_named_once() -> None:
    assert package_names(["libxcb-shm.so.0", "libxcb-xkb.so.1"], DNF) == ["libxcb"]


@pytest.mark.parametrize(
    ("manager", "root", "sentence"),
    [
        (APT, True, "Type: apt-get install libegl1 g++"),
        (APT, False, "Type: sudo apt-get install libegl1 g++"),
        (DNF, False, "Type: sudo dnf install libglvnd-egl gcc-c++"),
        (PACMAN, False, "Type: sudo pacman -S --needed libglvnd base-devel"),
    ],
)
def test_one_command_to_type(
    manager: PackageManager, root: bool, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(packages, "package_manager", lambda: manager)
    monkeypatch.setattr(packages, "is_root", lambda: root)
    assert install_command("libEGL.so.1", "compiler") == sentence


@pytest.mark.parametrize(("platform", "word"), [("darwin", "xcode-select --install"), ("win32", "winget install")])
def test_a_compiler_on_other_systems(platform: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert word in install_command("compiler")


def test_an_unknown_distribution_gets_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(packages, "package_manager", lambda: None)
    assert install_command("libEGL.so.1").endswith("libegl1")


def test_fonts_are_found_by_what_they_cover(tmp_path: Path) -> None:
    assert system.missing_fonts([tmp_path, tmp_path / "missing"]) == ["cjk", "emoji"]
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "NotoSansCJK-Regular.ttc").touch()
    assert system.missing_fonts([tmp_path]) == ["emoji"]
    (tmp_path / "NotoColorEmoji.ttf").touch()
    assert system.missing_fonts([tmp_path]) == []


@pytest.mark.skipif(sys.platform != "linux", reason="ELF sonames")
def test_libraries_are_found_by_loading_them() -> None:
    assert system.missing_libraries(["libc.so.6", "libalcove-missing.so.1"]) == ["libalcove-missing.so.1"]


@pytest.mark.skipif(sys.platform != "linux", reason="the Linux side")
def test_without_root_the_command_is_printed_and_life_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "missing_libraries", lambda _: ["libEGL.so.1"])
    monkeypatch.setattr(system, "missing_fonts", lambda _: ["emoji"])
    monkeypatch.setattr(system, "is_root", lambda: False)
    monkeypatch.setattr(packages, "package_manager", lambda: APT)
    monkeypatch.setattr(packages, "is_root", lambda: False)
    told = Transcript()
    system.ensure_system(tmp_path / "log", told.console)
    assert "sudo apt-get install libegl1 fonts-noto-color-emoji" in told.text
