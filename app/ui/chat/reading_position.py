"""Where the reader is: at the end, which is then kept in view, or at a row, which stays where it is on the screen."""

from collections.abc import Container
from typing import TypeAlias

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QScrollBar, QWidget

from app.ui.chat.stack import Entry, Stack

END_TOLERANCE = 4
"""Pixels from the end that still count as being there."""
_SEEN = 40
"""As much of a focused widget has to be in view, in pixels."""

Anchor: TypeAlias = tuple[Entry, int]
"""An entry, and how far the top of the view lies below its own, in pixels."""


class ReadingPosition(QObject):
    """Reads and sets the scroll bar of a view on a stack."""

    older_wanted = Signal()
    """The reader nears the top."""
    following_changed = Signal(bool)
    """Whether the end is kept in view."""
    moved = Signal()
    """The reader has scrolled."""

    def __init__(self, stack: Stack, bar: QScrollBar, viewport: QWidget) -> None:
        super().__init__(viewport)
        self._stack = stack
        self._bar = bar
        self._viewport = viewport
        self._following = True
        self._setting = False
        bar.valueChanged.connect(self._on_scrolled)

    @property
    def following(self) -> bool:
        return self._following

    def set_following(self, following: bool) -> None:
        if following != self._following:
            self._following = following
            self.following_changed.emit(following)

    def anchor(self, kept: Container[int] | None = None) -> Anchor | None:
        """The first entry in view, of those `kept` (by `id()`); None where the end is followed."""
        if self._following:
            return None
        value = self._bar.value()
        for entry in self._stack.entries[self._stack.index_at(value) :]:
            if kept is None or id(entry) in kept:
                return entry, value - entry.top
        return None

    def hold(self, anchor: Anchor | None, height: int) -> int:
        """Keep the place in a content of another height. Returns the top of the view in it."""
        bar, view = self._bar, self._viewport.height()
        self._setting = True
        bar.setRange(0, height - view)
        bar.setPageStep(view)
        bar.setSingleStep(max(view // 20, 20))
        bar.setValue(anchor[0].top + anchor[1] if anchor else bar.maximum() if self._following else bar.value())
        self._setting = False
        return bar.value()

    def near(self, screens: float) -> list[Entry]:
        """The entries within so many screens of the view, those at the followed edge first."""
        top, view = self._bar.value(), self._viewport.height()
        near = self._stack.between(top - screens * view, top + (1 + screens) * view)
        return near[::-1] if self._following else near

    def sees(self, entry: Entry) -> bool:
        """Whether some of the entry is in view."""
        top = self._bar.value()
        return top - entry.height <= entry.top <= top + self._viewport.height()

    def scroll_pages(self, pages: float) -> None:
        self._bar.setValue(self._bar.value() + round(pages * self._viewport.height()))

    def bring_into_view(self, top: int, height: int, margin: int) -> None:
        """Scroll to something that can hardly be seen; lengths in pixels of the content."""
        first = self._bar.value()
        if not first <= top <= first + self._viewport.height() - min(height, _SEEN):
            self._bar.setValue(top - margin)

    def _on_scrolled(self, value: int) -> None:
        if self._setting:
            return
        self.set_following(value >= self._bar.maximum() - END_TOLERANCE)
        self.moved.emit()
        if value < self._viewport.height():
            self.older_wanted.emit()
