"""Reads a recorded machine and lays its files out: processors, memory, mounts and PCI cards are written compactly."""

import re
import struct
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import msgspec

from app.hardware.detection.answers import Answers

FOLDER = Path(__file__).parent
_UNITS = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(r"([\d.]+) (KiB|MiB|GiB|GB|TB)")


@dataclass(frozen=True)
class Recording:
    """What one machine answered, and the root below which its files lie."""

    answers: Answers
    root: Path
    model_folder: PurePath


def recorded(name: str, root: Path) -> Recording:
    """The recorded machine of that name, its files laid out below `root`."""
    with (FOLDER / name / "machine.toml").open("rb") as file:
        told = _sizes(tomllib.load(file))
    answers = dict(told["answers"])
    answers["smbios"] = smbios(told.get("modules", []))
    folder = (PureWindowsPath if answers["platform"] == "win32" else PurePosixPath)(told["folder"])
    if "cpu" in told:
        _lay_cpu(root, **told["cpu"])
    if "ram" in told:
        lines = (f"{key}: {value // 1024} kB\n" for key, value in told["ram"].items())
        _write(root, "proc/meminfo", "".join(lines))
    _lay_mounts(root, told.get("mounts", {}))
    for place, files in told.get("pci", {}).items():
        for file_name, content in {"class": "0x030000", **files}.items():
            _write(root, f"sys/bus/pci/devices/{place}/{file_name}", str(content))
    for path, content in told.get("files", {}).items():
        _write(root, path, content)
    return Recording(msgspec.convert(answers, Answers, builtin_types=[bytes]), root, folder)


def smbios(modules: list[dict[str, Any]]) -> bytes:
    """SMBIOS tables with these memory modules: size in MiB, width in bits, speed in MT/s, locator, bank."""
    tables = b""
    for module in modules:
        body = bytearray(0x22)
        struct.pack_into("<BBH", body, 0, 17, len(body), 0x1100)
        struct.pack_into("<HHH", body, 0x08, module["width"], module["width"], min(module["size"], 0x7FFF))
        struct.pack_into("<BB", body, 0x10, 1, 2 if module["bank"] else 0)
        struct.pack_into("<H", body, 0x15, module["speed"])
        struct.pack_into("<I", body, 0x1C, module["size"])
        struct.pack_into("<H", body, 0x20, module["speed"])
        names = [name for name in (module["locator"], module["bank"]) if name]
        tables += bytes(body) + "\0".join(names).encode() + b"\0\0"
    return tables and tables + bytes([127, 4, 0, 0, 0, 0])


def _sizes(told: Any) -> Any:
    """The same with "12 GiB" as bytes."""
    if isinstance(told, dict):
        return {key: _sizes(value) for key, value in told.items()}
    if isinstance(told, list):
        return [_sizes(value) for value in told]
    if isinstance(told, str) and (found := _SIZE.fullmatch(told)):
        return round(float(found[1]) * _UNITS[found[2]])
    return told


def _lay_cpu(
    root: Path,
    info: str,
    cores: int,
    threads: int = 1,
    efficient: int = 0,
    l3: str = "",
    atom: bool = False,
    clocks: tuple[int, int] = (0, 0),
    l2: str = "",
) -> None:
    """`cores` fast cores of so many threads each, then `efficient` of one; numbered as Intel's kernels do."""
    logical = cores * threads + efficient
    _write(root, "proc/cpuinfo", "\n\n".join(f"processor\t: {index}\n{info}" for index in range(logical)))
    base = "sys/devices/system/cpu"
    _write(root, f"{base}/online", f"0-{logical - 1}")
    if atom:
        _write(root, "sys/devices/cpu_atom/cpus", f"{cores * threads}-{logical - 1}")
    for index in range(logical):
        fast = index < cores * threads
        first = index // threads * threads if fast else index
        last = first + threads - 1 if fast else index
        _write(root, f"{base}/cpu{index}/topology/core_cpus_list", f"{first}-{last}" if last > first else str(first))
        if clocks[0]:
            _write(root, f"{base}/cpu{index}/cpufreq/cpuinfo_max_freq", str(clocks[0] if fast else clocks[1]))
        for level, cache in ((2, l2), (3, l3)):
            if cache:
                _write(root, f"{base}/cpu{index}/cache/index{level}/level", str(level))
                _write(root, f"{base}/cpu{index}/cache/index{level}/type", "Unified")
                _write(root, f"{base}/cpu{index}/cache/index{level}/size", cache)


def _lay_mounts(root: Path, mounts: dict[str, dict[str, Any]]) -> None:
    lines = []
    for index, (place, mount) in enumerate(mounts.items()):
        source = mount.get("source", "none")
        lines.append(f"{20 + index} 1 8:{index} / {place} rw - {mount['type']} {source} rw\n")
        if "turns" in mount:
            disk = PurePosixPath(source).name
            whole = root / "sys/devices/disks" / f"disk{index}"
            (whole / disk).mkdir(parents=True)
            _write(root, f"sys/devices/disks/disk{index}/queue/rotational", str(int(mount["turns"])))
            link = root / "sys/class/block" / disk
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(whole / disk)
    if lines:
        _write(root, "proc/self/mountinfo", "".join(lines))


def _write(root: Path, path: str, content: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
