"""The widgets of the few rows that have one."""

from collections.abc import Callable, Container
from operator import attrgetter

from PySide6.QtWidgets import QWidget

from app.ui.chat.row_widget import RowWidget
from app.ui.chat.stack import Entry, Stack


class BuiltRows:
    """Makes, places and drops the widgets of entries; `content` is what they stand on."""

    def __init__(self, make: Callable[[Entry], RowWidget], content: QWidget) -> None:
        self._make = make
        self._content = content
        self._entries: dict[int, Entry] = {}
        """By `id()`: few, however long the conversation."""

    @property
    def widgets(self) -> list[RowWidget]:
        """The widgets there are, from top to bottom."""
        built = sorted(self._entries.values(), key=attrgetter("top"))
        return [entry.widget for entry in built if entry.widget is not None]

    def build(self, entry: Entry, stack: Stack, width: int) -> RowWidget:
        """Make the entry's widget where it has none, and measure it."""
        widget = entry.widget
        if widget is None:
            widget = entry.widget = self._make(entry)
            self._entries[id(entry)] = entry
            widget.setParent(self._content)
            widget.resize(width, max(entry.height, 1))
            widget.set_row(entry.row)
            widget.show()
        stack.measured(entry, width, widget.height_for(width))
        return widget

    def entry_of(self, widget: RowWidget) -> Entry | None:
        """The entry that widget shows; None where it was dropped."""
        return next((entry for entry in self._entries.values() if entry.widget is widget), None)

    def arrange(self, left: int, width: int) -> None:
        """Put the widgets where their entries lie."""
        for entry in self._entries.values():
            if entry.widget is not None:
                entry.widget.setGeometry(left, entry.top, width, entry.height)

    def keep_only(self, kept: Container[int]) -> None:
        """Drop the widgets of all entries but these, given by `id()`."""
        for entry in [entry for key, entry in self._entries.items() if key not in kept]:
            self._drop(entry)

    def let_go(self, near: Container[int]) -> None:
        """Drop the widgets of entries that are not near, given by `id()`, except those in use."""
        for key, entry in [*self._entries.items()]:
            if key not in near and entry.widget is not None and not entry.widget.in_use():
                self._drop(entry)

    def _drop(self, entry: Entry) -> None:
        del self._entries[id(entry)]
        widget, entry.widget = entry.widget, None
        if widget is not None:
            widget.hide()
            widget.deleteLater()
