"""Graphics cards of each maker, from what their drivers and the bus say."""

from pathlib import Path
from types import SimpleNamespace

import pynvml  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hardware import nvidia
from app.hardware.detection.access import device_access
from app.hardware.detection.amd import amd_devices, kfd_nodes
from app.hardware.detection.answers import Answers, DxgiAdapter, NvmlAnswers, NvmlCard, NvmlProcess, NvmlSlice
from app.hardware.detection.apple import apple_devices, available_memory, wired_limit
from app.hardware.detection.dxgi import dxgi_devices
from app.hardware.detection.fdinfo import BORROWED, fdinfos, held
from app.hardware.detection.intel import intel_devices
from app.hardware.detection.nvidia import nvidia_devices
from app.hardware.detection.pci import pci_cards
from tests.hardware.laying import lay

GIB, MIB = 1024**3, 1024**2


@pytest.mark.parametrize(
    ("width", "clock", "gigabytes"),
    [(384, 10501, 1008), (512, 14001, 1792), (384, 9751, 936), (5120, 2619, 3352), (256, 5001, 320), (128, 14001, 448)],
)
def test_bandwidth_of_bus_and_clock(width: int, clock: int, gigabytes: float) -> None:
    """The figures of RTX 4090, 5090, 3090, H100 SXM, T4 and RTX 5060, which tables of names get wrong."""
    card = NvmlCard(name="x", memory_total=GIB, bus_width=width, memory_clock=clock)
    (device,) = nvidia_devices(NvmlAnswers(cards=(card,)))
    assert device.bandwidth == pytest.approx(gigabytes * 1e9, rel=0.001)


@pytest.mark.parametrize(
    ("cores", "clock", "capability", "teraflops"),
    [(16896, 1980, "9.0", 133.8), (6912, 1410, "8.0", 77.97), (2560, 1590, "7.5", 16.28), (3584, 1777, "8.6", 12.74)],
)
def test_compute_of_cores_and_clock(cores: int, clock: int, capability: str, teraflops: float) -> None:
    card = NvmlCard(name="x", memory_total=GIB, cores=cores, clock=clock, capability=capability)
    (device,) = nvidia_devices(NvmlAnswers(cards=(card,)))
    assert device.compute == pytest.approx(teraflops * 1e12, rel=0.001)


def test_what_alcove_holds_is_not_others() -> None:
    processes = (NvmlProcess(pid=1, used=3 * GIB), NvmlProcess(pid=2, used=GIB), NvmlProcess(pid=3))
    card = NvmlCard(name="x", memory_total=8 * GIB, memory_used=5 * GIB, processes=processes)
    (device,) = nvidia_devices(NvmlAnswers(cards=(card,)), own_pids=(1,))
    assert device.memory_used_by_others == 2 * GIB
    (device,) = nvidia_devices(NvmlAnswers(cards=(card,)), own_pids=(1, 3))
    assert device.memory_used_by_others is None, "of one of ours the driver told no figure"


def test_what_nvidia_does_not_tell_is_unknown() -> None:
    (device,) = nvidia_devices(NvmlAnswers(cards=(NvmlCard(name="NVIDIA GB10"),)))
    assert (device.kind, device.memory_total, device.bandwidth, device.compute) == ("unified", None, None, None)
    assert nvidia_devices(None) == nvidia_devices(NvmlAnswers(fault="driver mismatch")) == ()


def test_a_card_cut_into_parts_is_its_parts() -> None:
    parts = tuple(NvmlSlice(name=f"MIG {i}", memory_total=10 * GIB, multiprocessors=14) for i in range(2))
    card = NvmlCard(
        name="A100", memory_total=40 * GIB, bus_width=5120, memory_clock=1215, multiprocessors=108, slices=parts
    )
    first, second = nvidia_devices(NvmlAnswers(cards=(card,)))
    assert [first.name, second.name] == ["MIG 0", "MIG 1"]
    assert first.bandwidth == pytest.approx(1555e9 / 4, rel=0.001)


class Nvml:
    """NVML of a machine with one card; `unsupported` are the questions it does not answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, unsupported: tuple[str, ...] = ()) -> None:
        answers = {
            "nvmlInit": lambda: None,
            "nvmlShutdown": lambda: None,
            "nvmlSystemGetDriverVersion": lambda: b"550.54",
            "nvmlSystemGetCudaDriverVersion_v2": lambda: 12040,
            "nvmlDeviceGetCount": lambda: 1,
            "nvmlDeviceGetHandleByIndex": lambda index: index,
            "nvmlDeviceGetHandleByPciBusId": lambda place: place,
            "nvmlDeviceGetName": lambda handle: "NVIDIA X",
            "nvmlDeviceGetPciInfo": lambda handle: SimpleNamespace(busId="00000000:0A:00.0"),
            "nvmlDeviceGetMemoryBusWidth": lambda handle: 256,
            "nvmlDeviceGetMaxClockInfo": lambda handle, kind: {pynvml.NVML_CLOCK_MEM: 7001, pynvml.NVML_CLOCK_SM: 2100}[
                kind
            ],
            "nvmlDeviceGetNumGpuCores": lambda handle: 5888,
            "nvmlDeviceGetCudaComputeCapability": lambda handle: (8, 6),
            "nvmlDeviceGetAttributes_v2": lambda handle: SimpleNamespace(multiprocessorCount=46),
            "nvmlDeviceGetMemoryInfo": lambda handle, version=None: SimpleNamespace(
                total=8 * GIB, free=7 * GIB, used=GIB
            ),
            "nvmlDeviceGetComputeRunningProcesses": lambda handle: [SimpleNamespace(pid=7, usedGpuMemory=MIB)],
            "nvmlDeviceGetGraphicsRunningProcesses": lambda handle: [
                SimpleNamespace(pid=7, usedGpuMemory=MIB),
                SimpleNamespace(pid=9, usedGpuMemory=2 * MIB),
            ],
            "nvmlDeviceGetMigMode": lambda handle: (pynvml.NVML_DEVICE_MIG_DISABLE, 0),
        }
        for name, answer in answers.items():
            monkeypatch.setattr(pynvml, name, self.refuse if name in unsupported else answer)

    @staticmethod
    def refuse(*arguments: object) -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)


def test_nvml_is_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    Nvml(monkeypatch)
    answers = nvidia.ask_nvml()
    assert (answers.driver, answers.cuda, answers.fault) == ("550.54", 12040, "")
    assert answers.cards == (
        NvmlCard(
            name="NVIDIA X",
            pci_id="0000:0a:00.0",
            memory_total=8 * GIB,
            memory_free=7 * GIB,
            memory_used=GIB,
            bus_width=256,
            memory_clock=7001,
            cores=5888,
            clock=2100,
            capability="8.6",
            multiprocessors=46,
            processes=(NvmlProcess(pid=7, used=MIB), NvmlProcess(pid=9, used=2 * MIB)),
        ),
    )
    assert nvidia.memory_of("0000:0a:00.0").memory_free == 7 * GIB


def test_mig_instances_are_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    Nvml(monkeypatch)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMigMode", lambda handle: (pynvml.NVML_DEVICE_MIG_ENABLE, 1))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMaxMigDeviceCount", lambda handle: 7)

    def instance(handle: object, index: int) -> str:
        if index:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return "MIG"

    monkeypatch.setattr(pynvml, "nvmlDeviceGetMigDeviceHandleByIndex", instance)
    (card,) = nvidia.ask_nvml().cards
    (part,) = card.slices
    assert (part.memory_total, part.multiprocessors) == (8 * GIB, 46)


def test_a_card_that_answers_little(monkeypatch: pytest.MonkeyPatch) -> None:
    questions = ("MemoryInfo", "MemoryBusWidth", "ComputeRunningProcesses", "GraphicsRunningProcesses")
    Nvml(monkeypatch, tuple(f"nvmlDeviceGet{question}" for question in questions))
    (card,) = nvidia.ask_nvml().cards
    assert (card.memory_total, card.bus_width, card.processes) == (None, None, None)


@pytest.mark.parametrize(
    ("error", "fault"),
    [(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, False), (pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, True)],
)
def test_no_driver_and_a_broken_one(monkeypatch: pytest.MonkeyPatch, error: int, fault: bool) -> None:
    def fail() -> None:
        raise pynvml.NVMLError(error)

    monkeypatch.setattr(pynvml, "nvmlInit", fail)
    answers = nvidia.ask_nvml()
    assert answers.cards == ()
    assert bool(answers.fault) == fault


def test_traces_of_the_driver(tmp_path: Path) -> None:
    assert not nvidia.driver_is_here(tmp_path)
    assert nvidia.driver_is_here(lay(tmp_path, {"usr/lib/wsl/lib/libnvidia-ml.so.1": ""}))


def test_cards_on_the_bus(tmp_path: Path) -> None:
    base = "sys/bus/pci/devices"
    cards = {
        "0000:01:00.0": ("0x030000", "0x10de", "0x2684", "DRIVER=nvidia\nPCI_ID=10DE:2684\n"),
        "0000:01:00.1": ("0x040300", "0x10de", "0x22ba", ""),
        "0000:02:00.0": ("0x030000", "0x1a03", "0x2000", ""),
        "0000:03:00.0": ("0x120000", "0x1002", "0x74a1", ""),
    }
    for place, (kind, vendor, device, uevent) in cards.items():
        lay(
            tmp_path,
            {
                f"{base}/{place}/class": kind,
                f"{base}/{place}/vendor": vendor,
                f"{base}/{place}/device": device,
                f"{base}/{place}/uevent": uevent,
            },
        )
    lay(tmp_path, {"usr/share/misc/pci.ids": "# head\n10de  NVIDIA Corporation\n\t2684  AD102 [GeForce RTX 4090]\n"})
    ada, instinct = pci_cards(tmp_path)
    assert (ada.vendor, ada.driver, ada.name) == ("nvidia", "nvidia", "NVIDIA GeForce RTX 4090")
    assert (instinct.vendor, instinct.driver, instinct.name) == ("amd", "", "AMD GPU 74a1")


def radeon(root: Path, kfd: str = "", **memory: int) -> Path:
    place = "sys/bus/pci/devices/0000:03:00.0"
    files = {f"{place}/class": "0x030000", f"{place}/vendor": "0x1002", f"{place}/uevent": "DRIVER=amdgpu\n"}
    files |= {f"{place}/mem_info_{name}": str(value) for name, value in memory.items()}
    if kfd:
        target, width, clock = kfd.split()
        node = "sys/class/kfd/kfd/topology/nodes/1"
        files[f"{node}/properties"] = f"gfx_target_version {target}\nlocation_id 768\ndomain 0\n"
        files[f"{node}/mem_banks/0/properties"] = f"heap_type 1\nwidth {width}\nmem_clk_max {clock}\n"
    return lay(root, files)


@pytest.mark.parametrize(
    ("kfd", "target", "gigabytes"),
    [
        ("110000 384 1249", "gfx1100", 959),
        ("100300 256 1000", "gfx1030", 512),
        ("80003 256 2000", "gfx803", 256),
        ("90010 4096 1600", "gfx90a", 1638),
        ("90402 8192 1300", "gfx942", 5325),
        ("110000 0 0", "gfx1100", None),
        ("130000 256 1000", "gfx1300", None),
    ],
)
def test_radeons_by_the_compute_driver(kfd: str, target: str, gigabytes: float | None, tmp_path: Path) -> None:
    root = radeon(tmp_path, kfd, vram_total=24 * GIB, vram_used=GIB, gtt_total=16 * GIB, gtt_used=0)
    assert [node.target for node in kfd_nodes(root)] == [target]
    (device,) = amd_devices(pci_cards(root), root, 30 * GIB)
    assert device.architecture == target
    assert device.bandwidth == (None if gigabytes is None else pytest.approx(gigabytes * 1e9, rel=0.001))
    assert (device.kind, device.memory_total, device.memory_free, device.memory_shared) == (
        *("discrete", 24 * GIB, 23 * GIB, 0),
    )


def test_an_apu_borrows_no_more_than_is_free(tmp_path: Path) -> None:
    root = radeon(tmp_path, vram_total=512 * MIB, vram_used=12 * MIB, gtt_total=16 * GIB, gtt_used=GIB)
    (device,) = amd_devices(pci_cards(root), root, 2 * GIB)
    assert device.kind == "integrated"
    assert device.memory_total == 16 * GIB + 512 * MIB
    assert device.memory_shared == 16 * GIB
    assert device.memory_free == 2 * GIB + 500 * MIB
    assert device.memory_used_by_others == GIB + 12 * MIB


def test_a_radeon_without_its_driver(tmp_path: Path) -> None:
    (device,) = amd_devices(pci_cards(radeon(tmp_path)), tmp_path, None)
    assert (device.kind, device.memory_total, device.memory_free, device.memory_shared) == ("unknown", None, None, None)


def test_intels_two_places(tmp_path: Path) -> None:
    base = "sys/bus/pci/devices"
    for place in ("0000:00:02.0", "0000:08:00.0"):
        lay(tmp_path, {f"{base}/{place}/class": "0x030000", f"{base}/{place}/vendor": "0x8086"})
    lay(tmp_path, {f"{base}/0000:08:00.0/tile0/physical_vram_size_bytes": str(16 * GIB)})
    inside, card = intel_devices(pci_cards(tmp_path))
    assert (inside.kind, inside.memory_total) == ("integrated", None)
    assert (card.kind, card.memory_total, card.memory_shared) == ("discrete", 16 * GIB, 0)


FDINFO = """\
drm-driver:\tamdgpu
drm-client-id:\t{client}
drm-pdev:\t0000:03:00.0
drm-memory-vram:\t100 KiB
drm-total-vram:\t900 KiB
drm-resident-vram:\t2 MiB
drm-memory-gtt:\t10 KiB
"""


def test_who_holds_a_cards_memory(tmp_path: Path) -> None:
    told = [FDINFO.format(client=5), FDINFO.format(client=5), FDINFO.format(client=6), "pos:\t0\n"]
    assert held(told, "0000:03:00.0") == 4 * MIB
    assert held(told, "0000:03:00.0", BORROWED) == 4 * MIB + 20 * 1024
    assert held(told, "0000:04:00.0") == 0
    lay(tmp_path, {"proc/9/fdinfo/3": told[0], "proc/9/fdinfo/4": "other"})
    (tmp_path / "proc/9/fd").mkdir()
    (tmp_path / "proc/9/fd/3").symlink_to("/dev/dri/renderD128")
    (tmp_path / "proc/9/fd/4").symlink_to("/dev/null")
    assert held(fdinfos(tmp_path), "0000:03:00.0") == held(fdinfos(tmp_path, [9, 10]), "0000:03:00.0") == 2 * MIB


@given(st.lists(st.text(max_size=120), max_size=4))
def test_any_text_is_a_fdinfo(told: list[str]) -> None:
    assert held(told, "0000:03:00.0") == 0


@pytest.mark.parametrize(
    ("setting", "memory", "limit"),
    [
        ("0", 8 * GIB, 8 * GIB * 2 // 3),
        ("0", 36 * GIB, 24 * GIB),
        ("0", 64 * GIB, 48 * GIB),
        ("122880", 128 * GIB, 120 * GIB),
        ("", None, None),
    ],
)
def test_what_metal_grants(setting: str, memory: int | None, limit: int | None) -> None:
    assert wired_limit(setting, memory) == limit


def test_a_macs_free_memory() -> None:
    told = (
        "Mach Virtual Memory Statistics: (page size of 16384 bytes)\n"
        "Pages free:                               10000.\nPages active:      300000.\n"
        "Pages inactive:                           20000.\nPages speculative:   1000.\n"
        "Pages purgeable:                           3000.\n"
    )
    assert available_memory(told) == 34000 * 16384
    assert available_memory("") is None
    assert available_memory("vm_stat: not found") is None


def test_a_mac_of_intels_has_no_gpu_of_apples() -> None:
    told = {"machdep.cpu.brand_string": "Intel(R) Core(TM) i9-9880H CPU @ 2.30GHz"}
    assert apple_devices(Answers(platform="darwin", sysctl=told, memory_total=16 * GIB), GIB) == ()


def test_windows_adapters() -> None:
    adapters = (
        DxgiAdapter(name="NVIDIA GeForce RTX 4070", vendor_id=0x10DE, dedicated=12 * GIB, budget=11 * GIB, usage=GIB),
        DxgiAdapter(
            name="AMD Radeon(TM) Graphics",
            vendor_id=0x1002,
            dedicated=512 * MIB,
            shared=16 * GIB,
            budget=400 * MIB,
            shared_budget=15 * GIB,
            shared_usage=GIB,
        ),
        DxgiAdapter(name="Microsoft Basic Render Driver", vendor_id=0x1414, shared=GIB, software=True),
        DxgiAdapter(name="Virtual display", vendor_id=0x1234, dedicated=GIB),
    )
    card, inside = dxgi_devices(adapters, 10 * GIB)
    assert (card.kind, card.memory_total, card.memory_free, card.memory_shared) == (
        *("discrete", 12 * GIB, 10 * GIB, 0),
    )
    assert (inside.kind, inside.memory_total, inside.memory_shared) == ("integrated", 16 * GIB + 512 * MIB, 16 * GIB)
    assert inside.memory_free == 10 * GIB + 400 * MIB


def test_device_files_that_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert device_access(tmp_path).nvidia, "without a folder for devices nothing is said"
    root = lay(tmp_path, {"dev/dri/renderD128": "", "dev/kfd": "", "dev/null": ""})
    found = device_access(root)
    assert (found.nvidia, found.render, found.forbidden) == (False, True, ())
    monkeypatch.setattr("os.access", lambda path, mode: not str(path).endswith("kfd"))
    assert device_access(root).forbidden == ("/dev/kfd",)
