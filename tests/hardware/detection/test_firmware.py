"""The memory's speed, from SMBIOS tables and by measurement."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hardware.detection import bandwidth
from app.hardware.detection.bandwidth import measured, ram_bandwidth
from app.hardware.detection.firmware import memory_speed
from tests.hardware.machines.recording import smbios

MIB = 1024**2


def module(locator: str, bank: str = "", speed: int = 3200, width: int = 64, size: int = 8192) -> dict[str, Any]:
    return {"size": size, "width": width, "speed": speed, "locator": locator, "bank": bank}


@pytest.mark.parametrize(
    ("modules", "gigabytes", "channels"),
    [
        ([module("ChannelA-DIMM0"), module("ChannelB-DIMM0")], 51.2, 2),
        ([module("ChannelA-DIMM0"), module("ChannelA-DIMM1")], 25.6, 1),
        ([module("DIMM 0", "P0 CHANNEL A", 5600), module("DIMM 1", "P0 CHANNEL B", 5600)], 89.6, 2),
        ([module(f"DIMM_{slot}1") for slot in "ABCDEFGH"], 204.8, 8),
        ([module("DIMM A", "BANK 0")], 25.6, 1),
        ([module("Motherboard", "", 8533, 16, 4096)] * 8, 136.528, 8),
        ([module("ChannelA-DIMM0", speed=3200), module("ChannelB-DIMM0", speed=2400)], 38.4, 2),
        ([module("ChannelA-DIMM0"), module("ChannelB-DIMM0", size=0)], 25.6, 1),
    ],
)
def test_modules_and_their_channels(modules: list[dict[str, Any]], gigabytes: float, channels: int) -> None:
    found = memory_speed(smbios(modules))
    assert found is not None
    assert found.bandwidth == pytest.approx(gigabytes * 1e9)
    assert found.channels == channels


@pytest.mark.parametrize(
    "modules",
    [[], [module("slot one"), module("slot two")], [module("ChannelA", speed=0)], [module("ChannelA", width=0)]],
)
def test_doubt_is_no_figure(modules: list[dict[str, Any]]) -> None:
    assert memory_speed(smbios(modules)) is None


@given(st.binary(max_size=400))
def test_any_bytes_are_tables(tables: bytes) -> None:
    found = memory_speed(tables)
    assert found is None or found.bandwidth > 0


@given(st.integers(0, 200), st.binary(max_size=8))
def test_damaged_tables_never_fail(cut: int, patch: bytes) -> None:
    tables = smbios([module("ChannelA-DIMM0"), module("ChannelB-DIMM0")])
    memory_speed(tables[:cut] + patch + tables[cut + len(patch) :])


def test_memory_is_measured() -> None:
    found = measured(16 * MIB, 2, limit_s=0.01)
    assert found is not None
    assert 1e8 < found < 1e13


def test_a_measurement_is_remembered_for_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three times it is measured, since the machine may be busy; the best counts."""
    speeds = iter([5e9, 9e9, 7e9, 99e9, 1e9])
    monkeypatch.setattr(bandwidth, "measured", lambda size, threads: next(speeds))

    def ask(processor: str = "A", free: int = 2**33, cache: int = 0) -> float | None:
        return ram_bandwidth(tmp_path, processor, 2**34, free, 1, cache)

    assert [ask() for _ in range(5)] == [5e9, 9e9, 9e9, 9e9, 9e9]
    assert ask("B", free=1000) is None, "there is not the memory to measure in"
    assert ask("B", cache=2**30) is None, "it would be the cache that is measured"
    assert ask(free=0) == 9e9, "what is remembered needs no memory"
    assert ask("B") == 99e9
    (tmp_path / "memory_speed.json").write_text("garbage")
    assert ask("B") == 1e9


def test_what_cannot_be_remembered_is_measured_all_the_same(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    assert ram_bandwidth(in_the_way, "A", 2**34, 2**33, 1, 0) is not None
