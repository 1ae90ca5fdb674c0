"""The style sheet: resources/themes/alcove.qss with colour names and units filled in."""

import re
from collections.abc import Mapping
from functools import cache

from app.paths import RESOURCES

_COLOUR = re.compile(r"@([a-z_]+)")
_LENGTH = re.compile(r"\b(\d+(?:\.\d+)?)u\b")


def style_sheet(colours: Mapping[str, str], unit: float) -> str:
    """The sheet for these colours (name to #RRGGBB) and pixels per unit. Raises KeyError for an unknown colour name."""
    filled = _COLOUR.sub(lambda match: colours[match[1]], _source())
    return _LENGTH.sub(lambda match: f"{max(1, round(float(match[1]) * unit))}px", filled)


@cache
def _source() -> str:
    return (RESOURCES / "themes" / "alcove.qss").read_text(encoding="utf-8")
