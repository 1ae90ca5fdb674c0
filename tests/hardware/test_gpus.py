"""The table of GPUs: names as drivers and people write them mean the right card, or none."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hardware.gpus import GIB, known_gpu, known_gpus


@pytest.mark.parametrize(
    ("name", "gib", "bandwidth", "architecture"),
    [
        ("NVIDIA GeForce RTX 4090", 24, 1008, "8.9"),
        ("rtx4090", None, 1008, "8.9"),
        ("4070 Ti", None, 504.2, "8.9"),
        ("RTX 4070 Ti SUPER", None, 672.3, "8.9"),
        ("NVIDIA GeForce RTX 4070 Laptop GPU", 8, 256, "8.9"),
        ("RTX 4070 mobile", None, 256, "8.9"),
        ("RTX 3060 12GB", None, 360, "8.6"),
        ("RTX 3060", 8, 240, "8.6"),
        ("NVIDIA GeForce GTX 1060 3GB", None, 192.2, "6.1"),
        ("NVIDIA GeForce RTX 2060 with Max-Q Design", 6, 264, "7.5"),
        ("NVIDIA H100 80GB HBM3", 80, 3350, "9.0"),
        ("NVIDIA H100 PCIe", 80, 2039, "9.0"),
        ("NVIDIA A100-SXM4-40GB", 40, 1555, "8.0"),
        ("NVIDIA A100 80GB PCIe", 80, 1935, "8.0"),
        ("Tesla V100-SXM2-16GB", 16, 898, "7.0"),
        ("NVIDIA RTX 6000 Ada Generation", 48, 960, "8.9"),
        ("Quadro RTX 6000", 24, 672, "7.5"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", 96, 1792, "12.0"),
        ("NVIDIA RTX A4000", 16, 448, "8.6"),
        ("NVIDIA L40S", 48, 864, "8.9"),
        ("NVIDIA GB10", None, 273, "12.1"),
        ("AMD Radeon RX 7900 XTX (RADV NAVI31)", 24, 960, "gfx1100"),
        ("7900xt", None, 800, "gfx1100"),
        ("RX 580", 8, 256, "gfx803"),
        ("Radeon 8060S Graphics (RADV GFX1151)", 96, 256, "gfx1151"),
        ("AMD Ryzen 7 7840HS w/ Radeon 780M Graphics", None, None, "gfx1103"),
        ("Intel(R) Arc(TM) A770 Graphics (DG2)", 16, 560, "Xe-HPG"),
        ("Arc A770 8GB", None, 512, "Xe-HPG"),
        ("B580", None, 456, "Xe2"),
        ("Intel(R) Arc(TM) 140V GPU (16GB)", None, 136.5, "Xe2"),
        ("AMD Ryzen AI Max+ 395", None, 256, "gfx1151"),
        ("MacBook Pro M3 Pro 18GB", None, 150, "Apple M3"),
        ("Mac mini M4 16G", None, 120, "Apple M4"),
        ("RTX4070TI super 16g", None, 672.3, "8.9"),
        ("NVIDIA A10G", 24, 600, "8.6"),
        ("Apple M1 Max (24-core GPU)", None, 400, "Apple M1"),
        ("Apple M3 Max", 128, 400, "Apple M3"),
        ("Apple M3 Max", 36, 300, "Apple M3"),
        ("Qualcomm(R) Adreno(TM) X1-85 GPU", None, 135.2, "Adreno X1"),
    ],
)
def test_names_mean_their_card(name: str, gib: int | None, bandwidth: float | None, architecture: str) -> None:
    found = known_gpu(name, gib and gib * GIB)
    assert found is not None
    assert found.architecture == architecture
    assert found.bandwidth == (None if bandwidth is None else pytest.approx(bandwidth * 1e9))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "GeForce GTX 580",
        "580",
        "RTX 4090 Ti",
        "NVIDIA GeForce RTX 3090 Laptop GPU",
        "Arc B999",
        "Apple M9 Max",
        "AMD Radeon Graphics (RADV RENOIR)",
        "Intel Core i7-1185G7",
        "llvmpipe (LLVM 15.0.7, 256 bits)",
        "Microsoft Basic Render Driver",
    ],
)
def test_what_is_not_certain_is_not_guessed(name: str) -> None:
    assert known_gpu(name) is None


def test_memory_of_versions() -> None:
    rebuilt = known_gpu("RTX 4090", 48 * GIB)
    assert rebuilt is not None
    assert rebuilt.memory is None
    assert rebuilt.bandwidth == pytest.approx(1008e9)
    for gib in (8, 16):
        version = known_gpu("RTX 4060 Ti", gib * GIB - 300 * 1024**2)
        assert version is not None
        assert version.memory == gib * GIB
    apple = known_gpu("Apple M4")
    assert apple is not None
    assert apple.memory is None


def test_core_counts_choose() -> None:
    small, large = known_gpu("Apple M4 Max", cores=32), known_gpu("Apple M4 Max", cores=40)
    assert small is not None
    assert large is not None
    assert small.bandwidth == pytest.approx(410e9)
    assert large.bandwidth == pytest.approx(546e9)


def test_every_entry_is_found_by_its_own_names() -> None:
    cards = list(known_gpus())
    assert len(cards) > 250
    for card in cards:
        assert card.bandwidth is None or 10e9 < card.bandwidth < 1e13, card
        assert card.compute is None or 0.5e12 < card.compute < 4e14, card
        again = known_gpu(card.name, card.memory, card.cores)
        assert again is not None, card
        assert again.architecture == card.architecture, card


def test_names_of_measured_cards() -> None:
    """The GPUs of the published measurements, as these write them (bandwidth in GB/s, FP16 TFLOPS)."""
    with (Path(__file__).parent / "measured_gpus.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found = known_gpu(row["name"])
            assert found is not None, row
            if found.bandwidth is not None:
                assert found.bandwidth == pytest.approx(float(row["bandwidth"]) * 1e9, rel=0.01), row
            assert found.compute is not None, row
            assert found.compute == pytest.approx(float(row["fp16"]) * 1e12, rel=0.02), row


@given(st.text(max_size=60), st.none() | st.integers(1, 2**45), st.none() | st.integers(1, 200))
def test_any_text_is_a_name(name: str, memory: int | None, cores: int | None) -> None:
    found = known_gpu(name, memory, cores)
    assert found is None or found.vendor
