"""The person's own message: a soft bubble to the right, and the field in its place while it is edited."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from app.format import count
from app.ui.chat.look import BUBBLE_SHARE
from app.ui.chat.message_field import MessageField
from app.ui.chat.prose import TextRow
from app.ui.chat.row_widget import Ask, RowContext, RowWidget
from app.ui.chat.rows import Bubble, Editor, Row
from app.ui.widgets import Button

EDITOR_LINES = 12
_BELOW_EDITOR = 12
"""Space, in units, that the hidden actions of a question leave otherwise."""


class BubbleRow(TextRow):
    """A piece of the person's text; the corners are round where the message begins and ends."""

    def __init__(self, context: RowContext) -> None:
        super().__init__(context)
        look = context.look
        self._shown: Bubble | None = None
        self._text_width = 0
        self._unfold = Button(kind="link", parent=self)
        self._unfold.clicked.connect(lambda: self.ask(Ask.SHOW_WHOLE))
        self._unfold.hide()
        self._side = look.px(16)
        self._ends = look.px(10)
        self.view.setAccessibleName(self.tr("Your message"))

    def set_row(self, row: Row) -> None:
        if not isinstance(row, Bubble) or row == self._shown:
            return
        self._shown = row
        self.view.setPlainText(row.text)
        self.look.set_line_height(self.view.document())
        self._unfold.setVisible(row.hidden > 0)
        self._unfold.setText(self.tr("Show all {count} characters").format(count=count(row.hidden)))

    def height_for(self, width: int) -> int:
        row = self._shown or Bubble("")
        widest = round(width * BUBBLE_SHARE) - 2 * self._side
        text = self.view.height_at(widest)
        alone = row.first and row.last and not row.hidden
        self._text_width = min(widest, round(self.view.document().idealWidth()) + 1) if alone else widest
        return text + self._top() + self._bottom()

    def resizeEvent(self, event: QResizeEvent) -> None:
        left = self._left() + self._side
        height = self.height() - self._top() - self._bottom()
        self.view.setGeometry(left, self._top(), self.width() - left - self._side, height)
        self._unfold.adjustSize()
        self._unfold.move(left, self._top() + height)

    def paintEvent(self, event: QPaintEvent) -> None:
        row = self._shown or Bubble("")
        radius = self.look.px(12)
        above, below = (0 if row.first else radius), (0 if row.last else radius)
        path = QPainterPath()
        box = QRectF(self._left(), -above, self.width() - self._left(), self.height() + above + below)
        path.addRoundedRect(box, radius, radius)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillPath(path, self.look.theme.colour("accent_soft"))

    def _left(self) -> int:
        return self.width() - self._text_width - 2 * self._side

    def _top(self) -> int:
        return self._ends if self._shown is None or self._shown.first else 0

    def _bottom(self) -> int:
        unfold = self._unfold.sizeHint().height() if self._shown and self._shown.hidden else 0
        return unfold + (self._ends if self._shown is None or self._shown.last else 0)


class EditorRow(RowWidget):
    """The person's message as a field."""

    def __init__(self, context: RowContext) -> None:
        super().__init__(context)
        look = context.look
        self._filled = False
        card = QFrame()
        card.setObjectName("editor")
        self.field = MessageField()
        self.field.plain.setAccessibleName(self.tr("Edit your message"))
        self.field.submitted.connect(self._on_submitted)
        self.field.cancelled.connect(lambda: self.ask(Ask.CANCEL_EDIT))
        self.field.height_changed.connect(self.size_changed)
        cancel = Button(self.tr("Cancel"))
        cancel.clicked.connect(lambda: self.ask(Ask.CANCEL_EDIT))
        send = Button(self.tr("Send"), kind="primary")
        send.clicked.connect(self._on_submitted)
        buttons = QHBoxLayout()
        buttons.addStretch()
        buttons.addWidget(cancel)
        buttons.addWidget(send)
        inside = QVBoxLayout(card)
        inside.setContentsMargins(look.px(12), look.px(8), look.px(8), look.px(8))
        inside.addWidget(self.field)
        inside.addLayout(buttons)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, look.px(_BELOW_EDITOR))
        outside.addWidget(card)

    def set_row(self, row: Row) -> None:
        if isinstance(row, Editor) and not self._filled:
            self._filled = True
            self.field.set_text(row.text)

    def height_for(self, width: int) -> int:
        most = EDITOR_LINES * self.field.plain.fontMetrics().lineSpacing()
        return self.field.natural_height(most) + self.look.px(72 + _BELOW_EDITOR)

    def in_use(self) -> bool:
        return True

    def _on_submitted(self) -> None:
        text = self.field.text()
        if text:
            self.context.desk.edited.emit(self.context.message_id, text)
