"""An on/off switch."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.ui.theme import theme_of
from app.ui.widgets.themed import follow_theme


class Switch(QAbstractButton):
    """Checkable; name it with `setAccessibleName`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        follow_theme(self._restyle)

    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        return QSize(theme.px(40), theme.px(24))

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, on = theme_of(self), self.isChecked()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(1.0 if self.isEnabled() else 0.5)
        track = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(theme.colour("accent" if on else "muted"))
        painter.setBrush(theme.colour("accent" if on else "sunken"))
        painter.drawRoundedRect(track, track.height() / 2, track.height() / 2)
        knob = track.height() - 2 * theme.px(4)
        left = track.right() - theme.px(4) - knob if on else track.left() + theme.px(4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("on_accent" if on else "muted"))
        painter.drawEllipse(QRectF(left, track.top() + theme.px(4), knob, knob))

    def _restyle(self) -> None:
        self.setFixedSize(self.sizeHint())
        self.update()
