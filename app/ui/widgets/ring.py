"""The context meter: a thin ring that fills."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.ui.theme import theme_of
from app.ui.widgets.themed import follow_theme

_NEARLY_FULL = 0.9


class Ring(QWidget):
    """A share from 0 to 1 as a ring; its words are the tool tip and the accessible description."""

    def __init__(self, label: str = "", parent: QWidget | None = None, *, size: int = 18) -> None:
        super().__init__(parent)
        self._size = size
        self._share = 0.0
        self.set_value(0.0, label)
        follow_theme(self._restyle)

    def set_value(self, share: float, label: str) -> None:
        """Show a share, clamped to 0..1, and say it in words."""
        self._share = min(1.0, max(0.0, share))
        self.setAccessibleName(label)
        self.setToolTip(label)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = 2.0 * theme.unit
        circle = QRectF(self.rect()).adjusted(width, width, -width, -width)
        painter.setPen(QPen(theme.colour("line"), width))
        painter.drawEllipse(circle)
        colour = theme.colour("warn" if self._share >= _NEARLY_FULL else "accent")
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        if self._share > 0:
            painter.drawArc(circle, 90 * 16, -round(self._share * 360 * 16))

    def _restyle(self) -> None:
        size = theme_of(self).px(self._size)
        self.setFixedSize(size, size)
        self.update()
