"""How fast the memory is by what the firmware says of its modules (SMBIOS, DSP0134, structure type 17)."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_MEMORY_DEVICE = 17
_END = 127
_CHANNEL = re.compile(r"(?:channel|chan|ch)[ _-]?([a-p0-9])|dimm[ _-]?([a-p])(?![a-z])", re.IGNORECASE)
_CONTROLLER = re.compile(r"(?:controller|mc|node|socket|p)[ _-]?(\d)", re.IGNORECASE)
_SOLDERED_WIDTH = 32
"""Bits: a module this narrow is a channel of soldered memory, whatever it is called."""
_KNOWN_SPEEDS = range(200, 20000)


@dataclass(frozen=True)
class Module:
    """A memory module: size in bytes, width in bits, speed in transfers a second."""

    size: int
    width: int
    speed: int
    locator: str
    bank: str


@dataclass(frozen=True)
class MemorySpeed:
    """What the modules deliver together at most, and over how many channels."""

    bandwidth: float
    channels: int
    modules: int


def memory_speed(tables: bytes) -> MemorySpeed | None:
    """The memory's speed; None where the firmware does not say it beyond doubt. `tables` are SMBIOS structures."""
    modules = list(_modules(tables))
    if not modules:
        return None
    channels: dict[str, Module] = {}
    for index, module in enumerate(modules):
        name = str(index) if module.width <= _SOLDERED_WIDTH or len(modules) == 1 else _channel(module)
        if name is None:
            return None
        channels.setdefault(name, module)
    slowest = min(module.speed for module in modules)
    bandwidth = sum(module.width / 8 * slowest for module in channels.values())
    return MemorySpeed(bandwidth, len(channels), len(modules))


def _channel(module: Module) -> str | None:
    """The channel a module is on, by the names of its place: "P0 CHANNEL A", "Controller1-ChannelA", "DIMM_B2"."""
    for words in (f"{module.bank} {module.locator}", module.locator):
        if found := _CHANNEL.search(words):
            controller = _CONTROLLER.search(words)
            return f"{controller[1] if controller else ''}{(found[1] or found[2]).casefold()}"
    return None


def _modules(tables: bytes) -> Iterator[Module]:
    for body, strings in _structures(tables):
        if len(body) < 0x22:  # the configured speed came with SMBIOS 2.7
            continue
        width, size = struct.unpack_from("<HH", body, 0x0A)
        bytes_ = _module_size(size, body)
        speed, configured = struct.unpack_from("<H", body, 0x15)[0], struct.unpack_from("<H", body, 0x20)[0]
        speed = configured if configured in _KNOWN_SPEEDS else speed
        if bytes_ and speed in _KNOWN_SPEEDS and 0 < width <= 256:  # bits of one module
            yield Module(bytes_, width, speed * 1_000_000, _string(strings, body[0x10]), _string(strings, body[0x11]))


def _module_size(size: int, body: bytes) -> int:
    """Bytes: a flag says whether it is KiB or MiB, and one value that it stands elsewhere; 0 for an empty place."""
    if size in (0, 0xFFFF):
        return 0
    if size == 0x7FFF:  # DSP0134 7.18.4: see the extended size
        return int(struct.unpack_from("<I", body, 0x1C)[0] & 0x7FFFFFFF) * 1024**2
    return (size & 0x7FFF) * (1024 if size & 0x8000 else 1024**2)


def _structures(tables: bytes) -> Iterator[tuple[bytes, list[str]]]:
    """The memory devices among the structures: each a body of its stated length, then strings up to two zeros."""
    offset = 0
    while offset + 4 <= len(tables):
        kind, length = tables[offset], tables[offset + 1]
        end = tables.find(b"\0\0", offset + length)
        if length < 4 or kind == _END or end < 0:  # a header alone has four bytes
            return
        if kind == _MEMORY_DEVICE:
            strings = tables[offset + length : end].decode("latin-1").split("\0")
            yield tables[offset : offset + length], strings
        offset = end + 2


def _string(strings: list[str], number: int) -> str:
    return strings[number - 1].strip() if 0 < number <= len(strings) else ""
