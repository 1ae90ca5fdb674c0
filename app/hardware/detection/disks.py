"""The disk of a folder: how much is free, and whether it is fast."""

import re
import shutil
import threading
from pathlib import Path, PurePath
from typing import Literal

from app.hardware.detection.answers import DiskAnswer
from app.hardware.detection.files import text
from app.protocol import Disk

_Kind = Literal["ssd", "hdd", "network", "memory", "unknown"]
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "afs", "fuse.sshfs", "fuse.rclone", "glusterfs")
_MEMORY = ("tmpfs", "ramfs")
_VIRTUAL = ("vd", "xvd", "loop")
"""Disks of virtual machines and files: they say that they turn, whatever is behind them."""
_PATIENCE_S = 1.0
"""A dead network disk would stop whoever asks it, for minutes."""


def disk(folder: PurePath, answer: DiskAnswer, root: Path) -> Disk:
    """The disk on which that folder lies; `root` holds Linux' files about disks."""
    told = linux_kind(folder, root) if answer.kind == "unknown" else answer.kind
    return Disk(path=str(folder), total=answer.total, free=answer.free, kind=told)


def linux_kind(folder: PurePath, root: Path) -> _Kind:
    """What kind of disk Linux has mounted there: by its file system, else by whether the device turns."""
    mount = _mount(folder, text(root / "proc/self/mountinfo"))
    if mount is None:
        return "unknown"
    device, file_system, source = mount
    if file_system in _NETWORK:
        return "network"
    if file_system in _MEMORY:
        return "memory"
    if PurePath(source).name.startswith(_VIRTUAL):
        return "unknown"
    for block in (root / "sys/dev/block" / device, root / "sys/class/block" / PurePath(source).name):
        for place in (block, block.resolve().parent):  # a partition's queue is the whole disk's, one folder above
            if turns := text(place / "queue/rotational"):
                return "hdd" if turns == "1" else "ssd"
    return "unknown"


def ask_space(folder: Path) -> DiskAnswer:
    """Total and free bytes on the disk of that folder, or of the nearest folder above it that exists."""
    found: list[DiskAnswer] = []

    def ask() -> None:
        for candidate in (folder, *folder.parents):
            try:
                usage = shutil.disk_usage(candidate)
            except FileNotFoundError:
                continue
            except OSError:
                return
            found.append(DiskAnswer(total=usage.total, free=usage.free))
            return

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_PATIENCE_S)
    return found[0] if found else DiskAnswer()


def _mount(folder: PurePath, mountinfo: str) -> tuple[str, str, str] | None:
    """Device number, file system and source of the innermost mount above the folder (proc(5), /proc/pid/mountinfo)."""
    best: tuple[int, str, str, str] | None = None
    for line in mountinfo.splitlines():
        left, dash, right = line.partition(" - ")
        parts, kind = left.split(), right.split()
        if not dash or len(parts) < 5 or len(kind) < 2:  # proc(5): at least so many fields
            continue
        place = parts[4].replace("\\040", " ")
        if folder.is_relative_to(place) and (best is None or len(place) >= best[0]):
            best = (len(place), parts[2], kind[0], kind[1])
    return None if best is None else best[1:]


def mac_kind(folder: PurePath, mounts: str, architecture: str) -> _Kind:
    """The same from what `mount` prints on a Mac: "/dev/disk3s5 on /System/Volumes/Data (apfs, local)".

    The disk a Mac with a chip of Apple's starts from is soldered flash; of others nothing is known.
    """
    best: tuple[int, str] = (0, "")
    for place, options in re.findall(r" on (/.*) \(([^)]*)\)$", mounts, re.MULTILINE):
        if folder.is_relative_to(place) and len(place) >= best[0]:
            best = (len(place), options)
    file_system = best[1].partition(",")[0]
    if file_system in _NETWORK or file_system in ("afpfs", "webdav"):
        return "network"
    return "ssd" if architecture == "arm64" and best[0] == 1 and file_system == "apfs" else "unknown"
