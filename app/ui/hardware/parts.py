"""The parts of what a model takes, in words and tones: one naming for tables, bars and legends."""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from app.format import memory_size
from app.protocol import CPU, MemoryUse
from app.ui.hardware.bar import Piece, Tone
from app.ui.translate import language
from app.words import text

PARTS = ("weights", "cache", "state", "compute", "output", "projector", "draft", "residual")
"""Fields of MemoryUse that make up its total."""

_TONES = {
    "weights": Tone("accent"),
    "cache": Tone("accent", 0.6),
    "state": Tone("accent", 0.6),
    "compute": Tone("muted", 0.9),
    "output": Tone("muted", 0.9),
    "projector": Tone("accent", 0.35),
    "draft": Tone("accent", 0.35),
    "residual": Tone("muted", 0.45),
}


def part_name(part: str) -> str:
    """ "weights", "KV cache" … in the language of the window."""
    return text("cli", f"fit_{part}", {}, language())


def device_name(device: str) -> str:
    """A device of a plan: ggml's name, or words for the machine's own memory."""
    return QCoreApplication.translate("Memory", "main memory") if device == CPU else device


def sizes(use: MemoryUse) -> dict[str, int]:
    """Every part in bytes, those of nothing too."""
    return {part: getattr(use, part) for part in PARTS}


def pieces(use: MemoryUse) -> list[Piece]:
    """The parts that take something, as pieces of a bar."""
    return [
        Piece(size, f"{part_name(part)} {memory_size(size)}", _TONES[part]) for part, size in sizes(use).items() if size
    ]


def paired(predicted: Sequence[MemoryUse], measured: Sequence[MemoryUse]) -> list[tuple[MemoryUse, MemoryUse]]:
    """What was to be taken beside what is, device by device; a device that only one knows is empty in the other."""
    said = {use.device: use for use in predicted}
    found = {use.device: use for use in measured}
    names = dict.fromkeys([*said, *found])
    return [(said.get(name, MemoryUse(device=name)), found.get(name, MemoryUse(device=name))) for name in names]
