"""What all rows of the transcript have in common: they show a row, know their height, and say what the reader asks."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QTextCursor
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QTextBrowser, QWidget

from app.protocol import ErrorInfo
from app.ui.chat.look import Look
from app.ui.chat.pictures import Pictures
from app.ui.chat.rows import Row

TextView = QTextBrowser | QPlainTextEdit
READING = (
    Qt.TextInteractionFlag.TextSelectableByMouse
    | Qt.TextInteractionFlag.TextSelectableByKeyboard
    | Qt.TextInteractionFlag.LinksAccessibleByMouse
    | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
)
_POINTING = (Qt.FocusReason.MouseFocusReason, Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason)


class Ask(Enum):
    """What a reader can ask of a message."""

    COPY = "copy"
    EDIT = "edit"
    CANCEL_EDIT = "cancel_edit"
    REGENERATE = "regenerate"
    DELETE = "delete"
    PREVIOUS_VERSION = "previous_version"
    NEXT_VERSION = "next_version"
    FOLD_THINKING = "fold_thinking"
    SHOW_WHOLE = "show_whole"
    NEW_CONVERSATION = "new_conversation"
    LONGER_CONTEXT = "longer_context"
    """Load the model with room for the prompt, and write the answer again."""
    CONTINUE = "continue"
    CONTINUE_WITHOUT_OLDEST = "continue_without_oldest"
    """Leave out the oldest from now on, and go on."""
    ALLOW_TOOL = "allow_tool"
    ALWAYS_ALLOW_TOOL = "always_allow_tool"
    REFUSE_TOOL = "refuse_tool"
    FOLD_RESULT = "fold_result"


class Desk(QObject):
    """Where the rows hand in what was asked of them."""

    asked = Signal(object, int)
    """An `Ask` and the message's id."""
    tool_asked = Signal(object, int, str)
    """An `Ask` about one tool call: the message's id and the call's."""
    edited = Signal(int, str)
    """Send this text as a new version of that message."""
    link_clicked = Signal(str)
    copied = Signal(str)
    """Text that was asked to be put on the clipboard by a part of a message."""
    pictures: Pictures | None = None
    """Where the pictures of messages come from."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.longer_context: Callable[[ErrorInfo], int | None] = lambda _error: None
        """Tokens that the model could be loaded with after this error; None where that would not help."""


@dataclass(frozen=True)
class RowContext:
    """What a row is built with."""

    message_id: int
    look: Look
    desk: Desk


class RowWidget(QWidget):
    """One row. Subclasses show one type of row."""

    size_changed = Signal()
    """Its height is another now."""
    entered = Signal(int)
    """The pointer has come to this row, of that message."""

    def __init__(self, context: RowContext) -> None:
        super().__init__()
        self.context = context
        self.look = context.look

    def ask(self, ask: Ask) -> None:
        self.context.desk.asked.emit(ask, self.context.message_id)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.entered.emit(self.context.message_id)

    def set_row(self, row: Row) -> None:
        """Show this row, touching only what differs from the one shown before."""
        raise NotImplementedError

    def height_for(self, width: int) -> int:
        """Its height in pixels at that width."""
        layout = self.layout()
        if layout is not None and layout.hasHeightForWidth():
            return layout.totalHeightForWidth(width)
        return self.sizeHint().height()

    def text_view(self) -> TextView | None:
        """The selectable text within, if there is any."""
        return None

    def reveal(self, revealed: bool) -> None:
        """The message is under the pointer or holds the focus, or no longer."""

    def in_use(self) -> bool:
        """Whether it must not be let go: it holds the focus or a selection."""
        view = self.text_view()
        if view is not None and view.textCursor().hasSelection():
            return True
        focused = QApplication.focusWidget()
        return focused is not None and (focused is self or self.isAncestorOf(focused))


def caret_width(event: QFocusEvent) -> int:
    """A caret for those who came by keyboard; a reader with a pointer is shown none."""
    return 0 if event.reason() in _POINTING else 1


def selected_text(view: TextView) -> str:
    """The selected text of a view, with plain line breaks."""
    return view.textCursor().selection().toPlainText()


def clear_selection(view: TextView) -> None:
    cursor = view.textCursor()
    if cursor.hasSelection():
        cursor.clearSelection()
        view.setTextCursor(cursor)


def keep_selection(view: TextView, anchor: int, position: int) -> None:
    """Select again what was selected before the text was set anew; positions beyond its end are brought back to it."""
    end = max(view.document().characterCount() - 1, 0)
    cursor = QTextCursor(view.document())
    cursor.setPosition(min(anchor, end))
    cursor.setPosition(min(position, end), QTextCursor.MoveMode.KeepAnchor)
    view.setTextCursor(cursor)
