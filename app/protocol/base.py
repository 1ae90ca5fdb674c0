"""What all messages have in common, and how an error travels.

Units everywhere: sizes in bytes, times in seconds, points in time as Unix seconds. Text born below the window travels
as a code with values (`ErrorInfo`) and is put into words where it is shown.
"""

from typing import TypeAlias

from msgspec import Struct

Value: TypeAlias = str | int | float


class Wire(Struct, frozen=True, omit_defaults=True):
    """What all messages have in common: immutable, named fields, defaults left out on the wire."""


class ErrorInfo(Wire, frozen=True, kw_only=True):
    """An error on its way to whoever shows it: the code picks the words, the values fill them."""

    code: str
    values: dict[str, Value] = {}
