"""A column of rows of unequal height in which only those near the viewport exist as widgets.

Heights of rows that were not built yet are estimated; when they become known, what the reader looks at stays where it
is. Building is done in slices, so the event loop never waits for more than one row and `SLICE_S`.
"""

import time
from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QWidget

from app.ui.chat.built_rows import BuiltRows
from app.ui.chat.reading_position import Anchor, ReadingPosition
from app.ui.chat.row_widget import RowWidget
from app.ui.chat.stack import Entry, Stack

SLICE_S = 0.008
"""How long rows are built before the event loop has its turn."""
_AHEAD, _KEPT = 0.7, 3
"""Rows are built so many screens before they come into view, and kept so many screens after they left it."""
_NARROWEST = 120


class Column(QScrollArea):
    """Shows entries one below the other, centred, at most `measure` pixels wide."""

    left = Signal()
    """The pointer has gone elsewhere."""
    settled = Signal()
    """Everything in view is built and measured."""

    def __init__(self, make: Callable[[Entry], RowWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._measure = 600
        self._margin = 24
        self._content = QWidget()
        self._content.setObjectName("transcriptContent")
        self._content.setAutoFillBackground(True)  # opaque and static: growing and scrolling repaint only what is new
        self._content.setAttribute(Qt.WidgetAttribute.WA_StaticContents)
        self._stack = Stack()
        self._built = BuiltRows(make, self._content)
        self.position = ReadingPosition(self._stack, self.verticalScrollBar(), self.viewport())
        self.setWidget(self._content)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._settle)
        self.position.moved.connect(self._later.start)

    @property
    def widgets(self) -> list[RowWidget]:
        """The widgets there are, from top to bottom."""
        return self._built.widgets

    @property
    def row_width(self) -> int:
        return max(min(self._measure, self.viewport().width() - 2 * self._margin), _NARROWEST)

    @property
    def is_settled(self) -> bool:
        """Whether everything in view is built and measured."""
        return not self._later.isActive() and not self._unmeasured()

    def rebuild(self, measure: int, margin: int) -> None:
        """Build all rows anew, for another look: of that width at most, with that space around them."""
        self._measure, self._margin = measure, margin
        self._built.keep_only(())
        self._settle()

    def set_entries(self, entries: list[Entry]) -> None:
        """Show these entries; widgets of those that are gone are let go."""
        kept = {id(entry) for entry in entries}
        anchor = self.position.anchor(kept)
        self._built.keep_only(kept)
        self._stack.show(entries)
        self._settle(anchor, ahead=False)

    def refresh(self, changed: Iterable[Entry]) -> None:
        """The rows of these entries have changed: show and measure them again."""
        for entry in changed:
            self._stack.unsettle(entry)
            if entry.widget is not None:
                entry.widget.set_row(entry.row)
        self._settle()

    def remeasure(self, widget: RowWidget) -> None:
        """That widget needs another height now."""
        if (entry := self._built.entry_of(widget)) is not None:
            self._stack.unsettle(entry)
        self._later.start()

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.position.set_following(True)
        self._settle()

    def show_entry(self, entry: Entry) -> None:
        """Bring the start of an entry into view; it is no longer the end that is followed."""
        self.position.set_following(False)
        self._settle((entry, -self._margin))

    def built(self, entry: Entry) -> RowWidget:
        """The entry's widget, made now where it has none."""
        widget = entry.widget or self._built.build(entry, self._stack, self.row_width)
        self._settle()
        return widget

    # ------------------------------------------------------------ events

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._content:
            return False  # QScrollArea would set its scroll bars after each change of ours
        return super().eventFilter(watched, event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        moved = super().focusNextPrevChild(forward)
        focused = QApplication.focusWidget()
        if moved and focused is not None and self._content.isAncestorOf(focused):
            top = focused.mapTo(self._content, focused.rect().topLeft()).y()
            self.position.bring_into_view(top, focused.height(), self._margin)
        return moved

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()

    # ------------------------------------------------------------ placing

    def _settle(self, anchor: Anchor | None = None, *, ahead: bool = True) -> None:
        """Place everything, build what is in view, and `ahead` what is near, for one slice; come back for the rest."""
        anchor = anchor or self.position.anchor()
        self._place(anchor)
        until = time.perf_counter() + SLICE_S
        for entry in self._unmeasured():
            if time.perf_counter() > until or not (ahead or self.position.sees(entry)):
                break
            self._built.build(entry, self._stack, self.row_width)
        self._place(anchor)
        self._built.let_go({id(entry) for entry in self.position.near(_KEPT)})
        if self._unmeasured():
            self._later.start()
        else:
            self._later.stop()
            self.settled.emit()

    def _place(self, anchor: Anchor | None) -> None:
        width = self.row_width
        view = self.viewport()
        height = max(self._stack.place(width, self._margin), view.height())
        self._content.resize(view.width(), height)
        self._content.move(0, -self.position.hold(anchor, height))
        self._built.arrange((view.width() - width) // 2, width)

    def _unmeasured(self) -> list[Entry]:
        """What has to be built or measured, what is in view first."""
        width = self.row_width
        wanted = [entry for entry in self.position.near(_AHEAD) if entry.widget is None or entry.measured_for != width]
        return sorted(wanted, key=lambda entry: not self.position.sees(entry))
