"""What Qt needs of a Linux system (libraries, a Chinese and an emoji font): installed where we may, or asked for."""

import ctypes
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from alcove_setup.console import Console
from alcove_setup.environment import is_offline
from alcove_setup.packages import APT, LIBRARIES, install_command, is_root, package_names
from alcove_setup.process import Step, StepFailed, run_step

FONT_FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.local/share/fonts"),
    Path("~/.fonts"),
)
FONTS = {
    "cjk": ("cjk", "wqy", "sourcehan", "droidsansfallback", "uming", "ukai", "lxgw", "heiti", "songti", "notosanssc"),
    "emoji": ("emoji", "twemoji"),
}
"""Parts of the names of font files that cover Chinese, and emoji."""


def ensure_system(log: Path, console: Console) -> None:
    """Installs what is missing where root and apt are at hand, otherwise says which command does; never fails."""
    if sys.platform != "linux":
        return
    missing = [*missing_libraries(LIBRARIES), *missing_fonts(FONT_FOLDERS)]
    if not missing:
        return
    if is_root() and shutil.which("apt-get") and not is_offline():
        try:
            _install_with_apt(package_names(missing, APT), log, console)
        except StepFailed as failure:
            console.say(failure.message)
        else:
            return
    console.say("The window needs some parts of the system that are not here (chat and serve work without them).")
    console.say(f"  {install_command(*missing)}")


def missing_libraries(names: Iterable[str]) -> list[str]:
    """Those shared libraries that the loader does not find."""
    return [name for name in names if not _loads(name)]


def missing_fonts(folders: Iterable[Path]) -> list[str]:
    """The kinds of font (`cjk`, `emoji`) of which no file lies in those folders."""
    files = [
        name.lower().replace("-", "").replace("_", "")
        for folder in folders
        for _, _, names in os.walk(folder.expanduser())
        for name in names
    ]
    return [kind for kind, parts in FONTS.items() if not any(part in file for file in files for part in parts)]


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _install_with_apt(names: Sequence[str], log: Path, console: Console) -> None:
    """Raises StepFailed. The package lists are fetched only when they are missing or turn out to be stale."""
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    options = ["-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=60"]
    update = Step("Package lists", ["apt-get", "update"], log, environ)
    install = Step("System libraries and fonts", ["apt-get", "install", *options, *names], log, environ)
    has_lists = any(Path("/var/lib/apt/lists").glob("*_Packages*"))
    if has_lists:
        try:
            run_step(install, console)
        except StepFailed:
            has_lists = False
        else:
            return
    run_step(update, console)
    run_step(install, console)
