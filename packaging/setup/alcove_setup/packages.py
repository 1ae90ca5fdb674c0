"""Which system package brings what, for the package managers we know, and the one command that installs it."""

import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class PackageManager:
    """A distribution's package manager: its program and how it is told to install."""

    name: str
    install: str


APT = PackageManager("apt", "apt-get install")
DNF = PackageManager("dnf", "dnf install")
PACMAN = PackageManager("pacman", "pacman -S --needed")
MANAGERS = {"apt-get": APT, "dnf": DNF, "pacman": PACMAN}

# What each distribution calls it. Several sonames of libxcb and wayland share one package on Fedora and Arch.
LIBRARIES: dict[str, tuple[str, str, str]] = {
    "libEGL.so.1": ("libegl1", "libglvnd-egl", "libglvnd"),
    "libGL.so.1": ("libgl1", "libglvnd-glx", "libglvnd"),
    "libX11.so.6": ("libx11-6", "libX11", "libx11"),
    "libX11-xcb.so.1": ("libx11-xcb1", "libX11-xcb", "libx11"),
    "libfontconfig.so.1": ("libfontconfig1", "fontconfig", "fontconfig"),
    "libfreetype.so.6": ("libfreetype6", "freetype", "freetype2"),
    "libdbus-1.so.3": ("libdbus-1-3", "dbus-libs", "dbus"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2", "glib2"),
    "libgssapi_krb5.so.2": ("libgssapi-krb5-2", "krb5-libs", "krb5"),
    "libbrotlidec.so.1": ("libbrotli1", "libbrotli", "brotli"),
    "libzstd.so.1": ("libzstd1", "libzstd", "zstd"),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon", "libxkbcommon"),
    "libxkbcommon-x11.so.0": ("libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"),
    "libxcb-cursor.so.0": ("libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor"),
    "libxcb-icccm.so.4": ("libxcb-icccm4", "xcb-util-wm", "xcb-util-wm"),
    "libxcb-image.so.0": ("libxcb-image0", "xcb-util-image", "xcb-util-image"),
    "libxcb-keysyms.so.1": ("libxcb-keysyms1", "xcb-util-keysyms", "xcb-util-keysyms"),
    "libxcb-randr.so.0": ("libxcb-randr0", "libxcb", "libxcb"),
    "libxcb-render.so.0": ("libxcb-render0", "libxcb", "libxcb"),
    "libxcb-render-util.so.0": ("libxcb-render-util0", "xcb-util-renderutil", "xcb-util-renderutil"),
    "libxcb-shape.so.0": ("libxcb-shape0", "libxcb", "libxcb"),
    "libxcb-shm.so.0": ("libxcb-shm0", "libxcb", "libxcb"),
    "libxcb-sync.so.1": ("libxcb-sync1", "libxcb", "libxcb"),
    "libxcb-util.so.1": ("libxcb-util1", "xcb-util", "xcb-util"),
    "libxcb-xfixes.so.0": ("libxcb-xfixes0", "libxcb", "libxcb"),
    "libxcb-xkb.so.1": ("libxcb-xkb1", "libxcb", "libxcb"),
    "libwayland-client.so.0": ("libwayland-client0", "libwayland-client", "wayland"),
    "libwayland-cursor.so.0": ("libwayland-cursor0", "libwayland-cursor", "wayland"),
    "libwayland-egl.so.1": ("libwayland-egl1", "libwayland-egl", "wayland"),
}
"""What Qt 6.11's xcb, wayland and offscreen plugins and its Gui and Network libraries need (`objdump -p`)."""

OTHERS: dict[str, tuple[str, str, str]] = {
    "cjk": ("fonts-wqy-microhei", "wqy-microhei-fonts", "wqy-microhei"),
    "emoji": ("fonts-noto-color-emoji", "google-noto-color-emoji-fonts", "noto-fonts-emoji"),
    "venv": ("python3-venv", "python3-pip", "python"),
    "compiler": ("g++", "gcc-c++", "base-devel"),
}

WINDOWS_COMPILER = (
    "winget install Microsoft.VisualStudio.2022.BuildTools --override "
    '"--passive --wait --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended"'
)


def package_manager() -> PackageManager | None:
    """The one this Linux has."""
    return next((manager for program, manager in MANAGERS.items() if shutil.which(program)), None)


def package_names(things: Iterable[str], manager: PackageManager) -> list[str]:
    """The packages that bring those things (sonames, or words of OTHERS), each once, in a steady order."""
    column = (APT, DNF, PACMAN).index(manager)
    known = LIBRARIES | OTHERS
    return list(dict.fromkeys(known[thing][column] for thing in things))


def install_command(*things: str) -> str:
    """The sentence that tells the reader which one command brings those things here."""
    if sys.platform == "win32":
        return f"Type: {WINDOWS_COMPILER}" if "compiler" in things else "Install Python from python.org."
    if sys.platform == "darwin":
        return "Type: xcode-select --install" if "compiler" in things else "Type: brew install python"
    manager = package_manager()
    if manager is None:
        wanted = ", ".join(package_names(things, APT))
        return f"Install with your distribution's package manager (Debian's names): {wanted}"
    sudo = "" if is_root() else "sudo "
    return f"Type: {sudo}{manager.install} {' '.join(package_names(things, manager))}"


def is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0
