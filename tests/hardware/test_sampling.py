"""The memory of this moment, for cards of each kind; the machine is this one or a recorded one."""

import sys
from pathlib import Path

import pynvml  # type: ignore[import-untyped]
import pytest

from app.hardware.detection.answers import NvmlCard, NvmlProcess
from app.hardware.detection.asking import own_pids
from app.hardware.detection.nvidia import used_by_others
from app.hardware.sampling import Sampler, sample
from app.protocol import Device, Machine
from tests.hardware.laying import lay

GIB, MIB = 1024**3, 1024**2
CARD = Device(
    name="NVIDIA X", kind="discrete", backend="CUDA", engine_name="CUDA0", vendor="nvidia", memory_total=8 * GIB,
    memory_free=8 * GIB, pci_id="0000:01:00.0", sources=("ggml", "nvml"),
)  # fmt: skip
RADEON = Device(
    name="Radeon", kind="discrete", vendor="amd", memory_total=8 * GIB, pci_id="0000:03:00.0", sources=("sysfs",)
)


def test_this_machine() -> None:
    found = sample(Machine(os="x"))
    assert found.ram_total is not None
    assert found.ram_available is not None
    assert 0 < found.ram_available <= found.ram_total
    assert found.ram_ours is not None
    assert 0 < found.ram_ours < found.ram_total
    assert found.devices == ()


def test_a_card_of_nvidias() -> None:
    def told(place: str) -> NvmlCard:
        assert place == CARD.pci_id
        processes = (NvmlProcess(pid=own_pids()[0], used=2 * GIB), NvmlProcess(pid=1, used=GIB))
        return NvmlCard(name="", memory_total=8 * GIB, memory_free=5 * GIB, memory_used=3 * GIB, processes=processes)

    (found,) = Sampler(Machine(os="x", devices=(CARD,)), card_memory=told).sample().devices
    assert (found.engine_name, found.total, found.free) == ("CUDA0", 8 * GIB, 5 * GIB)
    assert (found.ours, found.others) == (2 * GIB, GIB)


@pytest.mark.parametrize("figureless", [None, (NvmlProcess(pid=7, used=None),)])
def test_what_others_hold_is_unknown_where_our_own_share_is(figureless: tuple[NvmlProcess, ...] | None) -> None:
    found = NvmlCard(name="Card", memory_total=8_000, memory_used=3_000, processes=figureless)
    assert used_by_others(found, (7,)) is None


def test_a_card_that_is_gone_or_cut_is_unknown() -> None:
    def gone(place: str) -> NvmlCard:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)

    for told in (gone, lambda place: NvmlCard(name="", memory_total=80 * GIB, memory_free=60 * GIB, memory_used=0)):
        (found,) = Sampler(Machine(os="x", devices=(CARD,)), card_memory=told).sample().devices
        assert (found.total, found.free, found.others) == (8 * GIB, None, None)


def test_a_driver_that_has_left_since(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_DRIVER_NOT_LOADED)

    monkeypatch.setattr(pynvml, "nvmlInit", fail)
    (found,) = sample(Machine(os="x", devices=(CARD,))).devices
    assert found.free is None


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux' files")


def radeon(root: Path, **memory: int) -> Path:
    files = {f"sys/bus/pci/devices/0000:03:00.0/mem_info_{name}": str(value) for name, value in memory.items()}
    return lay(root, {"proc/meminfo": "MemTotal: 16777216 kB\nMemAvailable: 4194304 kB\n", **files})


@linux_only
def test_a_radeon(tmp_path: Path) -> None:
    root = radeon(tmp_path, vram_total=8 * GIB, vram_used=3 * GIB)
    pid = own_pids()[0]
    client = "drm-client-id:\t1\ndrm-pdev:\t0000:03:00.0\ndrm-memory-vram:\t1024 MiB\n"
    lay(root, {f"proc/{pid}/fdinfo/7": client})
    (root / f"proc/{pid}/fd").mkdir()
    (root / f"proc/{pid}/fd/7").symlink_to("/dev/dri/renderD128")
    (found,) = Sampler(Machine(os="x", devices=(RADEON,)), root).sample().devices
    assert (found.free, found.ours, found.others) == (5 * GIB, GIB, 2 * GIB)


@linux_only
def test_an_apu_is_no_freer_than_the_machine(tmp_path: Path) -> None:
    root = radeon(tmp_path, vram_total=GIB, vram_used=GIB // 2, gtt_total=8 * GIB, gtt_used=GIB)
    apu = Device(
        name="780M", kind="integrated", vendor="amd", memory_total=9 * GIB, memory_shared=8 * GIB,
        pci_id="0000:03:00.0", sources=("sysfs",),
    )  # fmt: skip
    (found,) = Sampler(Machine(os="x", devices=(apu,)), root).sample().devices
    assert found.free == 4 * GIB + GIB // 2


@linux_only
def test_intels_card_and_graphics(tmp_path: Path) -> None:
    root = radeon(tmp_path)
    arc = Device(
        name="Arc", kind="discrete", vendor="intel", memory_total=8 * GIB, pci_id="0000:08:00.0", sources=("sysfs",)
    )
    lay(root, {"proc/5/fdinfo/3": "drm-client-id:\t1\ndrm-pdev:\t0000:08:00.0\ndrm-resident-vram0:\t2048 MiB\n"})
    (root / "proc/5/fd").mkdir()
    (root / "proc/5/fd/3").symlink_to("/dev/dri/card0")
    inside = Device(
        name="UHD", kind="integrated", vendor="intel", memory_total=12 * GIB, pci_id="0000:00:02.0", sources=("sysfs",)
    )
    card, graphics = Sampler(Machine(os="x", devices=(arc, inside)), root).sample().devices
    assert (card.free, card.others, card.ours) == (6 * GIB, 2 * GIB, 0)
    assert graphics.free == 4 * GIB


@linux_only
def test_unified_memory_is_the_machines(tmp_path: Path) -> None:
    apple = Device(name="M2", kind="unified", memory_total=10 * GIB, memory_shared=10 * GIB, sources=("metal",))
    (found,) = Sampler(Machine(os="x", devices=(apple,)), radeon(tmp_path)).sample().devices
    assert (found.total, found.free) == (10 * GIB, 4 * GIB)
