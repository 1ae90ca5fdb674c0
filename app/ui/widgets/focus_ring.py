"""The ring around whatever has the keyboard: drawn outside the border, only while the keyboard leads."""

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractScrollArea,
    QApplication,
    QComboBox,
    QFocusFrame,
    QLineEdit,
    QWidget,
)

from app.ui.theme import theme_of


class FocusRing(QFocusFrame):
    """One per window: follows the focus unless the pointer moved it. Fields and lists show their focus themselves."""

    def __init__(self, window: QWidget, app: QApplication) -> None:
        super().__init__(window)
        self._window = window
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        app.focusChanged.connect(self._on_focus_changed)

    @property
    def seen(self) -> QRect:
        """Where there is room for the ring: a row may reach to the very edge of what it lies in."""
        around = self.parentWidget()
        return self.rect() if around is None else self.rect() & around.rect().translated(-self.pos())

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        width = 2.0 * theme.unit
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("accent"), width))
        rect = QRectF(self.seen).adjusted(width / 2, width / 2, -width / 2, -width / 2)
        painter.drawRoundedRect(rect, theme.px(8), theme.px(8))

    def _on_focus_changed(self, old: QWidget | None, now: QWidget | None) -> None:
        own = isinstance(now, QLineEdit | QComboBox | QAbstractItemView | QAbstractScrollArea)
        by_pointer = QGuiApplication.mouseButtons() is not Qt.MouseButton.NoButton
        if now is None or own or by_pointer or now.window() is not self._window:
            self.hide()
            return
        self.setWidget(now)
        self.show()
