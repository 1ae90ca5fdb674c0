"""A column of rows of unequal height in which only those near the viewport exist as widgets.

Heights of rows that were not built yet are estimated; when they become known, what the reader looks at stays where it
is. Building is done in slices, so the event loop never waits for more than one row and `SLICE_S`.
"""

import time
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QWidget

from app.ui.chat.row_widget import RowWidget
from app.ui.chat.rows import Row

SLICE_S = 0.008
"""How long rows are built before the event loop has its turn."""
END_TOLERANCE = 4
"""Pixels from the end that still count as being there."""


@dataclass(eq=False)
class Entry:
    """One row in the column: where it is, how high, and its widget while it has one. Lengths in pixels."""

    message_id: int
    row: Row
    gap: int = 0
    """Space above it."""
    height: int = 0
    top: int = 0
    measured_for: int = -1
    """The width its height was measured for; -1 while the height is an estimate."""
    widget: RowWidget | None = None


class Column(QScrollArea):
    """Shows entries one below the other, centred, at most `measure` pixels wide."""

    older_wanted = Signal()
    """The reader nears the top."""
    following_changed = Signal(bool)
    """Whether the end is kept in view."""
    left = Signal()
    """The pointer has gone elsewhere."""
    settled = Signal()
    """Everything in view is built and measured."""

    def __init__(self, make: Callable[[Entry], RowWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._make = make
        self._entries: list[Entry] = []
        self._built: dict[int, Entry] = {}
        """Those that have a widget, by `id()`: few, however long the conversation."""
        self._measure = 600
        self._margin = 24
        self._following = True
        self._placing = False
        self.content = QWidget()
        self.content.setObjectName("transcriptContent")
        self.content.setAutoFillBackground(True)  # opaque and static: growing and scrolling repaint only what is new
        self.content.setAttribute(Qt.WidgetAttribute.WA_StaticContents)
        self.setWidget(self.content)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._settle)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)

    @property
    def entries(self) -> list[Entry]:
        return self._entries

    @property
    def widgets(self) -> list[RowWidget]:
        """The widgets there are, from top to bottom."""
        built = sorted(self._built.values(), key=attrgetter("top"))
        return [entry.widget for entry in built if entry.widget is not None]

    @property
    def following(self) -> bool:
        return self._following

    @property
    def row_width(self) -> int:
        return max(min(self._measure, self.viewport().width() - 2 * self._margin), 120)

    def set_measure(self, measure: int, margin: int) -> None:
        self._measure = measure
        self._margin = margin
        self._settle()

    def set_entries(self, entries: list[Entry]) -> None:
        """Show these entries; widgets of those that are gone are let go."""
        keep = {id(entry) for entry in entries}
        anchor = self._anchor(keep)
        for entry in [entry for key, entry in self._built.items() if key not in keep]:
            self._drop(entry)
        self._entries = entries
        self._settle(anchor)

    def refresh(self, changed: Iterable[Entry]) -> None:
        """The rows of these entries have changed: show and measure them again."""
        for entry in changed:
            entry.measured_for = -1
            if entry.widget is not None:
                entry.widget.set_row(entry.row)
        self._settle()

    def remeasure(self, widget: RowWidget) -> None:
        """That widget needs another height now."""
        for entry in self._built.values():
            if entry.widget is widget:
                entry.measured_for = -1
        self._later.start()

    def drop_widgets(self) -> None:
        """Build all rows anew, for another look."""
        for entry in [*self._built.values()]:
            self._drop(entry)
        self._settle()

    def follow(self) -> None:
        """Go to the end and stay there."""
        self._set_following(True)
        self._settle()

    def scroll_pages(self, pages: float) -> None:
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + round(pages * self.viewport().height()))

    def show_entry(self, entry: Entry) -> None:
        """Bring the start of an entry into view; it is no longer the end that is followed."""
        self._set_following(False)
        self._settle((entry, -self._margin))

    def built(self, entry: Entry) -> RowWidget:
        """The entry's widget, made now where it has none."""
        widget = entry.widget or self._build(entry)
        self._settle()
        return widget

    # ------------------------------------------------------------ events

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.content:
            return False  # QScrollArea would set its scroll bars after each change of ours
        return super().eventFilter(watched, event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        moved = super().focusNextPrevChild(forward)
        focused = QApplication.focusWidget()
        if moved and focused is not None and self.content.isAncestorOf(focused):
            self._bring_into_view(focused)
        return moved

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()

    # ------------------------------------------------------------ placing

    def _bring_into_view(self, widget: QWidget) -> None:
        top = widget.mapTo(self.content, widget.rect().topLeft()).y()
        bar = self.verticalScrollBar()
        if not bar.value() <= top <= bar.value() + self.viewport().height() - min(widget.height(), 40):
            bar.setValue(top - self._margin)

    def _on_scrolled(self, value: int) -> None:
        if self._placing:
            return
        self._set_following(value >= self.verticalScrollBar().maximum() - END_TOLERANCE)
        self._later.start()
        if value < self.viewport().height():
            self.older_wanted.emit()

    def _set_following(self, following: bool) -> None:
        if following != self._following:
            self._following = following
            self.following_changed.emit(following)

    def _anchor(self, keep: set[int] | None = None) -> tuple[Entry, int] | None:
        """The first entry in view that stays, and how far its top lies above the view's."""
        if self._following or not self._entries:
            return None
        value = self.verticalScrollBar().value()
        first = max(bisect_right(self._entries, value, key=attrgetter("top")) - 1, 0)
        for entry in self._entries[first:]:
            if keep is None or id(entry) in keep:
                return entry, value - entry.top
        return None

    def _settle(self, anchor: tuple[Entry, int] | None = None) -> None:
        """Place everything, build what is near for one slice, and come back later for the rest."""
        anchor = anchor or self._anchor()
        self._place(anchor)
        until = time.perf_counter() + SLICE_S
        complete = True
        for entry in self._unmeasured():
            self._build(entry)
            if time.perf_counter() > until:
                complete = False
                break
        self._place(anchor)
        self._let_go()
        if complete and not self._unmeasured():
            self._later.stop()
            self.settled.emit()
        else:
            self._later.start()

    def _place(self, anchor: tuple[Entry, int] | None) -> None:
        width = self.row_width
        y = self._margin
        for entry in self._entries:
            if entry.measured_for < 0 and not entry.height:
                entry.height = _estimate(entry.row, width)
            y += entry.gap
            entry.top = y
            y += entry.height
        self._placing = True
        total = max(y + self._margin, self.viewport().height())
        self._scroll_to(total, anchor)
        left = (self.viewport().width() - width) // 2
        for entry in self._built.values():
            if entry.widget is not None:
                entry.widget.setGeometry(left, entry.top, width, entry.height)
        self._placing = False

    def _scroll_to(self, total: int, anchor: tuple[Entry, int] | None) -> None:
        bar = self.verticalScrollBar()
        view = self.viewport().height()
        self.content.resize(self.viewport().width(), total)
        bar.setRange(0, total - view)
        bar.setPageStep(view)
        bar.setSingleStep(max(view // 20, 20))
        bar.setValue(anchor[0].top + anchor[1] if anchor else bar.maximum() if self._following else bar.value())
        self.content.move(0, -bar.value())

    def _near(self, screens: float) -> list[Entry]:
        """The entries within so many screens of the view, those at the followed edge first."""
        view = self.viewport().height()
        start = self.verticalScrollBar().value() - screens * view
        end = self.verticalScrollBar().value() + (1 + screens) * view
        first = max(bisect_right(self._entries, start, key=attrgetter("top")) - 1, 0)
        last = bisect_right(self._entries, end, key=attrgetter("top"))
        near = self._entries[first:last]
        return near[::-1] if self._following else near

    def _unmeasured(self) -> list[Entry]:
        width = self.row_width
        wanted = [entry for entry in self._near(0.7) if entry.widget is None or entry.measured_for != width]
        value, view = self.verticalScrollBar().value(), self.viewport().height()
        return sorted(wanted, key=lambda entry: not value - entry.height <= entry.top <= value + view)

    def _build(self, entry: Entry) -> RowWidget:
        """Make the entry's widget where it has none, and measure it."""
        width = self.row_width
        widget = entry.widget
        if widget is None:
            widget = entry.widget = self._make(entry)
            self._built[id(entry)] = entry
            widget.setParent(self.content)
            widget.resize(width, max(entry.height, 1))
            widget.set_row(entry.row)
            widget.show()
        entry.height = widget.height_for(width)
        entry.measured_for = width
        return widget

    def _let_go(self) -> None:
        """Drop the widgets that are far away, except those in use."""
        near = {id(entry) for entry in self._near(3)}
        for key, entry in [*self._built.items()]:
            if key not in near and entry.widget is not None and not entry.widget.in_use():
                self._drop(entry)

    def _drop(self, entry: Entry) -> None:
        self._built.pop(id(entry), None)
        if entry.widget is not None:
            entry.widget.hide()
            entry.widget.deleteLater()
            entry.widget = None


def _estimate(row: Row, width: int) -> int:
    text: str = getattr(row, "text", "")
    if not text:
        return 32
    return 24 * (1 + len(text) * 8 // max(width, 1) + text.count("\n"))
