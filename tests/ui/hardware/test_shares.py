"""Ours, others' and free always make up the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol import Device, DeviceSample, MemorySample
from app.ui.hardware.shares import Shares, device_shares, ram_shares, sample_of, shares

sizes = st.none() | st.integers(0, 2**40)


@given(total=st.integers(1, 2**40), free=st.integers(0, 2**41), ours=sizes, others=sizes)
def test_the_parts_make_up_the_whole(total: int, free: int, ours: int | None, others: int | None) -> None:
    found = shares(total, free, ours, others)
    parts = [part for part in (found.ours, found.others, found.free) if part is not None]
    assert sum(parts) == total
    assert min(parts) >= 0


@given(total=sizes, free=sizes, ours=sizes, others=sizes)
def test_what_nobody_tells_is_not_made_up(
    total: int | None, free: int | None, ours: int | None, others: int | None
) -> None:
    found = shares(total, free, ours, others)
    assert found.total == total
    if free is None:
        assert found.free is None
    if ours is None:
        assert found.ours is None


def test_pages_of_a_file_that_count_twice_are_ours() -> None:
    assert ram_shares(MemorySample(ram_total=10, ram_available=9, ram_ours=4)) == Shares(10, 4, 0, 6)


def test_a_device_shows_what_was_found_until_it_is_sampled() -> None:
    card = Device(name="Card", memory_total=8, memory_free=5, memory_used_by_others=3)
    assert device_shares(card, None) == Shares(8, None, 3, 5)
    assert device_shares(card, DeviceSample(name="Card", free=2, ours=4)) == Shares(8, 4, 2, 2)


@pytest.mark.parametrize(("engine_name", "expected"), [("CUDA1", 2), ("CUDA0", 1)])
def test_two_cards_alike_are_told_apart_by_the_engine(engine_name: str, expected: int) -> None:
    sample = MemorySample(devices=tuple(DeviceSample(name="A", engine_name=f"CUDA{n}", total=n + 1) for n in (0, 1)))
    found = sample_of(Device(name="A", engine_name=engine_name), sample)
    assert found is not None
    assert found.total == expected
    assert sample_of(Device(name="B"), sample) is None
