"""Intel's cards from Linux: the files of its two kernel drivers, i915 and xe."""

import re
from collections.abc import Iterable
from pathlib import Path

from app.hardware.detection.files import number
from app.hardware.detection.pci import PciCard
from app.protocol import Device

_OWN_MEMORY = ("lmem_total_bytes", "tile0/physical_vram_size_bytes", "tile0/vram0/size", "drm/card*/lmem_total_bytes")
_PROCESSOR = "0000:00:02.0"
"""Where every processor of Intel has its graphics."""
_KIB = 1024


def intel_devices(cards: tuple[PciCard, ...], driver: str = "") -> tuple[Device, ...]:
    """Intel's among the cards; how much of a card's memory is in use its files do not say."""
    return tuple(_device(card, driver) for card in cards if card.vendor == "intel")


def vram_used(fdinfos: Iterable[str], pci_id: str) -> int:
    """Bytes of that card's memory in use, by the texts of /proc/*/fdinfo (Documentation/gpu/drm-usage-stats.rst).

    A client may be open several times; it is counted once.
    """
    clients: dict[str, int] = {}
    for content in fdinfos:
        if f"drm-pdev:\t{pci_id}" not in content:
            continue
        client = re.search(r"drm-client-id:\s*(\d+)", content)
        held = re.search(r"drm-(?:resident|total|memory)-(?:vram|local)0?:\s*(\d+) ?(KiB|MiB)?", content)
        if client and held:
            factor = {"KiB": _KIB, "MiB": _KIB**2}.get(held[2] or "", 1)
            clients[client[1]] = int(held[1]) * factor
    return sum(clients.values())


def _device(card: PciCard, driver: str) -> Device:
    own = _own_memory(card.folder)
    integrated = card.pci_id == _PROCESSOR
    return Device(
        name=card.name,
        kind="integrated" if integrated else "discrete" if own else "unknown",
        vendor="intel",
        memory_total=None if integrated else own,
        memory_shared=None if integrated or not own else 0,
        pci_id=card.pci_id,
        driver=driver if card.driver else "",
        sources=("sysfs",),
    )


def _own_memory(folder: Path) -> int | None:
    for pattern in _OWN_MEMORY:
        for path in sorted(folder.glob(pattern)):
            if size := number(path):
                return size
    return None
