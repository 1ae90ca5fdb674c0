"""The card the composer stands on, with its soft shadow and a border that shows where the keyboard is."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.ui.theme import theme_of
from app.ui.widgets import follow_theme

SHADOW, SHADOW_BELOW = 6, 2
"""Pixels around the card that its shadow takes, and that much more below it."""


class ComposerCard(QWidget):
    """Its border takes the accent while `field` has the keyboard."""

    def __init__(self, field: QWidget) -> None:
        super().__init__()
        self._field = field
        follow_theme(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        card, radius = QRectF(self.rect()).adjusted(SHADOW, SHADOW, -SHADOW, -SHADOW - SHADOW_BELOW), theme.px(12)
        shade = theme.colour("text") if not theme.dark else theme.colour("sunken")
        painter.setPen(Qt.PenStyle.NoPen)
        for step in range(SHADOW, 0, -1):  # drawn here: a graphics effect would redraw the field at every key
            shade.setAlpha(2)
            painter.setBrush(shade)
            painter.drawRoundedRect(card.adjusted(-step, -step + 3, step, step + 2), radius + step, radius + step)
        painter.setBrush(theme.colour("surface"))
        painter.setPen(theme.colour("accent" if self._field.hasFocus() else "line"))
        painter.drawRoundedRect(card.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
