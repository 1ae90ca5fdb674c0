"""A block of code: its language, Copy, and the code itself, appended to while it arrives, coloured once whole."""

import time
from collections.abc import Iterator

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import (
    QFocusEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTextBlock,
    QTextCursor,
    QTextLayout,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QLabel, QPlainTextEdit, QPushButton, QWidget

from app.ui.chat.highlight import Span, lexer_class, lexer_for, spans
from app.ui.chat.look import Look
from app.ui.chat.row_widget import READING, RowContext, RowWidget, TextView, caret_width
from app.ui.chat.rows import Row
from app.ui.chat.segments import Code
from app.ui.theme import SMALL

SLICE_S = 0.006
"""How long colours are worked out before the event loop has its turn."""
LEXER_MS = 100
"""Between the two steps of getting a lexer ready."""
BUDGET_S = 1.5
"""After so much time the rest of a block stays plain."""


class CodeView(QPlainTextEdit):
    """Code as high as its lines; only its width may scroll."""

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setAcceptDrops(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(READING)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setFont(look.theme.code_font())
        self.document().setDocumentMargin(0)
        self.viewport().setAutoFillBackground(False)
        self._narrow = True

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.setCursorWidth(caret_width(event))
        super().focusInEvent(event)

    def show_text(self, text: str) -> None:
        """Show the text; what is there already is kept where the text only grew."""
        shown = self.toPlainText()
        if text.startswith(shown):
            cursor = QTextCursor(self.document())
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.insertText(text[len(shown) :])
        else:
            self.setPlainText(text)
        self._narrow = text.isascii()

    def natural_height(self) -> int:
        """The height of all lines in pixels, and of the scroll bar where the lines are wider than the view.

        One pixel more, or Qt thinks that the last line does not fit.
        """
        bar = self.horizontalScrollBar()
        return self._lines_height() + 1 + (bar.sizeHint().height() if bar.maximum() > 0 else 0)

    def _lines_height(self) -> int:
        if self._narrow:  # fallback fonts make lines higher; plain ones need no measuring
            return self.blockCount() * round(self.blockBoundingRect(self.document().firstBlock()).height())
        return round(sum(self.blockBoundingRect(block).height() for block in _blocks(self.document().firstBlock())))

    def wheelEvent(self, event: QWheelEvent) -> None:
        if abs(event.angleDelta().x()) > abs(event.angleDelta().y()):
            super().wheelEvent(event)
        else:
            event.ignore()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)


class CodeRow(RowWidget):
    """The frame around the code, with its header."""

    def __init__(self, context: RowContext) -> None:
        super().__init__(context)
        look = context.look
        self._shown: Code | None = None
        self._colouring: Colouring | None = None
        self._language = QLabel(self)
        self._language.setProperty("role", "muted")
        self._language.setFont(look.theme.text_font(SMALL))
        self._copy = QPushButton(self.tr("Copy"), self)
        self._copy.setProperty("kind", "quiet")
        self._copy.setFont(look.theme.text_font(SMALL))
        self._copy.setAccessibleName(self.tr("Copy this code"))
        self._copy.setCursor(Qt.CursorShape.PointingHandCursor)
        self._copy.clicked.connect(self._on_copy)
        self._copied = QTimer(self, singleShot=True, interval=1_500)
        self._copied.timeout.connect(lambda: self._copy.setText(self.tr("Copy")))
        self.view = CodeView(look, self)
        self.view.setAccessibleName(self.tr("Code"))
        self.view.horizontalScrollBar().rangeChanged.connect(self.size_changed)
        self._header_height = look.px(36)
        self._space = look.px(12)

    def text_view(self) -> TextView:
        return self.view

    def set_row(self, row: Row) -> None:
        if not isinstance(row, Code) or row == self._shown:
            return
        before, self._shown = self._shown, row
        self._language.setText(row.language or self.tr("code"))
        self.view.show_text(row.text)
        if row.closed and (before is None or before.text != row.text or not before.closed):
            self._colouring = Colouring(self.view, row, self.look)
        elif not row.closed and before is None:
            self._prepare(row.language)

    def _prepare(self, language: str) -> None:
        """Get the lexer ready in two short steps, so that closing the block does not wait for both."""
        QTimer.singleShot(0, self, lambda: lexer_class(language))
        QTimer.singleShot(LEXER_MS, self, lambda: lexer_for(language))

    def height_for(self, width: int) -> int:
        inner = width - self._indent() - 2 * self._space
        if self.view.width() != inner:
            self.view.resize(inner, self.view.height())
        return self._header_height + self.view.natural_height() + self._space

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        left = self._indent()
        inner = self.width() - left - 2 * self._space
        copy = self._copy.sizeHint().width()
        self._language.setGeometry(left + self._space, 0, inner - copy, self._header_height)
        top = (self._header_height - self._copy.sizeHint().height()) // 2
        self._copy.setGeometry(self.width() - copy - self.look.px(4), top, copy, self._copy.sizeHint().height())
        body = self.height() - self._header_height - self._space
        self.view.setGeometry(left + self._space, self._header_height, inner, body)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(self.look.theme.colour("sunken"))
        painter.setPen(QPen(self.look.theme.colour("line"), 1))
        radius = self.look.px(8)
        painter.drawRoundedRect(self.rect().toRectF().adjusted(self._indent() + 0.5, 0.5, -0.5, -0.5), radius, radius)

    def _indent(self) -> int:
        return round(self._shown.indent * self.look.em * 0.55) if self._shown else 0

    def _on_copy(self) -> None:
        if self._shown is not None:
            self.context.desk.copied.emit(self._shown.text)
            self._copy.setText(self.tr("Copied"))
            self._copied.start()


class Colouring:
    """Colours a block once, in slices between which the event loop runs."""

    def __init__(self, view: CodeView, code: Code, look: Look) -> None:
        self._view = view
        self._formats = look.code_formats
        self._language = code.language
        self._spans = spans(code.text, code.language)
        self._prepared = False
        self._left_s = BUDGET_S
        self._timer = QTimer(view, interval=0)
        self._timer.timeout.connect(self._step)
        self._timer.start()

    def _step(self) -> None:
        if not self._prepared:
            self._prepared = True
            lexer_class(self._language)  # a turn of its own: its rules are compiled in the next
            return
        began = time.perf_counter()
        found: list[Span] = []
        for span in self._spans:
            found.append(span)
            if time.perf_counter() - began > SLICE_S:
                break
        else:
            self._left_s = 0
        self._paint(found)
        self._left_s -= time.perf_counter() - began
        if self._left_s <= 0:
            self._timer.stop()

    def _paint(self, found: list[Span]) -> None:
        document = self._view.document()
        ranges: dict[int, list[QTextLayout.FormatRange]] = {}
        for span in found:
            for block, start, length in _within_blocks(document.findBlock(span.start), span):
                ranges.setdefault(block.blockNumber(), []).append(self._range(start, length, span))
        for number, added in ranges.items():
            layout = document.findBlockByNumber(number).layout()
            layout.setFormats([*layout.formats(), *added])
        if found:
            start = found[0].start
            document.markContentsDirty(start, found[-1].start + found[-1].length - start)

    def _range(self, start: int, length: int, span: Span) -> QTextLayout.FormatRange:
        made = QTextLayout.FormatRange()
        made.start = start
        made.length = length
        made.format = self._formats[span.kind]
        return made


def _within_blocks(block: QTextBlock, span: Span) -> Iterator[tuple[QTextBlock, int, int]]:
    """The parts of a span by line: (line, start within it, length)."""
    end = span.start + span.length
    while block.isValid() and block.position() < end:
        start = max(span.start - block.position(), 0)
        yield block, start, min(end - block.position(), block.length() - 1) - start
        block = block.next()


def _blocks(block: QTextBlock) -> Iterator[QTextBlock]:
    while block.isValid():
        yield block
        block = block.next()
