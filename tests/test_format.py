"""Numbers, sizes, durations and days as a person reads them."""

from datetime import datetime

import pytest

from app import format as shown


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "0 KiB"), (2048, "2 KiB"), (5 * 1024**2, "5.0 MiB"), (300 * 1024**2, "300 MiB"), (5 * 1024**3, "5.0 GiB")],
)
def test_memory_is_binary(size: int, expected: str) -> None:
    assert shown.memory_size(size) == expected


@pytest.mark.parametrize(("size", "expected"), [(4_920_000_000, "4.9 GB"), (85_000_000, "85 MB")])
def test_downloads_are_decimal(size: int, expected: str) -> None:
    assert shown.download_size(size) == expected


@pytest.mark.parametrize(
    ("number", "expected"), [(8_030_000_000, "8B"), (1_240_000_000, "1.2B"), (135_000_000, "135M"), (12, "12")]
)
def test_parameters(number: int, expected: str) -> None:
    assert shown.parameters(number) == expected


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [(0.0284, "28 ms", "28 毫秒"), (0.32, "0.3 s", "0.3 秒"), (12.4, "12 s", "12 秒"), (125, "2 min 5 s", "2 分 5 秒")],
)
def test_seconds(value: float, en: str, zh: str) -> None:
    assert shown.seconds(value) == en
    assert shown.seconds(value, "zh") == zh


def test_rate() -> None:
    assert shown.rate(41.3) == "41 tok/s"
    assert shown.rate(4.13) == "4.1 tok/s"
    assert shown.rate(41.3, "zh") == "每秒 41 词元"


NOW = datetime(2026, 11, 21, 9, 0).timestamp()


@pytest.mark.parametrize(
    ("moment", "en", "zh"),
    [
        (datetime(2026, 11, 21, 0, 1), "Today", "今天"),
        (datetime(2026, 11, 20, 23, 59), "Yesterday", "昨天"),
        (datetime(2026, 11, 16, 12, 0), "Previous 7 days", "最近 7 天"),
        (datetime(2026, 10, 30, 12, 0), "Previous 30 days", "最近 30 天"),
        (datetime(2025, 5, 2, 12, 0), "May 2025", "2025 年 5 月"),
        (datetime(2026, 11, 22, 12, 0), "Today", "今天"),
    ],
)
def test_days(moment: datetime, en: str, zh: str) -> None:
    assert shown.day(moment.timestamp(), NOW) == en
    assert shown.day(moment.timestamp(), NOW, "zh") == zh


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("needed_bytes", 2**30, "1.0 GiB"),
        ("ttft_s", 1.25, "1.2 s"),
        ("port", 8484, "8484"),
        ("next_port", 8485, "8485"),
        ("prompt_tokens", 12345, "12,345"),
        ("model", "x", "x"),
        ("id", 4, "4"),
    ],
)
def test_values_in_sentences(name: str, value: str | int | float, expected: str) -> None:
    assert shown.format_value(name, value, "en") == expected
