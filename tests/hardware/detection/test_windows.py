"""What Windows' calls return, taken apart: recorded structures, since there is no Windows here."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hardware.detection.adapters import dxgi_adapters
from app.hardware.detection.answers import DxgiAdapter
from app.hardware.detection.windows import (
    adapter,
    core_counts,
    largest_cache,
    memory_status,
    seek_penalty_kind,
    smbios_tables,
    with_budgets,
)

GIB = 1024**3


def relation(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", kind, 8 + len(body)) + body


def test_memory_is_no_more_than_may_be_committed() -> None:
    status = struct.pack("<IIQQQQQQQ", 64, 40, 16 * GIB, 9 * GIB, 20 * GIB, 12 * GIB, 0, 0, 0)
    assert memory_status(status) == (16 * GIB, 9 * GIB)
    without_page_file = struct.pack("<IIQQQQQQQ", 64, 40, 16 * GIB, 9 * GIB, 16 * GIB, 4 * GIB, 0, 0, 0)
    assert memory_status(without_page_file) == (16 * GIB, 4 * GIB)


def test_cores_of_both_kinds() -> None:
    fast, slow = relation(0, bytes([1, 1]) + bytes(30)), relation(0, bytes([0, 0]) + bytes(30))
    assert core_counts(fast * 6 + slow * 8) == (14, 6)
    assert core_counts(slow * 4) == (4, 4)
    assert core_counts(b"") == (0, 0)


def test_the_largest_cache_of_the_last_level() -> None:
    def cache(level: int, size: int) -> bytes:
        return relation(2, struct.pack("<BBHI", level, 8, 64, size) + bytes(24))

    assert largest_cache(cache(1, 2**15) + cache(3, 2**25) + cache(3, 2**26) + cache(2, 2**27)) == 2**26
    assert largest_cache(b"") is None


@given(st.binary(max_size=200))
def test_any_bytes_are_relations(information: bytes) -> None:
    cores, fast = core_counts(information)
    assert fast <= cores
    largest_cache(information)


def test_an_adapter_with_its_budgets() -> None:
    name = "NVIDIA GeForce RTX 4070".encode("utf-16-le").ljust(256, b"\0")
    numbers = struct.pack("<IIIIQQQIiI", 0x10DE, 0x2786, 0, 0xA1, 12 * GIB, 0, 16 * GIB, 1, 0, 0)
    found = adapter(name + numbers + bytes(12))
    assert found == DxgiAdapter(name="NVIDIA GeForce RTX 4070", vendor_id=0x10DE, dedicated=12 * GIB, shared=16 * GIB)
    local, shared = struct.pack("<QQQQ", 11 * GIB, GIB, 0, 0), struct.pack("<QQQQ", 15 * GIB, 2 * GIB, 0, 0)
    told = with_budgets(found, local, shared)
    assert (told.budget, told.usage, told.shared_budget, told.shared_usage) == (11 * GIB, GIB, 15 * GIB, 2 * GIB)
    software = struct.pack("<IIIIQQQIiI", 0x1414, 0x8C, 0, 0, 0, 0, 0, 0, 0, 2)
    assert adapter(name + software).software


@pytest.mark.parametrize(
    ("descriptor", "kind"), [(b"", "unknown"), (bytes(8) + b"\0", "ssd"), (bytes(8) + b"\1", "hdd")]
)
def test_disks_that_turn(descriptor: bytes, kind: str) -> None:
    assert seek_penalty_kind(descriptor) == kind


def test_firmware_tables_have_a_head() -> None:
    assert smbios_tables(bytes([0, 3, 3, 0]) + struct.pack("<I", 4) + b"abcdrest") == b"abcd"
    assert smbios_tables(b"short") == b""


def test_elsewhere_there_are_no_adapters() -> None:
    assert dxgi_adapters() == ()
