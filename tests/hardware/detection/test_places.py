"""Containers and disks, by the marks they leave in files."""

from pathlib import Path, PurePosixPath

import pytest

from app.hardware.detection.answers import DiskAnswer
from app.hardware.detection.container import container, is_wsl
from app.hardware.detection.disks import ask_space, disk, linux_kind, mac_kind
from tests.hardware.laying import lay

MOUNTS = """\
22 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw
23 22 8:17 / /data rw - xfs /dev/sdb1 rw
24 22 0:40 / /net rw - nfs4 filer:/x rw
25 22 0:41 / /tmp rw - tmpfs tmpfs rw
26 22 0:42 / /my\\040disk rw - btrfs /dev/nvme0n1p1 rw
27 22 253:0 / /vm rw - ext4 /dev/vda1 rw
28 22 0:43 / /odd rw - zfs pool/x rw
broken line
"""


@pytest.mark.parametrize(
    ("files", "environ", "name"),
    [
        ({}, {}, ""),
        ({".dockerenv": ""}, {}, "docker"),
        ({".dockerenv": "", "proc/version": "Linux 5.15 Microsoft"}, {}, "docker"),
        ({"run/.containerenv": "engine=podman"}, {}, "podman"),
        ({".flatpak-info": "[Application]"}, {}, "flatpak"),
        ({}, {"SNAP": "/snap/alcove/1", "SNAP_NAME": "alcove"}, "snap"),
        ({"run/systemd/container": "lxc\n"}, {}, "lxc"),
        ({}, {"container": "lxc"}, "lxc"),
        ({".dockerenv": ""}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes"),
        ({"proc/self/cgroup": "0::/kubepods.slice/x"}, {}, "kubernetes"),
        ({"proc/self/cgroup": "4:memory:/docker/abc\n"}, {}, "docker"),
        ({"proc/sys/kernel/osrelease": "5.15.1-microsoft-standard-WSL2"}, {}, "wsl"),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "1000"}, {}, "cgroup"),
    ],
)
def test_containers(files: dict[str, str], environ: dict[str, str], name: str, tmp_path: Path) -> None:
    assert container(lay(tmp_path, files), environ) == name


def test_wsl_is_seen_in_a_container_too(tmp_path: Path) -> None:
    lay(tmp_path, {".dockerenv": "", "proc/sys/kernel/osrelease": "5.15.1-microsoft-standard-WSL2"})
    assert is_wsl(tmp_path)


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/kim", "ssd"),
        ("/data/models", "hdd"),
        ("/net/models", "network"),
        ("/tmp", "memory"),
        ("/my disk/models", "ssd"),
        ("/vm/x", "unknown"),
        ("/odd", "unknown"),
        ("/database", "ssd"),
    ],
)
def test_kinds_of_disks(folder: str, kind: str, tmp_path: Path) -> None:
    lay(tmp_path, {"proc/self/mountinfo": MOUNTS})
    for name, turns in (("sda", 0), ("sdb", 1), ("nvme0n1", 0), ("vda", 1)):
        part = f"{name}p1" if name[-1].isdigit() else f"{name}{2 if name == 'sda' else 1}"
        lay(tmp_path, {f"sys/devices/{name}/queue/rotational": str(turns)})
        (tmp_path / "sys/devices" / name / part).mkdir()
        link = tmp_path / "sys/class/block" / part
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(tmp_path / "sys/devices" / name / part)
    assert linux_kind(PurePosixPath(folder), tmp_path) == kind


def test_a_disk_by_its_number(tmp_path: Path) -> None:
    lay(tmp_path, {"proc/self/mountinfo": "22 1 8:2 / / rw - ext4 /dev/root rw\n", "sys/dev/block/8:2/x": ""})
    lay(tmp_path, {"sys/dev/block/8:2/queue/rotational": "1"})
    assert linux_kind(PurePosixPath("/"), tmp_path) == "hdd"


def test_what_the_system_says_goes_first(tmp_path: Path) -> None:
    lay(tmp_path, {"proc/self/mountinfo": "22 1 8:2 / / rw - nfs4 x:/y rw\n"})
    assert disk(PurePosixPath("/m"), DiskAnswer(total=2, free=1, kind="hdd"), tmp_path).kind == "hdd"
    assert disk(PurePosixPath("/m"), DiskAnswer(), tmp_path).kind == "network"


def test_space_of_a_folder_that_is_still_to_be_made(tmp_path: Path) -> None:
    found = ask_space(tmp_path / "not" / "yet")
    assert found.free is not None
    assert found.total is not None
    assert 0 < found.free <= found.total


MAC = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
//kim@nas/models on /Volumes/models (smbfs, nodev, nosuid, mounted by kim)
/dev/disk5s1 on /Volumes/stick (exfat, local, nodev)
"""


@pytest.mark.parametrize(
    ("folder", "architecture", "kind"),
    [
        ("/Users/kim/models", "arm64", "ssd"),
        ("/Users/kim/models", "x86_64", "unknown"),
        ("/Volumes/models/a", "arm64", "network"),
        ("/Volumes/stick", "arm64", "unknown"),
    ],
)
def test_disks_of_a_mac(folder: str, architecture: str, kind: str) -> None:
    assert mac_kind(PurePosixPath(folder), MAC, architecture) == kind
