"""Who holds how much of a card's memory on Linux: what its driver says of each open file.

Source: Documentation/gpu/drm-usage-stats.rst of the kernel; amdgpu, i915 and xe write these lines.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.hardware.detection.files import text

OWN = ("vram", "vram0", "local", "local0")
"""What drivers call a card's own memory."""
BORROWED = (*OWN, "gtt", "system", "system0")
"""With what an integrated one borrows of the machine's."""
_UNITS = {"": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_KINDS = ("total", "memory", "resident")
"""From the least to the most telling."""


def held(fdinfos: Iterable[str], pci_id: str, regions: Iterable[str] = OWN) -> int:
    """Bytes of that card's memory the files' owners hold. A client has several files open, and is counted once."""
    wanted = set(regions)
    clients: dict[str, int] = {}
    for content in fdinfos:
        client = re.search(r"^drm-client-id:\s*(\d+)", content, re.MULTILINE)
        if client and re.search(rf"^drm-pdev:\s*{re.escape(pci_id)}\s*$", content, re.MULTILINE):
            clients[client[1]] = sum(size for region, size in _regions(content).items() if region in wanted)
    return sum(clients.values())


def fdinfos(root: Path, pids: Iterable[int] | None = None) -> Iterator[str]:
    """The texts of the files on graphics cards that these processes, or all one may look into, have open."""
    folders = (root / "proc").glob("[0-9]*") if pids is None else (root / "proc" / str(pid) for pid in pids)
    for folder in folders:
        with contextlib.suppress(OSError):
            for link in (folder / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if "dri/" in str(link.readlink()):
                        yield text(folder / "fdinfo" / link.name)


def _regions(content: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for kind in _KINDS:
        for region, size, unit in re.findall(rf"^drm-{kind}-(\w+):\s*(\d+) ?([KMG]iB)?", content, re.MULTILINE):
            found[region] = int(size) * _UNITS[unit]
    return found
