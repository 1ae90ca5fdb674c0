"""Accounts of the same cards put together: each card once, nothing counted twice, nothing invented."""

from typing import Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.hardware.detection.merging import is_software, merged, same_card
from app.protocol import Device

GIB = 1024**3


def engine(name: str = "NVIDIA X", backend: str = "CUDA", number: int = 0, **facts: object) -> Device:
    plain = Device(
        name=name, kind="discrete", backend=backend, engine_name=f"{backend}{number}", memory_total=8 * GIB,
        memory_free=7 * GIB, sources=("ggml",),
    )  # fmt: skip
    return replace(plain, **facts)


def driver(name: str = "NVIDIA X", source: str = "nvml", **facts: object) -> Device:
    plain = Device(
        name=name, kind="discrete", vendor="nvidia", memory_total=8 * GIB, memory_free=6 * GIB, sources=(source,)
    )
    return replace(plain, **facts)


def test_one_card_under_two_backends_is_one_card() -> None:
    (found,) = merged([engine(backend="Vulkan", pci_id="0000:01:00.0"), engine(pci_id="0000:01:00.0")], [])
    assert found.engine_name == "CUDA0"
    (named,) = merged([engine(backend="Vulkan"), engine(pci_id="0000:01:00.0")], [])
    assert (named.engine_name, named.pci_id) == ("CUDA0", "0000:01:00.0")
    (place_of_vulkan,) = merged([engine(backend="Vulkan", pci_id="0000:01:00.0"), engine()], [])
    assert place_of_vulkan.pci_id == "0000:01:00.0"


def test_two_alike_cards_stay_two() -> None:
    devices = [engine(backend=backend, number=number) for backend in ("Vulkan", "CUDA") for number in (0, 1)]
    found = merged(devices, [driver(pci_id="0000:01:00.0"), driver(pci_id="0000:02:00.0")])
    assert [device.engine_name for device in found] == ["CUDA0", "CUDA1"]
    assert [device.pci_id for device in found] == ["0000:01:00.0", "0000:02:00.0"]


def test_a_name_with_other_memory_is_another_card() -> None:
    found = merged([engine(memory_total=8 * GIB)], [driver(memory_total=16 * GIB)])
    assert [device.usable for device in found] == [True, False]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("AMD Radeon RX 7900 XTX (RADV NAVI31)", "AMD Radeon RX 7900 XTX", True),
        ("Intel(R) Arc(TM) A770 Graphics", "Intel(R) Arc(tm) A770 Graphics (DG2)", True),
        ("Microsoft Direct3D12 (NVIDIA GeForce RTX 3070)", "NVIDIA GeForce RTX 3070", True),
        ("NVIDIA GeForce RTX 3070", "NVIDIA GeForce RTX 3070 Ti", False),
    ],
)
def test_names_of_the_same_card(one: str, other: str, same: bool) -> None:
    assert same_card(Device(name=one), Device(name=other)) == same


@pytest.mark.parametrize("name", ["llvmpipe (LLVM 15.0.7, 256 bits)", "Microsoft Basic Render Driver", "SwiftShader"])
def test_programs_that_draw_are_no_cards(name: str) -> None:
    assert is_software(Device(name=name))
    assert merged([engine(name, "Vulkan")], []) == ()


def test_cuda_takes_memory_by_being_asked() -> None:
    """What the driver says is free; the engine's figure lacks its own context, which planning counts again."""
    (card,) = merged([engine(memory_free=5 * GIB)], [driver(memory_free=6 * GIB)])
    assert card.memory_free == 6 * GIB
    (vulkan,) = merged([engine(backend="Vulkan", memory_free=8 * GIB)], [driver(memory_free=6 * GIB)])
    assert vulkan.memory_free == 6 * GIB, "without a budget Vulkan says that all is free"


def test_unified_memory_is_the_machines() -> None:
    grace = driver("NVIDIA GB10", kind="unified", memory_total=None, memory_free=None)
    (found,) = merged(
        [engine("NVIDIA GB10", kind="integrated", memory_total=120 * GIB, memory_free=110 * GIB)],
        [grace],
        (120 * GIB, 64 * GIB),
    )
    assert (found.kind, found.memory_shared, found.memory_free) == ("unified", 120 * GIB, 64 * GIB)
    (alone,) = merged([], [grace], (120 * GIB, 64 * GIB))
    assert (alone.memory_total, alone.memory_free, alone.usable) == (120 * GIB, 64 * GIB, False)


def test_an_integrated_one_is_as_fast_as_the_memory() -> None:
    inside = engine("AMD Radeon 780M Graphics", "Vulkan", kind="integrated")
    (found,) = merged([inside], [], (32 * GIB, 20 * GIB), 60e9)
    assert found.bandwidth == 60e9
    assert found.memory_shared == found.memory_total
    (unknown,) = merged([inside], [], (32 * GIB, 20 * GIB), None)
    assert unknown.bandwidth is None
    (own,) = merged([engine("Radeon 8060S Graphics", "Vulkan", kind="integrated")], [], (128 * GIB, 100 * GIB), 90e9)
    assert own.bandwidth == 256e9, "its memory is soldered: the table knows more than a measurement by the processor"


def test_the_table_is_asked_last_for_bandwidth_and_first_for_compute() -> None:
    told = driver("NVIDIA GeForce RTX 4070", bandwidth=500e9, compute=40e12)
    card = engine("NVIDIA GeForce RTX 4070", memory_total=8 * GIB)
    (found,) = merged([card], [told])
    assert (found.bandwidth, found.compute) == (500e9, 29.15e12)
    (silent,) = merged([card], [])
    assert silent.bandwidth == pytest.approx(504.2e9)
    assert silent.sources == ("ggml", "table")
    (nameless,) = merged([engine("Card of nobody")], [])
    assert (nameless.bandwidth, nameless.compute, nameless.sources) == (None, None, ("ggml",))


def test_windows_two_accounts_of_a_card() -> None:
    (found,) = merged([], [driver(memory_free=6 * GIB), driver(source="dxgi", memory_free=5 * GIB)])
    assert found.memory_free == 5 * GIB
    assert found.sources == ("nvml", "dxgi")


def test_the_only_card_of_a_maker_needs_no_common_name() -> None:
    """OpenCL and SYCL tell no place, and the list of PCI devices knows families of cards only."""
    listed = driver("AMD Radeon RX 7900 XT/7900 XTX/7900 GRE/7900M", "sysfs", vendor="amd", memory_total=None)
    (found,) = merged([engine("AMD Radeon RX 7900 XTX", "Vulkan", memory_total=24 * GIB)], [listed])
    assert found.sources == ("ggml", "sysfs", "table")
    two = [listed, replace(listed, pci_id="0000:04:00.0")]
    assert len(merged([engine("AMD Radeon RX 7900 XTX", "Vulkan", memory_total=24 * GIB)], two)) == 3
    assert len(merged([engine("NVIDIA X", "Vulkan")], [listed])) == 2
    inside = engine("AMD Radeon Graphics (RADV RENOIR)", "Vulkan", kind="integrated")
    assert len(merged([inside], [listed])) == 2, "a card is not the processor's graphics"


NAMES = st.sampled_from(["NVIDIA X", "AMD Y", "Intel(R) Z", "llvmpipe"])
PLACES = st.sampled_from(["", "0000:01:00.0", "0000:02:00.0"])
SIZES = st.none() | st.integers(0, 200 * GIB)
Kind = Literal["discrete", "integrated", "unified", "unknown"]
KINDS: st.SearchStrategy[Kind] = st.sampled_from(get_args(Kind))


@st.composite
def devices(draw: st.DrawFn, source: str) -> list[Device]:
    found = []
    for number in range(draw(st.integers(0, 4))):
        total, free = draw(SIZES), draw(SIZES)
        backend = draw(st.sampled_from(["CUDA", "Vulkan"])) if source == "ggml" else ""
        found.append(
            Device(
                name=draw(NAMES),
                kind=draw(KINDS),
                backend=backend,
                engine_name=f"{backend}{number}" if backend else "",
                memory_total=total,
                memory_free=None if free is None or total is None else min(free, total),
                pci_id=draw(PLACES),
                sources=(source,),
            )
        )
    return found


@given(devices("ggml"), devices("nvml"), devices("sysfs"), SIZES, SIZES)
def test_whatever_is_said(
    engines: list[Device], nvml: list[Device], sysfs: list[Device], total: int | None, available: int | None
) -> None:
    found = merged(engines, [*nvml, *sysfs], (total, available))
    usable = [device.engine_name for device in found if device.usable]
    assert len(usable) == len(set(usable))
    assert set(usable) <= {device.engine_name for device in engines if not is_software(device)}
    first_unusable = next((index for index, device in enumerate(found) if not device.usable), len(found))
    assert all(not device.usable for device in found[first_unusable:])
    for device in found:
        if device.memory_total is not None:
            assert (device.memory_free or 0) <= max(device.memory_total, 0)
            assert 0 <= (device.memory_shared or 0) <= device.memory_total
