"""AMD's cards from Linux: memory from amdgpu's files, bandwidth and instruction set from the compute driver's.

Sources: Documentation/gpu/amdgpu/driver-misc.rst and drivers/gpu/drm/amd/amdkfd/kfd_topology.h of the kernel.
"""

from dataclasses import dataclass
from pathlib import Path

from app.hardware.detection.fdinfo import BORROWED, OWN, fdinfos, held
from app.hardware.detection.files import fields, number, text
from app.hardware.detection.pci import PciCard
from app.protocol import Device

_SYSTEM_HEAP = 0
_TRANSFERS = {"gfx8": 4, "gfx90": 2, "gfx94": 4, "gfx10": 16, "gfx11": 16, "gfx12": 16}
"""Transfers for a tick of the memory clock: GDDR5 4, HBM2 2, HBM3 4, GDDR6 16 (as Mesa's ac_gpu_info has it)."""
_PLAUSIBLE = range(20, 12_000)
"""GB/s."""


@dataclass(frozen=True)
class KfdNode:
    """A GPU as the compute driver lists it."""

    pci_id: str
    target: str
    """Its instruction set, "gfx1100"."""
    width: int
    """Bits of its memory bus; 0 where it has no memory of its own."""
    memory_clock: int
    """MHz."""


def amd_devices(
    cards: tuple[PciCard, ...],
    root: Path,
    ram_available: int | None,
    driver: str = "",
    own_pids: tuple[int, ...] = (),
) -> tuple[Device, ...]:
    """AMD's among the cards; what `own_pids` hold is not others'."""
    nodes = {node.pci_id: node for node in kfd_nodes(root)}
    found = []
    for card in cards:
        if card.vendor == "amd":
            node = nodes.get(card.pci_id)
            memory = _memory(card, node, ram_available)
            ours = held(fdinfos(root, own_pids), card.pci_id, BORROWED if memory.integrated else OWN)
            found.append(_device(card, node, memory, ours, driver))
    return tuple(found)


def kfd_nodes(root: Path) -> tuple[KfdNode, ...]:
    """The GPUs among the compute driver's nodes; the processor is a node too and has no instruction set there."""
    found = []
    for folder in sorted((root / "sys/class/kfd/kfd/topology/nodes").glob("*")):
        told = {name: int(value) for name, value in _properties(folder / "properties").items() if value.isdigit()}
        version = told.get("gfx_target_version", 0)
        if not version:
            continue
        place = told.get("location_id", 0)
        width, clock = _memory_bank(folder)
        found.append(
            KfdNode(
                pci_id=f"{told.get('domain', 0):04x}:{place >> 8 & 0xFF:02x}:{place >> 3 & 0x1F:02x}.{place & 7}",
                target=f"gfx{version // 10000}{version // 100 % 100:x}{version % 100:x}",
                width=width,
                memory_clock=clock,
            )
        )
    return tuple(found)


@dataclass(frozen=True)
class _Memory:
    """A card's memory in bytes; `used` by anyone, `shared` of it is the machine's."""

    integrated: bool
    total: int | None
    free: int | None
    used: int | None
    shared: int | None


def _memory(card: PciCard, node: KfdNode | None, ram_available: int | None) -> _Memory:
    vram, vram_used = number(card.folder / "mem_info_vram_total"), number(card.folder / "mem_info_vram_used")
    gtt, gtt_used = number(card.folder / "mem_info_gtt_total"), number(card.folder / "mem_info_gtt_used") or 0
    integrated = _integrated(vram, gtt, node)
    if vram is None:
        return _Memory(integrated, None, None, None, None)
    free = None if vram_used is None else max(vram - vram_used, 0)
    if not integrated or gtt is None:
        return _Memory(integrated, vram, free, vram_used, 0)
    borrowed = max(gtt - gtt_used, 0)
    if ram_available is not None:
        borrowed = min(borrowed, ram_available)
    return _Memory(integrated, vram + gtt, (free or 0) + borrowed, (vram_used or 0) + gtt_used, gtt)


def _device(card: PciCard, node: KfdNode | None, memory: _Memory, ours: int, driver: str) -> Device:
    return Device(
        name=card.name,
        kind="unknown" if memory.total is None else "integrated" if memory.integrated else "discrete",
        vendor="amd",
        architecture=node.target if node else "",
        memory_total=memory.total,
        memory_free=memory.free,
        memory_used_by_others=None if memory.used is None else max(memory.used - ours, 0),
        memory_shared=memory.shared,
        bandwidth=None if node is None or memory.integrated else _bandwidth(node),
        pci_id=card.pci_id,
        driver=driver if card.driver else "",
        sources=("sysfs", "kfd") if node else ("sysfs",),
    )


def _integrated(vram: int | None, gtt: int | None, node: KfdNode | None) -> bool:
    """A part of a processor: it has next to no memory of its own, or an instruction set only such parts have.

    The carve-out can be larger than what it borrows (96 GiB of Strix Halo's 128), so that sizes do not always tell.
    """
    if node is not None and node.target in _INTEGRATED_TARGETS:
        return True
    return vram is not None and gtt is not None and vram <= 4 * 1024**3 and vram < gtt / 2


_INTEGRATED_TARGETS = frozenset(
    [*("gfx902", "gfx909", "gfx90c", "gfx1033", "gfx1035", "gfx1036", "gfx1037", "gfx1103")]
    + [f"gfx115{step}" for step in range(4)]
)
"""Raven, Renoir, Van Gogh, Rembrandt, Raphael, Mendocino, Phoenix, Strix and its kin (llvm.org, AMDGPUUsage)."""


def _bandwidth(node: KfdNode) -> float | None:
    """Bytes a second; of an integrated one the clock does not say what kind of memory the machine has."""
    transfers = next((factor for start, factor in _TRANSFERS.items() if node.target.startswith(start)), None)
    if transfers is None:
        return None
    bandwidth = node.width / 8 * node.memory_clock * 1e6 * transfers
    return bandwidth if int(bandwidth / 1e9) in _PLAUSIBLE else None


def _memory_bank(folder: Path) -> tuple[int, int]:
    """Bits and MHz of the memory that is the card's own."""
    for bank in sorted((folder / "mem_banks").glob("*")):
        told = _properties(bank / "properties")
        if int(told.get("heap_type", _SYSTEM_HEAP)) != _SYSTEM_HEAP:
            return int(told.get("width", 0)), int(told.get("mem_clk_max", 0))
    return 0, 0


def _properties(path: Path) -> dict[str, str]:
    return fields(text(path), " ")
