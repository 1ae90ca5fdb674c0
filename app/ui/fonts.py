"""The fonts of the window: the system's own, Inter where the system has none worth reading, and code."""

from PySide6.QtGui import QFont, QFontDatabase, QFontInfo
from PySide6.QtWidgets import QApplication

from app.paths import RESOURCES

_FOLDER = RESOURCES / "fonts"
_LAST_RESORTS = ("dejavu", "bitstream", "sans", "helvetica", "arial", "liberation", "fixed")
"""Beginnings of families that stand for "no desktop has chosen a font"."""
_MINIMUM_POINTS = 10.5
_CJK = [
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei UI",
    "WenQuanYi Micro Hei",
]
_EMOJI = ["Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji"]


def prepare(app: QApplication) -> QFont:
    """Register what is needed of the bundled fonts and return the body font at 100 percent."""
    _add("JetBrainsMono")
    font = QFont(app.font())
    family = QFontInfo(font).family()
    if family.lower().startswith(_LAST_RESORTS):
        _add("Inter")
        family = "Inter"
    font.setFamilies([family, *_CJK, *_EMOJI])
    font.setPointSizeF(max(font.pointSizeF(), _MINIMUM_POINTS))
    return font


def code_families() -> list[str]:
    """Families for code, best first."""
    return ["JetBrains Mono", "Menlo", "Consolas", "monospace", *_CJK, *_EMOJI]


def _add(prefix: str) -> None:
    for path in sorted(_FOLDER.glob(f"{prefix}-*.[ot]tf")):
        QFontDatabase.addApplicationFont(str(path))
