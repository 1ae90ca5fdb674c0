"""Intel's cards from Linux: the files of its two kernel drivers, i915 and xe."""

from pathlib import Path

from app.hardware.detection.files import number
from app.hardware.detection.pci import PciCard
from app.protocol import Device

_OWN_MEMORY = ("lmem_total_bytes", "tile0/physical_vram_size_bytes", "tile0/vram0/size", "drm/card*/lmem_total_bytes")
_PROCESSOR = "0000:00:02.0"
"""Where every processor of Intel has its graphics."""


def intel_devices(cards: tuple[PciCard, ...], driver: str = "") -> tuple[Device, ...]:
    """Intel's among the cards; how much of a card's memory is in use its files do not say."""
    return tuple(_device(card, driver) for card in cards if card.vendor == "intel")


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
