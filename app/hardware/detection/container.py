"""Which container this process runs in, if any: by the marks each kind leaves."""

import re
from collections.abc import Mapping
from pathlib import Path

from app.hardware.detection.files import text
from app.hardware.limits import memory_limits

_BY_GROUP = (("kubepods", "kubernetes"), ("docker", "docker"), ("libpod", "podman"), ("/lxc", "lxc"))


def container(root: Path, environ: Mapping[str, str]) -> str:
    """ "docker", "podman", "flatpak", "snap", "lxc", "wsl", "kubernetes", "cgroup" where only limits tell, or ""."""
    if "KUBERNETES_SERVICE_HOST" in environ or (root / "var/run/secrets/kubernetes.io").exists():
        return "kubernetes"
    if (root / ".flatpak-info").exists() or "FLATPAK_ID" in environ:
        return "flatpak"
    if "SNAP" in environ and "SNAP_NAME" in environ:
        return "snap"
    if (root / "run/.containerenv").exists():
        return "podman"
    if (root / ".dockerenv").exists():
        return "docker"
    told = text(root / "run/systemd/container") or environ.get("container", "")
    if told in ("docker", "podman", "lxc"):
        return told
    groups = text(root / "proc/self/cgroup")
    for mark, name in _BY_GROUP:
        if mark in groups:
            return name
    if is_wsl(root):
        return "wsl"
    return "cgroup" if memory_limits(root) else ""


def is_wsl(root: Path) -> bool:
    """Whether this is Linux inside Windows, in a container there or not."""
    kernel = text(root / "proc/sys/kernel/osrelease") or text(root / "proc/version")
    return re.search(r"microsoft", kernel, re.IGNORECASE) is not None
