"""The field a message is written in: Enter sends, input methods are let finish, and enormous pastes are put aside."""

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QFocusEvent, QInputMethodEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.format import count
from app.ui.chat.pictures import holds_pictures
from app.ui.theme import SMALL, theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import IconButton, Label, follow_theme

LONGEST_LINE = 4_000
"""Text with longer lines is kept beside the field: laying out such a line takes seconds."""
COUNTED_FROM = 4_000
"""Characters from which their number is shown."""


class PlainField(QPlainTextEdit):
    """The editable part."""

    submitted = Signal()
    cancelled = Signal()
    put_aside = Signal(str)
    """Text that is too long to be laid out was pasted."""
    recalled = Signal()
    """Up was pressed while nothing was written."""
    paged = Signal(int)
    """PageUp (-1) or PageDown (1) was pressed."""
    focus_changed = Signal()
    pictures_given = Signal(object)
    """Pictures were pasted or dropped: a `QMimeData`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._composing = False
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(0)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focus_changed.emit()

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, shifted = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if self._composing:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if shifted:
                self.textCursor().insertText("\n")
                self.ensureCursorVisible()
            else:
                self.submitted.emit()
        elif key == Qt.Key.Key_Escape:
            self.cancelled.emit()
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self.paged.emit(-1 if key == Qt.Key.Key_PageUp else 1)
        elif key == Qt.Key.Key_Up and self.document().isEmpty():
            self.recalled.emit()
        else:
            super().keyPressEvent(event)

    def insertFromMimeData(self, source: QMimeData) -> None:
        text = source.text()
        if holds_pictures(source):
            self.pictures_given.emit(source)
        elif is_unwieldy(text):
            self.put_aside.emit(text)
        elif text:
            self.textCursor().insertText(text)
            self.ensureCursorVisible()

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasText() or holds_pictures(source)


class MessageField(Retranslated, QWidget):
    """A `PlainField` and, above it, what was put aside."""

    submitted = Signal()
    cancelled = Signal()
    text_changed = Signal()
    height_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._aside = ""
        self.plain = PlainField()
        self.setFocusProxy(self.plain)
        self._aside_label = Label(scale=SMALL)
        self._remove = IconButton("x", "", size=24)
        self._aside_row = self._make_aside_row()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(self._aside_row, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addWidget(self.plain)
        self.plain.put_aside.connect(self._put_aside)
        self.plain.submitted.connect(self.submitted)
        self.plain.cancelled.connect(self.cancelled)
        self.plain.textChanged.connect(self.text_changed)
        self.plain.document().documentLayout().documentSizeChanged.connect(self.height_changed)
        self._remove.clicked.connect(lambda: self._put_aside(""))
        follow_theme(self._restyle)
        self._put_aside("")

    def retranslate(self) -> None:
        words = self.tr("Pasted text, {count} characters").format(count=count(len(self._aside)))
        self._aside_label.setText(words)
        self._remove.set_label(self.tr("Remove the pasted text"))

    def text(self) -> str:
        """What was written, then what was put aside."""
        return "\n\n".join(part for part in (self.plain.toPlainText().strip(), self._aside.strip()) if part)

    def set_text(self, text: str) -> None:
        unwieldy = is_unwieldy(text)
        self.plain.setPlainText("" if unwieldy else text)
        self.plain.moveCursor(self.plain.textCursor().MoveOperation.End)
        self._put_aside(text if unwieldy else "")

    def is_empty(self) -> bool:
        return self.plain.document().isEmpty() and not self._aside

    def characters(self) -> int:
        return max(self.plain.document().characterCount() - 1, 0) + len(self._aside)

    def natural_height(self, most: int) -> int:
        """The height that shows everything, at most so many pixels."""
        lines = max(round(self.plain.document().size().height()), 1)
        aside = self._aside_row.sizeHint().height() + self._column.spacing() if self._aside else 0
        return min(lines * self.plain.fontMetrics().lineSpacing() + aside + theme_of(self).px(4), most)

    def _put_aside(self, text: str) -> None:
        self._aside = text
        self.retranslate()
        self._aside_row.setVisible(bool(text))
        self.text_changed.emit()
        self.height_changed.emit()

    def _make_aside_row(self) -> QWidget:
        row = QFrame()
        row.setObjectName("aside")
        line = QHBoxLayout(row)
        line.addWidget(self._aside_label)
        line.addWidget(self._remove)
        return row

    def _restyle(self) -> None:
        theme = theme_of(self)
        self.plain.setFont(theme.text_font())
        self._column.setSpacing(theme.px(8))
        layout = self._aside_row.layout()
        if layout is not None:
            layout.setContentsMargins(theme.px(12), theme.px(2), theme.px(4), theme.px(2))
        look = f"background: {theme.colours.sunken}; border-radius: {theme.px(6)}px"
        self._aside_row.setStyleSheet(f"#aside {{ {look} }}")


def is_unwieldy(text: str) -> bool:
    """Whether a text has a line too long for a text field."""
    return len(text) > LONGEST_LINE and any(len(line) > LONGEST_LINE for line in text.split("\n"))
