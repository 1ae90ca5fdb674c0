"""The graphics cards on Linux' PCI bus, whether or not any driver serves them."""

import re
from dataclasses import dataclass
from pathlib import Path

from app.hardware.detection.files import fields, number, text

VENDORS = {0x10DE: "nvidia", 0x1002: "amd", 0x8086: "intel"}
_CLASSES = (0x0300, 0x0302, 0x0380, 0x1200)
"""Display controllers and accelerators (PCI Code and ID Assignment, base classes 03 and 12)."""
_NAMES = ("usr/share/hwdata/pci.ids", "usr/share/misc/pci.ids", "var/lib/pciutils/pci.ids")


@dataclass(frozen=True)
class PciCard:
    """A graphics card's place on the bus, its maker and the kernel driver that serves it ("" for none)."""

    pci_id: str
    vendor: str
    device: int
    driver: str
    folder: Path
    name: str


def pci_cards(root: Path) -> tuple[PciCard, ...]:
    """Cards of the makers whose GPUs the engine knows, by their place on the bus."""
    found = []
    for folder in sorted((root / "sys/bus/pci/devices").glob("*")):
        vendor = VENDORS.get(number(folder / "vendor") or 0)
        if vendor and (number(folder / "class") or 0) >> 8 in _CLASSES:
            device = number(folder / "device") or 0
            driver = fields(text(folder / "uevent"), "=").get("driver", "")
            name = text(folder / "product_name") or _listed_name(root, vendor, device)
            found.append(PciCard(folder.name, vendor, device, driver, folder, name))
    return tuple(found)


def _listed_name(root: Path, vendor: str, device: int) -> str:
    """The name in the list of PCI devices that distributions ship; where there is none, maker and number."""
    plain = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel"}[vendor]
    number_of = {name: f"{code:04x}" for code, name in VENDORS.items()}[vendor]
    for listing in _NAMES:
        content = "\n" + text(root / listing)
        _, _, section = content.partition(f"\n{number_of}  ")
        section = re.split(r"\n(?=[0-9a-f]{4}  )", section)[0]
        if found := re.search(rf"^\t{device:04x}  (.+)$", section, re.MULTILINE):
            marketing = re.search(r"\[(.+)\]", found[1])
            return f"{plain} {marketing[1] if marketing else found[1]}"
    return f"{plain} GPU {device:04x}"
