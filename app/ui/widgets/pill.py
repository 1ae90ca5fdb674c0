"""Small rounded things: the pill that opens a menu, and the badge that says one word."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.ui.icons import paint_icon
from app.ui.theme import SMALL, Theme, theme_of
from app.ui.widgets.themed import follow_theme

_PADDING, _HEIGHT, _ARROW = 12, 32, 14


class Pill(QAbstractButton):
    """A quiet rounded button; `progress` (0 to 1) fills it softly from the left, `opens_menu` shows an arrow."""

    def __init__(self, text: str = "", parent: QWidget | None = None, *, opens_menu: bool = False) -> None:
        super().__init__(parent)
        self._opens_menu = opens_menu
        self._progress: float | None = None
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.set_text(text)
        follow_theme(self._restyle)

    def set_text(self, text: str) -> None:
        self.setText(text)
        if not self.accessibleName():
            self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def set_progress(self, progress: float | None) -> None:
        self._progress = progress
        self.update()

    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        width = self.fontMetrics().horizontalAdvance(self.text()) + 2 * theme.px(_PADDING)
        return QSize(width + (theme.px(_ARROW + 4) if self._opens_menu else 0), theme.px(_HEIGHT))

    def minimumSizeHint(self) -> QSize:
        theme = theme_of(self)
        return QSize(theme.px(4 * _PADDING), theme.px(_HEIGHT))

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_frame(painter, theme)
        painter.setPen(theme.colour("text" if self.underMouse() or self.isDown() else "muted"))
        inside = self.rect().adjusted(theme.px(_PADDING), 0, -theme.px(_PADDING), 0)
        if self._opens_menu:
            size = theme.px(_ARROW)
            arrow = inside.adjusted(inside.width() - size, 0, 0, 0)
            arrow.setTop(inside.center().y() - size // 2 + 1)
            arrow.setHeight(size)
            paint_icon(painter, "chevron-down", theme.colour("muted"), arrow)
            inside.setRight(arrow.left() - theme.px(4))
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, inside.width())
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)

    def _paint_frame(self, painter: QPainter, theme: Theme) -> None:
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        radius = frame.height() / 2
        painter.setPen(theme.colour("line"))
        painter.setBrush(theme.colour("accent_soft" if self.underMouse() else "canvas"))
        painter.drawRoundedRect(frame, radius, radius)
        if self._progress is not None:
            painter.save()
            painter.setClipRect(QRectF(frame.left(), frame.top(), frame.width() * self._progress, frame.height()))
            painter.setBrush(theme.colour("accent_soft"))
            painter.drawRoundedRect(frame, radius, radius)
            painter.restore()

    def _restyle(self) -> None:
        self.setFont(theme_of(self).text_font())
        self.updateGeometry()
        self.update()


class Badge(QWidget):
    """One word on a soft ground, in a tone that is a colour's name: muted, accent, good, warn, bad."""

    def __init__(self, text: str = "", tone: str = "muted", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text, self._tone = text, tone
        follow_theme(self._restyle)

    def set_text(self, text: str, tone: str | None = None) -> None:
        self._text, self._tone = text, tone or self._tone
        self.setAccessibleName(text)
        self.setVisible(bool(text))
        self._restyle()

    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        return QSize(self.fontMetrics().horizontalAdvance(self._text) + 2 * theme.px(8), theme.px(22))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("accent_soft" if self._tone == "accent" else "sunken"))
        painter.drawRoundedRect(QRectF(self.rect()), self.height() / 2, self.height() / 2)
        painter.setPen(theme.colour(self._tone))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._text)

    def _restyle(self) -> None:
        self.setFont(theme_of(self).text_font(SMALL))
        self.setFixedSize(self.sizeHint())
        self.update()
