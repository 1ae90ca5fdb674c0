"""How the rows of the sidebar's lists are drawn."""

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.protocol import Conversation, SearchHit
from app.ui.icons import paint_icon
from app.ui.sidebar.conversation_model import ROW
from app.ui.sidebar.groups import Heading
from app.ui.theme import SMALL, Theme, theme_of

Index = QModelIndex | QPersistentModelIndex
_ROW, _HEADING, _HIT = 32, 32, 52
_LEFT = 12


class RowDelegate(QStyledItemDelegate):
    """Draws headings, conversations and search hits on the 4-unit grid; edits titles in place."""

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        row = index.data(ROW)
        units = _ROW
        if isinstance(row, Heading):
            units = _HEADING
        elif isinstance(row, SearchHit) and row.message_id is not None:
            units = _HIT
        return QSize(0, theme_of(self._view).px(units))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme, row = theme_of(self._view), index.data(ROW)
        rect: QRect = option.rect
        painter.save()
        if isinstance(row, Heading):
            _paint_heading(painter, theme, rect, row)
        else:
            self._paint_ground(painter, theme, option, rect)
            if isinstance(row, SearchHit):
                _paint_hit(painter, theme, rect, row, str(index.data()))
            elif isinstance(row, Conversation):
                _paint_conversation(painter, theme, rect, row, str(index.data()))
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QLineEdit(parent)
        editor.setMaxLength(200)
        editor.setAccessibleName(self.tr("Title"))
        return editor

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        if isinstance(editor, QLineEdit):
            editor.setText(str(index.data(Qt.ItemDataRole.EditRole)))
            editor.selectAll()

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        if isinstance(editor, QLineEdit):
            model.setData(index, editor.text())

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        editor.setGeometry(option.rect)

    def _paint_ground(self, painter: QPainter, theme: Theme, option: QStyleOptionViewItem, rect: QRect) -> None:
        state = option.state
        selected = bool(state & QStyle.StateFlag.State_Selected)
        focused = bool(state & QStyle.StateFlag.State_HasFocus) and self._view.hasFocus()
        if not selected and not focused and not state & QStyle.StateFlag.State_MouseOver:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.colour("accent") if focused else Qt.PenStyle.NoPen)
        ground = theme.colour("accent_soft" if selected else "line")
        if not selected:
            ground.setAlphaF(0.5)
        painter.setBrush(ground)
        painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 1.5, -0.5, -1.5), theme.px(6), theme.px(6))


def _paint_heading(painter: QPainter, theme: Theme, rect: QRect, heading: Heading) -> None:
    painter.setFont(theme.text_font(SMALL))
    painter.setPen(theme.colour("muted"))
    inside = rect.adjusted(theme.px(_LEFT), theme.px(8), -theme.px(8), 0)
    if heading.folder:
        size = theme.px(14)
        paint_icon(
            painter, "folder", theme.colour("muted"), QRect(inside.left(), inside.center().y() - size // 2, size, size)
        )
        inside.setLeft(inside.left() + theme.px(20))
    _draw_line(painter, inside, heading.text)


def _paint_conversation(painter: QPainter, theme: Theme, rect: QRect, conversation: Conversation, title: str) -> None:
    painter.setFont(theme.text_font())
    painter.setPen(theme.colour("text" if conversation.title else "muted"))
    inside = rect.adjusted(theme.px(_LEFT), 0, -theme.px(8), 0)
    if conversation.pinned:
        size = theme.px(14)
        place = QRect(inside.right() - size, inside.center().y() - size // 2 + 1, size, size)
        paint_icon(painter, "pin", theme.colour("muted"), place)
        inside.setRight(place.left() - theme.px(4))
    _draw_line(painter, inside, title)


def _paint_hit(painter: QPainter, theme: Theme, rect: QRect, hit: SearchHit, title: str) -> None:
    inside = rect.adjusted(theme.px(_LEFT), theme.px(6), -theme.px(8), -theme.px(6))
    painter.setFont(theme.text_font())
    painter.setPen(theme.colour("text"))
    if hit.message_id is None:
        _draw_line(painter, inside, title)
        return
    upper, lower = QRect(inside), QRect(inside)
    upper.setBottom(inside.center().y())
    lower.setTop(inside.center().y() + 1)
    _draw_line(painter, upper, title)
    painter.setFont(theme.text_font(SMALL))
    _draw_snippet(painter, theme, lower, hit)


def _draw_line(painter: QPainter, rect: QRect, text: str) -> None:
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
    painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)


def _draw_snippet(painter: QPainter, theme: Theme, rect: QRect, hit: SearchHit) -> None:
    """The snippet on one line, what matched in the accent colour, beginning near the first match."""
    metrics = QFontMetrics(painter.font())
    left = rect.left()
    for text, marked in snippet_parts(hit, keep_before=12):
        width = metrics.horizontalAdvance(text)
        space = rect.right() - left
        if space <= 0:
            return
        painter.setPen(theme.colour("accent" if marked else "muted"))
        shown = text if width <= space else metrics.elidedText(text, Qt.TextElideMode.ElideRight, space)
        painter.drawText(QRect(left, rect.top(), space, rect.height()), Qt.AlignmentFlag.AlignVCenter, shown)
        left += width


def snippet_parts(hit: SearchHit, keep_before: int) -> list[tuple[str, bool]]:
    """The snippet cut at its marks as (text, marked); at most `keep_before` characters precede the first mark."""
    text, marks = hit.snippet, hit.marks
    at = max(0, marks[0][0] - keep_before) if marks else 0
    parts = [("…", False)] if at > 0 else []
    for start, end in marks:
        parts += [(text[at:start], False), (text[start:end], True)]
        at = end
    parts.append((text[at:], False))
    return [(part.replace("\n", " "), marked) for part, marked in parts if part]
