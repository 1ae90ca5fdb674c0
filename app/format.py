"""Numbers, sizes, durations and dates as people read them, in English and Chinese."""

from datetime import datetime
from typing import Literal, TypeAlias

Language: TypeAlias = Literal["en", "zh"]

_GIB = 1024**3
_MIB = 1024**2


def well_formed(text: str) -> str:
    """The text with U+FFFD for halves of characters, which arguments and file names have that are no UTF-8."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def memory_size(size: int) -> str:
    """Bytes of memory or of a file on disk, in GiB or MiB (1024)."""
    if size >= _GIB:
        return f"{size / _GIB:.1f} GiB"
    if size >= 10 * _MIB:
        return f"{size / _MIB:.0f} MiB"
    if size >= _MIB:
        return f"{size / _MIB:.1f} MiB"
    return f"{max(size, 0) / 1024:.0f} KiB"


def download_size(size: int) -> str:
    """Bytes of a download, in GB or MB (1000)."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def bandwidth(bytes_per_second: float) -> str:
    """Decimal, as makers state it: "1,008 GB/s", "9.5 GB/s"."""
    figure = bytes_per_second / 1e9
    return f"{figure:,.0f} GB/s" if figure >= 20 else f"{figure:.1f} GB/s"


def count(number: int) -> str:
    """A whole number with its thousands set apart."""
    return f"{number:,}"


def parameters(number: int) -> str:
    """A count of weights as the field writes it: 8.0B, 135M."""
    for limit, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if number >= limit:
            return f"{number / limit:.1f}".removesuffix(".0") + unit
    return count(number)


def seconds(value: float, language: Language = "en") -> str:
    """A duration: 30 ms, 0.3 s, 12 s, 2 min 5 s."""
    if value < 0.095:
        return f"{max(value, 0) * 1000:.0f} {'毫秒' if language == 'zh' else 'ms'}"
    second, minute = ("秒", "分") if language == "zh" else ("s", "min")
    if value < 10:
        return f"{value:.1f} {second}"
    if value < 60:
        return f"{value:.0f} {second}"
    return f"{int(value) // 60} {minute} {int(value) % 60} {second}"


def rate(tokens_per_second: float, language: Language = "en") -> str:
    """A speed of generation; one decimal below ten."""
    number = f"{tokens_per_second:.1f}" if tokens_per_second < 10 else f"{tokens_per_second:.0f}"
    return f"每秒 {number} 词元" if language == "zh" else f"{number} tok/s"


def day(moment: float, now: float, language: Language = "en") -> str:
    """The heading under which a conversation of that moment stands: Today, Yesterday, a weekday, a month."""
    then, today = datetime.fromtimestamp(moment).date(), datetime.fromtimestamp(now).date()
    age = (today - then).days
    zh = language == "zh"
    if age <= 0:
        return "今天" if zh else "Today"
    if age == 1:
        return "昨天" if zh else "Yesterday"
    if age < 7:
        return "最近 7 天" if zh else "Previous 7 days"
    if age < 30:
        return "最近 30 天" if zh else "Previous 30 days"
    return f"{then.year} 年 {then.month} 月" if zh else f"{_MONTHS[then.month - 1]} {then.year}"


def format_value(name: str, value: str | int | float, language: Language) -> str:
    """A value inside a sentence, formatted by what its name ends in: `_bytes`, `bandwidth`, `_s`, or a plain count."""
    if isinstance(value, str):
        return value
    if name.endswith("_bytes"):
        return memory_size(int(value))
    if name.endswith("bandwidth"):
        return bandwidth(float(value))
    if name.endswith("_s"):
        return seconds(float(value), language)
    if name == "port" or name.endswith(("_port", "_pid", "_version")):
        return str(value)
    return count(value) if isinstance(value, int) else f"{value:g}"


_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
