"""Selecting text across the rows of one message, by mouse and by keyboard, as if they were one text."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QMouseEvent, QTextCursor

from app.ui.chat.row_widget import TextView, clear_selection, selected_text
from app.ui.chat.stack import Entry

_EXTENDING = {Qt.Key.Key_Down: 1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_Left: -1}
_BREAKS = "\n\n"


class MessageSelection(QObject):
    """Watches the text views of the transcript. One message at a time holds the selection."""

    dragged_to = Signal(QPoint)
    """The pointer is there (global) while text is being selected: the transcript may have to scroll."""

    def __init__(self, entries_of: Callable[[int], list[Entry]], parent: QObject) -> None:
        super().__init__(parent)
        self._entries_of = entries_of
        self._message_id: int | None = None
        self._origin: TextView | None = None
        self._whole = False
        """Whether all of the message is selected, also what has no widget."""

    def watch(self, entry: Entry) -> None:
        """Take part in the selecting of this row's text."""
        view = entry.widget.text_view() if entry.widget else None
        if view is not None:
            for watched in (view, view.viewport()):
                watched.setProperty("message", entry.message_id)
                watched.installEventFilter(self)
            view.destroyed.connect(self._on_destroyed)

    def text(self) -> str:
        """All that is selected; rows between that have no widget count as wholly selected."""
        if self._message_id is None:
            return ""
        entries = [entry for entry in self._entries_of(self._message_id) if hasattr(entry.row, "text")]
        chosen = [i for i, entry in enumerate(entries) if (view := _view(entry)) and view.textCursor().hasSelection()]
        if not chosen:
            return ""
        between = entries if self._whole else entries[chosen[0] : chosen[-1] + 1]
        return _BREAKS.join(
            selected_text(view) if (view := _view(entry)) else getattr(entry.row, "text", "") for entry in between
        )

    def select_message(self, message_id: int) -> None:
        """Select the whole message."""
        self._begin(message_id)
        self._whole = True
        for view in self._views():
            view.selectAll()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        message_id = watched.property("message")
        if message_id is None:
            return False
        kind = event.type()
        if isinstance(event, QMouseEvent) and event.button() is Qt.MouseButton.LeftButton:
            if kind is QEvent.Type.MouseButtonPress:
                self._begin(message_id)
                self._origin = self._view_of(watched)
            elif kind is QEvent.Type.MouseButtonRelease:
                self._origin = None
        elif isinstance(event, QMouseEvent) and kind is QEvent.Type.MouseMove and self._origin is not None:
            return self._drag(self._origin, event.globalPosition().toPoint())
        elif isinstance(event, QKeyEvent) and kind is QEvent.Type.KeyPress:
            return self._key(message_id, self._view_of(watched), event)
        elif kind is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _ours(event):
            event.accept()
        return False

    def _key(self, message_id: int, view: TextView | None, event: QKeyEvent) -> bool:
        if event.matches(QKeySequence.StandardKey.SelectAll):
            self.select_message(message_id)
            return True
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.text())
            return True
        step = _EXTENDING.get(Qt.Key(event.key()), 0)
        if view is not None and step and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            return self._extend(view, step)
        return False

    def _extend(self, view: TextView, step: int) -> bool:
        """Carry a selection made by keyboard into the next view; False leaves the key to this one."""
        cursor = view.textCursor()
        probe = QTextCursor(cursor)
        moved = probe.movePosition(QTextCursor.MoveOperation.Right if step > 0 else QTextCursor.MoveOperation.Left)
        views = self._views()
        if moved or view not in views:
            return False
        place = views.index(view) + step
        if not 0 <= place < len(views):
            return False
        following = views[place]
        edge = QTextCursor(following.document())
        edge.movePosition(QTextCursor.MoveOperation.Start if step > 0 else QTextCursor.MoveOperation.End)
        following.setTextCursor(edge)
        following.setFocus(Qt.FocusReason.TabFocusReason)
        return True

    def _begin(self, message_id: int) -> None:
        for view in self._views():
            clear_selection(view)
        self._message_id = message_id
        self._whole = False

    def _drag(self, origin: TextView, place: QPoint) -> bool:
        """Select from where the drag began to the pointer, through all views between; False within the first view."""
        self.dragged_to.emit(place)
        views = self._views()
        target = next((view for view in views if _covers(view, place)), None) or _nearest(views, place)
        if origin not in views or target is None:
            return False
        first, last = views.index(origin), views.index(target)
        for number, view in enumerate(views):
            if not min(first, last) <= number <= max(first, last):
                clear_selection(view)
            elif number not in (first, last):
                view.selectAll()
        if target is origin:
            return False
        _select_to_edge(origin, forward=last > first)
        _select_from_edge(target, place, forward=last > first)
        return True

    def _views(self) -> list[TextView]:
        if self._message_id is None:
            return []
        return [view for entry in self._entries_of(self._message_id) if (view := _view(entry)) is not None]

    def _view_of(self, watched: QObject) -> TextView | None:
        return next((view for view in self._views() if watched in (view, view.viewport())), None)

    def _on_destroyed(self) -> None:
        self._origin = None


def _ours(event: QKeyEvent) -> bool:
    return event.matches(QKeySequence.StandardKey.Copy) or event.matches(QKeySequence.StandardKey.SelectAll)


def _view(entry: Entry) -> TextView | None:
    return entry.widget.text_view() if entry.widget else None


def _covers(view: TextView, place: QPoint) -> bool:
    local = view.mapFromGlobal(place)
    return 0 <= local.y() < view.height()


def _nearest(views: list[TextView], place: QPoint) -> TextView | None:
    return min(views, key=lambda view: abs(view.mapFromGlobal(place).y() - view.height() / 2), default=None)


def _select_to_edge(view: TextView, forward: bool) -> None:
    cursor = view.textCursor()
    cursor.setPosition(cursor.anchor())
    edge = QTextCursor.MoveOperation.End if forward else QTextCursor.MoveOperation.Start
    cursor.movePosition(edge, QTextCursor.MoveMode.KeepAnchor)
    view.setTextCursor(cursor)


def _select_from_edge(view: TextView, place: QPoint, forward: bool) -> None:
    cursor = QTextCursor(view.document())
    cursor.movePosition(QTextCursor.MoveOperation.Start if forward else QTextCursor.MoveOperation.End)
    inside = view.viewport().mapFromGlobal(place)
    cursor.setPosition(view.cursorForPosition(inside).position(), QTextCursor.MoveMode.KeepAnchor)
    view.setTextCursor(cursor)
