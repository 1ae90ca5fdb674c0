"""The conversation as it is read: messages in a column, brought up to date row by row."""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from app.protocol import Message, Role
from app.ui.chat.bubble import BubbleRow, EditorRow
from app.ui.chat.code_block import CodeRow
from app.ui.chat.column import Column
from app.ui.chat.footer import FooterRow
from app.ui.chat.gallery import GalleryRow
from app.ui.chat.look import Look
from app.ui.chat.prose import ProseRow, ThoughtRow
from app.ui.chat.row_widget import Desk, RowContext, RowWidget
from app.ui.chat.rows import (
    Bubble,
    Editor,
    Footer,
    Gallery,
    LeftOut,
    Note,
    Problem,
    Row,
    Thinking,
    Thought,
    ToolCard,
    Unfolding,
    Waiting,
    rows_of,
)
from app.ui.chat.segments import Code, Prose, Splitter
from app.ui.chat.selection import MessageSelection
from app.ui.chat.stack import Entry
from app.ui.chat.status_rows import LeftOutRow, NoteRow, ProblemRow, ThinkingRow, WaitingRow
from app.ui.chat.tool_card import ToolCardRow
from app.ui.widgets import IconButton

_WIDGETS: dict[type[Row], Callable[[RowContext], RowWidget]] = {
    Bubble: BubbleRow, Editor: EditorRow, Thinking: ThinkingRow, Thought: ThoughtRow, Prose: ProseRow, Code: CodeRow,
    Waiting: WaitingRow, Note: NoteRow, Problem: ProblemRow, Footer: FooterRow, LeftOut: LeftOutRow,
    Gallery: GalleryRow, ToolCard: ToolCardRow,
}  # fmt: skip
_BETWEEN_MESSAGES, _BEFORE_ANSWER, _BETWEEN_ROWS, _BEFORE_FOOTER = 24, 4, 10, 4
"""Gaps in units of the grid. Under a question its hidden actions keep a place of their own."""


class Transcript(QWidget):
    """Shows messages. What is asked of them comes out of `desk`."""

    older_wanted = Signal()

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.look = look
        self.desk = Desk(self)
        self._groups: dict[int, list[Entry]] = {}
        self._shown: dict[int, tuple[Message, Unfolding]] = {}
        self._splitters: dict[int, Splitter] = {}
        self._revealed: int | None = None
        self.column = Column(self._make, self)
        self.column.position.older_wanted.connect(self.older_wanted)
        self.column.position.following_changed.connect(self._place_jump)
        self.column.settled.connect(self._on_settled)
        line = QVBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.column)
        self.selection = MessageSelection(lambda message_id: self._groups.get(message_id, []), self)
        self.selection.dragged_to.connect(self._on_dragged)
        self._jump = IconButton("arrow-down", self.tr("Jump to the newest"), self, colour="text", size=36)
        self._jump.setObjectName("jump")
        self._jump.clicked.connect(self.column.follow)
        self.column.left.connect(lambda: self._reveal_actions(None))
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._on_focus_changed)
        self.set_look(look)

    @property
    def message_ids(self) -> list[int]:
        return list(self._groups)

    def rows(self, message_id: int) -> list[Row]:
        return [entry.row for entry in self._groups.get(message_id, [])]

    def widgets(self, message_id: int) -> list[RowWidget]:
        """The row widgets of a message that exist now."""
        return [entry.widget for entry in self._groups.get(message_id, []) if entry.widget is not None]

    def set_look(self, look: Look) -> None:
        """Show everything in another look, or in another language."""
        self.look = look
        colours = look.theme.colours
        self._jump.set_label(self.tr("Jump to the newest"))
        self._jump.setStyleSheet(
            f"#jump {{ background: {colours.surface}; border: 1px solid {colours.line};"
            f" border-radius: {look.px(18)}px }} #jump:hover {{ background: {colours.accent_soft} }}"
        )
        self.column.rebuild(look.measure, look.px(24))

    def set_messages(self, messages: Iterable[tuple[Message, Unfolding]], *, follow: bool = False) -> None:
        """Show these messages and no others; rows that stay the same are not touched."""
        wanted = {message.id: (message, unfolding) for message, unfolding in messages}
        groups: dict[int, list[Entry]] = {}
        changed: list[Entry] = []
        for message_id, shown in wanted.items():
            known = self._shown.get(message_id)
            if known is not None and known[0] is shown[0] and known[1] == shown[1]:
                groups[message_id] = self._groups[message_id]
            else:
                groups[message_id], touched = self._matched(*shown)
                changed += touched
        self._groups, self._shown = groups, wanted
        self._splitters = {key: value for key, value in self._splitters.items() if key in wanted}
        if follow:
            self.column.follow()
        self._apply(changed)

    def show_message(self, message: Message, unfolding: Unfolding) -> None:
        """Bring one message up to date, or add it at the end."""
        if self._shown.get(message.id) == (message, unfolding):
            return
        self._shown[message.id] = (message, unfolding)
        before = self._groups.get(message.id)
        self._groups[message.id], changed = self._matched(message, unfolding)
        if before is not None and [*map(id, before)] == [*map(id, self._groups[message.id])]:
            self.column.refresh(changed)
        else:
            self._apply(changed)

    def reveal_message(self, message_id: int) -> None:
        """Scroll to the start of a message."""
        if group := self._groups.get(message_id):
            self.column.show_entry(group[0])

    def focus_message(self, message_id: int) -> None:
        """Give the keyboard to a message: to its field while it is edited, else to its text."""
        for entry in self._groups.get(message_id, []):
            widget = self.column.built(entry)
            target = widget.field if isinstance(widget, EditorRow) else widget.text_view()
            if target is not None:
                target.setFocus(Qt.FocusReason.OtherFocusReason)
                return

    # ------------------------------------------------------------ rows

    def _matched(self, message: Message, unfolding: Unfolding) -> tuple[list[Entry], list[Entry]]:
        """The entries for a message, kept where the kind of row is the same, and those of them that changed."""
        old = self._groups.get(message.id, [])
        entries, changed = [], []
        before: Row | None = None
        splitter = self._splitters.setdefault(message.id, Splitter())
        for number, row in enumerate(rows_of(message, unfolding, splitter)):
            entry = old[number] if number < len(old) and type(old[number].row) is type(row) else None
            if entry is None:
                entry = Entry(message.id, row)
            elif entry.row != row:
                entry.row = row
                changed.append(entry)
            entry.gap = self._gap(before, row, message)
            entries.append(entry)
            before = row
        return entries, changed

    def _gap(self, before: Row | None, row: Row, message: Message) -> int:
        if before is None:
            return self.look.px(_BEFORE_ANSWER if message.role is Role.ASSISTANT else _BETWEEN_MESSAGES)
        if isinstance(row, Footer):
            return self.look.px(_BEFORE_FOOTER)
        if isinstance(row, Bubble | Thought) or (isinstance(row, Prose) and row.continues):
            return 0
        return self.look.px(_BETWEEN_ROWS)

    def _apply(self, changed: list[Entry]) -> None:
        self.column.set_entries([entry for group in self._groups.values() for entry in group])
        if changed:
            self.column.refresh(changed)

    def _make(self, entry: Entry) -> RowWidget:
        widget = _WIDGETS[type(entry.row)](RowContext(entry.message_id, self.look, self.desk))
        widget.entered.connect(self._reveal_actions)
        widget.size_changed.connect(lambda: self.column.remeasure(widget))
        if entry.message_id == self._revealed:
            widget.reveal(True)
        entry.widget = widget
        self.selection.watch(entry)
        return widget

    def _on_settled(self) -> None:
        """Keep the tab order that of the text, and one stop for each message's text."""
        last: QWidget | None = None
        seen: set[int] = set()
        for widget in self.column.widgets:
            if view := widget.text_view():
                first = widget.context.message_id not in seen
                view.setFocusPolicy(Qt.FocusPolicy.StrongFocus if first else Qt.FocusPolicy.ClickFocus)
                seen.add(widget.context.message_id)
            for stop in _stops(widget):
                if last is not None:
                    QWidget.setTabOrder(last, stop)
                last = stop
        self._place_jump()

    # ------------------------------------------------------------ pointer, focus, jump

    def _on_focus_changed(self, before: QWidget | None, now: QWidget | None) -> None:
        """The message that holds the focus shows its actions."""
        if self._message_at(before) != self._message_at(now):
            self._reveal_actions(self._message_at(now))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_jump()

    def _message_at(self, widget: QWidget | None) -> int | None:
        while widget is not None and widget is not self:
            if isinstance(widget, RowWidget):
                return widget.context.message_id
            widget = widget.parentWidget()
        return None

    def _reveal_actions(self, message_id: int | None) -> None:
        focused = self._message_at(QApplication.focusWidget())
        if message_id == self._revealed:
            return
        before, self._revealed = self._revealed, message_id
        for known in {before, message_id, focused} - {None}:
            for widget in self.widgets(known or 0):
                widget.reveal(known in (message_id, focused))

    def _on_dragged(self, place: QPoint) -> None:
        y = self.column.viewport().mapFromGlobal(place).y()
        beyond = y if y < 0 else max(y - self.column.viewport().height(), 0)
        if beyond:
            bar = self.column.verticalScrollBar()
            bar.setValue(bar.value() + max(min(beyond, 40), -40))

    def _place_jump(self) -> None:
        bar = self.column.verticalScrollBar()
        self._jump.setVisible(not self.column.position.following and bar.maximum() > 0)
        self._jump.move(
            (self.width() - self._jump.width()) // 2, self.height() - self._jump.height() - self.look.px(12)
        )
        self._jump.raise_()


def _stops(widget: RowWidget) -> list[QWidget]:
    """What the Tab key visits in a row, in order."""
    inside = [child for child in widget.findChildren(QWidget) if child.focusPolicy() & Qt.FocusPolicy.TabFocus]
    return [child for child in inside if child.parentWidget() is not None]
