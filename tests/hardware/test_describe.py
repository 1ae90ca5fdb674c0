"""A computer in words: what is understood in both languages, what is assumed, and that no text crashes it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import AppError
from app.hardware.describe import LONGEST_FILE, departs_from_here, machine_from_text
from app.hardware.description import words_of
from app.protocol import Device, Machine
from app.words import text

GIB = 1024**3
HERE = Machine(
    os="Linux",
    cpu_name="Ryzen 5 3600",
    ram_total=16 * GIB,
    ram_available=12 * GIB,
    ram_bandwidth=40e9,
    devices=(
        Device(
            name="NVIDIA GeForce RTX 3060", kind="discrete", backend="CUDA", engine_name="CUDA0", vendor="nvidia",
            architecture="8.6", memory_total=12 * GIB, memory_free=11 * GIB, bandwidth=360e9, compute=12e12,
        ),
    ),
)  # fmt: skip
LAPTOP = Machine(os="Windows 11", ram_total=8 * GIB, ram_available=5 * GIB, ram_bandwidth=30e9)


def cards(machine: Machine) -> list[tuple[str, int | None]]:
    """(name, GiB) of each device."""
    return [
        (device.name, None if device.memory_total is None else round(device.memory_total / GIB))
        for device in machine.devices
    ]


@pytest.mark.parametrize(
    ("said", "expected", "ram"),
    [
        ("RTX 4070 12 GB, 32 GB RAM", [("GeForce RTX 4070", 12)], 32),
        ("rtx4070 12gb 32gb ram", [("GeForce RTX 4070", 12)], 32),
        ("NVIDIA GeForce RTX 4070 / 32 GiB of memory", [("GeForce RTX 4070", 12)], 32),
        ("32 GB DDR5 and an RTX 4090", [("GeForce RTX 4090", 24)], 32),
        ("4090 24G显存 64G内存", [("GeForce RTX 4090", 24)], 64),
        ("显卡4060ti 16g，内存32g", [("GeForce RTX 4060 Ti", 16)], 32),
        ("两张3090，128G内存", [("GeForce RTX 3090", 24)] * 2, 128),
        ("双路3090 64g", [("GeForce RTX 3090", 24)] * 2, 64),
        ("2x RTX 3090, 64 GB RAM", [("GeForce RTX 3090", 24)] * 2, 64),
        ("RTX 3090 x2, 64 GB RAM", [("GeForce RTX 3090", 24)] * 2, 64),
        ("RTX 3060 12GB + RTX 4090, 64GB RAM", [("GeForce RTX 3060", 12), ("GeForce RTX 4090", 24)], 64),
        ("RX 7900 XTX + Ryzen 7 7800X3D 32GB DDR5", [("Radeon RX 7900 XTX", 24)], 32),
        ("Arc B580, 32 GB", [("Arc B580", 12)], 32),
        ("GTX 1650 4GB 8GB RAM", [("GeForce GTX 1650", 4)], 8),
        ("RTX 3060 Laptop 6GB / 16GB", [("GeForce RTX 3060 Laptop", 6)], 16),
        ("1060 6g 16g内存", [("GeForce GTX 1060", 6)], 16),
        ("RTX 5090 32GB VRAM 96GB DDR5 2TB SSD", [("GeForce RTX 5090", 32)], 96),
        ("M3 Max 64GB", [("Apple M3 Max", 48)], 64),
        ("MacBook Air M2 8GB", [("Apple M2", 5)], 8),
        ("苹果M4 Pro 48G", [("Apple M4 Pro", 36)], 48),
        ("Ryzen 5600G 16 GB, no GPU", [], 16),
        ("无显卡 16G内存", [], 16),
        ("i5-12400 16GB RAM integrated graphics", [], 16),
        ("8GB laptop", [], 8),
        ("radeon 780M 32gb", [("Radeon 780M", 16)], 32),
        ("Ryzen AI Max+ 395 128GB", [("Radeon 8060S", 64)], 128),
        ("DGX Spark", [("NVIDIA GB10", 96)], 128),
        ("RTX 9999 20 GB, 32 GB RAM", [("RTX 9999", 20)], 32),
        ("16 GB VRAM, 32 GB RAM", [("GPU", 16)], 32),
    ],
)
def test_what_people_write_is_understood(said: str, expected: list[tuple[str, int]], ram: int) -> None:
    machine = machine_from_text(said).machine
    assert cards(machine) == expected
    assert machine.ram_total == ram * GIB
    assert machine.described


def test_what_was_not_said_stays_unknown_and_is_told() -> None:
    described = machine_from_text("2x RTX 3090")
    machine = described.machine
    assert (machine.ram_total, machine.ram_available, machine.ram_bandwidth, machine.disk_free) == (None,) * 4
    assert (machine.os, machine.cpu_name, machine.physical_cores) == ("", None, None)
    assert [reason.code for reason in described.assumptions] == ["assumed_memory_unknown"]


def test_what_had_to_be_assumed_is_told_in_both_languages() -> None:
    described = machine_from_text("RTX 9999 20 GB, 32 GB RAM")
    codes = {reason.code for reason in described.assumptions}
    assert codes == {"assumed_card_unknown", "assumed_free", "assumed_bandwidth"}
    for reason in described.assumptions:
        assert text("reason", reason.code, reason.values, "en").endswith(".")
        assert text("reason", reason.code, reason.values, "zh").endswith("。")


def test_some_memory_is_left_to_the_system_and_the_desktop() -> None:
    machine = machine_from_text("RTX 4070 12 GB, 32 GB RAM").machine
    assert machine.ram_available is not None
    assert 24 * GIB < machine.ram_available < 31 * GIB
    (card,) = machine.devices
    assert card.memory_free is not None
    assert 11 * GIB < card.memory_free < 12 * GIB


def test_what_is_known_of_a_card_is_filled_in() -> None:
    (card,) = machine_from_text("RTX 4070, 32 GB RAM").machine.devices
    assert card.bandwidth == pytest.approx(504e9, rel=0.01)
    assert (card.backend, card.engine_name, card.vendor, card.architecture) == ("CUDA", "CUDA0", "nvidia", "8.9")


def test_two_cards_have_two_names_and_an_integrated_one_steps_back() -> None:
    names = [device.engine_name for device in machine_from_text("2x RTX 3090, 780M, 64GB RAM").machine.devices]
    assert names == ["CUDA0", "CUDA1"]


def test_unified_memory_is_counted_once() -> None:
    (gpu,) = machine_from_text("M3 Max 64GB").machine.devices
    assert gpu.kind == "unified"
    assert gpu.memory_shared == gpu.memory_total


@pytest.mark.parametrize(
    ("said", "bandwidth"),
    [
        ("16 GB RAM", 51.2e9),
        ("16 GB DDR5", 89.6e9),
        ("8 GB RAM", 25.6e9),
        ("Xeon 6248 256GB RAM", 140e9),
        ("M2 16GB", 100e9),
        ("M3 Max 36GB", 300e9),
        ("M3 Max 64GB", 400e9),
        ("Ryzen AI Max+ 395 128GB", 256e9),
    ],
)
def test_memory_is_as_fast_as_such_computers_usually_have_it(said: str, bandwidth: float) -> None:
    assert machine_from_text(said).machine.ram_bandwidth == pytest.approx(bandwidth)


@pytest.mark.parametrize(
    ("said", "expected", "ram"),
    [
        ("what if I had 24 GB?", [("NVIDIA GeForce RTX 3060", 24)], 16),
        ("如果我有24G显存呢", [("NVIDIA GeForce RTX 3060", 24)], 16),
        ("what if I had 64 GB RAM", [("NVIDIA GeForce RTX 3060", 12)], 64),
        ("what if I add 16 GB more RAM", [("NVIDIA GeForce RTX 3060", 12)], 32),
        ("再加16G内存", [("NVIDIA GeForce RTX 3060", 12)], 32),
        ("what if I had an RTX 4090", [("GeForce RTX 4090", 24)], 16),
        ("what if I added an RTX 4090 more", [("NVIDIA GeForce RTX 3060", 12), ("GeForce RTX 4090", 24)], 16),
        ("what if I had no GPU", [], 16),
    ],
)
def test_what_if_departs_from_this_machine(said: str, expected: list[tuple[str, int]], ram: int) -> None:
    described = machine_from_text(said, HERE)
    assert departs_from_here(said)
    assert cards(described.machine) == expected
    assert described.machine.ram_total == ram * GIB
    assert described.machine.cpu_name == HERE.cpu_name
    assert described.machine.ram_bandwidth == HERE.ram_bandwidth
    assert described.assumptions[0].code == "assumed_this_machine"


def test_without_a_card_what_if_means_the_machines_memory() -> None:
    machine = machine_from_text("what if I had 24 GB?", LAPTOP).machine
    assert (machine.ram_total, machine.devices) == (24 * GIB, ())


def test_without_what_if_this_machine_does_not_matter() -> None:
    said = "RTX 4070 12 GB, 32 GB RAM"
    assert not departs_from_here(said)
    assert machine_from_text(said, HERE) == machine_from_text(said)


def test_a_machine_as_json_is_read_back() -> None:
    content = msgspec.json.encode(HERE).decode()
    described = machine_from_text(f"\ufeff{content}\n")
    assert described.machine == msgspec.structs.replace(HERE, described=True)
    assert described.assumptions == ()


@pytest.mark.parametrize(
    "said", ["", "   ", "hello there", "what if", "no gpu", "一台电脑", "RTX", "{", "{}", '{"os": 3}', "{" * 50_000,
             "\x00", "0 GB RAM", '{"os": "' + "x" * LONGEST_FILE + '"}']
)  # fmt: skip
def test_what_says_nothing_is_refused_kindly(said: str) -> None:
    with pytest.raises(AppError) as caught:
        machine_from_text(said, HERE if said == "what if" else None)
    assert caught.value.code == "machine_not_understood"
    assert caught.value.hint
    assert len(str(caught.value.values["text"])) <= 61


PIECES = [
    "RTX", "4090", "RX 7900 XTX", "24", "GB", "G", "显存", "内存", "2x", "x2", "两张", "M3 Max", "no GPU", "what if",
    "ram", "vram", ",", "Ryzen 5600G", "i5-12400", "DDR5", "1.5", "tb", "如果", "+", "(", ")", "#", "¼", "٣", "\u202e",
    "A100",
]  # fmt: skip


def understood(said: str, here: Machine | None) -> Machine | None:
    """The machine; None where it was refused as no description."""
    try:
        return machine_from_text(said, here).machine
    except AppError as error:
        if error.code != "machine_not_understood":
            raise
        return None


@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join)))
def test_no_text_crashes_it(said: str) -> None:
    words_of(said)
    for here in (None, HERE, LAPTOP):
        if (machine := understood(said, here)) is None:
            continue
        assert machine.usable_devices or machine.ram_total
        assert all(device.memory_total is None or device.memory_total > 0 for device in machine.devices)
        assert machine.ram_available is None or machine.ram_available > 0
        assert len(machine.devices) <= 16 * 8 + 1
