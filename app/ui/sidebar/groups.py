"""Which conversation stands where in the list: pinned first, then by folder, then by day."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TypeAlias

from app.protocol import Conversation


@dataclass(frozen=True)
class Heading:
    """A line above a group; `folder` says whether it is a folder's name."""

    text: str
    folder: bool = False


Row: TypeAlias = Heading | Conversation


def arrange(conversations: Iterable[Conversation], pinned: str, day: Callable[[float], str]) -> list[Row]:
    """The rows of the list. `pinned` heads the pinned ones, `day` names the group of a point in time."""
    newest = sorted(conversations, key=attrgetter("updated"), reverse=True)
    rows: list[Row] = []
    _extend(rows, Heading(pinned), [each for each in newest if each.pinned])
    loose = [each for each in newest if not each.pinned]
    folders = sorted({each.folder for each in loose if each.folder}, key=str.casefold)
    for folder in folders:
        _extend(rows, Heading(folder, folder=True), [each for each in loose if each.folder == folder])
    for name, group in groupby((each for each in loose if not each.folder), key=lambda each: day(each.updated)):
        _extend(rows, Heading(name), list(group))
    return rows


def _extend(rows: list[Row], heading: Heading, group: list[Conversation]) -> None:
    if group:
        rows.append(heading)
        rows.extend(group)
