"""Reading the small files in which Linux tells about itself; what is not there is empty or None."""

from pathlib import Path


def text(path: Path) -> str:
    """The file's text without the space around it; "" where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def number(path: Path) -> int | None:
    """The whole number in the file, in whatever notation Python knows ("42", "0x1002")."""
    try:
        return int(text(path), 0)
    except ValueError:
        return None


def fields(content: str, separator: str = ":") -> dict[str, str]:
    """The `name: value` lines of a text, names in lower case; the first of several counts."""
    found: dict[str, str] = {}
    for line in content.splitlines():
        name, mark, value = line.partition(separator)
        if mark and value.strip():
            found.setdefault(name.strip().casefold(), " ".join(value.split()))
    return found


def listed(numbers: str) -> frozenset[int]:
    """The kernel's lists of processors: "0-3,8"."""
    found: set[int] = set()
    for part in numbers.split(","):
        first, _, last = part.partition("-")
        if first.strip().isdigit() and (last or first).strip().isdigit():
            found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def size(words: str) -> int | None:
    """Bytes of "32768K" or "36M", as caches are written."""
    digits, unit = words.rstrip("KMGB"), words.lstrip("0123456789").rstrip("B")
    factor = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}.get(unit)
    return int(digits) * factor if digits.isdigit() and factor else None
