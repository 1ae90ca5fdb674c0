"""Rich and plain text of the conversation: read-only, selectable, as high as its text, deaf to the world outside."""

import math
from typing import Any

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QResizeEvent, QTextOption, QWheelEvent
from PySide6.QtWidgets import QFrame, QMenu, QTextBrowser, QWidget

from app.ui.chat.row_widget import READING, Ask, RowContext, RowWidget, TextView, caret_width, keep_selection
from app.ui.chat.rows import Row, Thought
from app.ui.chat.segments import Prose
from app.ui.theme import SMALL


class ReadingView(QTextBrowser):
    """Text as high as its content. It scrolls nothing, opens nothing and loads nothing."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setOpenLinks(False)
        self.setOpenExternalLinks(False)
        self.setUndoRedoEnabled(False)
        self.setAcceptDrops(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.document().setDocumentMargin(0)
        self.document().setIndentWidth(self.fontMetrics().height() * 1.4)
        self.viewport().setAutoFillBackground(False)
        self.setTextInteractionFlags(READING)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.setCursorWidth(caret_width(event))
        super().focusInEvent(event)

    def height_at(self, width: int) -> int:
        """The height of its text in pixels, laid out at that width."""
        if self.width() != width:
            self.resize(width, self.height())
        if self.document().textWidth() != width:
            self.document().setTextWidth(width)
        return math.ceil(self.document().size().height())

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        return None

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Links, copying and selecting are ours; moving belongs to the transcript."""
        selecting = bool(event.modifiers() & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier))
        if selecting or event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
        else:
            event.ignore()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.ignore()


class TextRow(RowWidget):
    """A row that is one piece of text."""

    def __init__(self, context: RowContext) -> None:
        super().__init__(context)
        self.view = ReadingView(self)
        self.view.setFont(context.look.theme.text_font())
        self.view.anchorClicked.connect(lambda url: context.desk.link_clicked.emit(url.toString()))
        self.indent = 0

    def text_view(self) -> TextView:
        return self.view

    def height_for(self, width: int) -> int:
        return self.view.height_at(width - self.indent)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.view.setGeometry(self.indent, 0, self.width() - self.indent, self.height())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        copy = menu.addAction(self.tr("Copy selection"), self.view.copy)
        copy.setEnabled(self.view.textCursor().hasSelection())
        menu.addAction(self.tr("Copy message"), lambda: self.ask(Ask.COPY))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())


class ProseRow(TextRow):
    """A stretch of an answer's Markdown."""

    def __init__(self, context: RowContext) -> None:
        super().__init__(context)
        self._shown: Prose | None = None
        self.view.setAccessibleName(self.tr("Answer"))

    def set_row(self, row: Row) -> None:
        if not isinstance(row, Prose) or row == self._shown:
            return
        self._shown = row
        self.indent = round(row.indent * self.look.em * 0.55)
        cursor = self.view.textCursor()
        anchor, position = cursor.anchor(), cursor.position()
        self.view.setHtml(self.look.markdown.html(row.text))
        if anchor != position:
            keep_selection(self.view, anchor, position)


class ThoughtRow(TextRow):
    """A stretch of what the model thought before it answered: small and muted."""

    def __init__(self, context: RowContext) -> None:
        super().__init__(context)
        look = context.look
        self.indent = look.px(24)
        self.view.setFont(look.theme.text_font(SMALL))
        self.view.setStyleSheet(f"color: {look.theme.colours.muted}")
        self.view.setAccessibleName(self.tr("Thinking"))

    def set_row(self, row: Row) -> None:
        if isinstance(row, Thought) and row.text != self.view.toPlainText():
            self.view.setPlainText(row.text)
            self.look.set_line_height(self.view.document())
