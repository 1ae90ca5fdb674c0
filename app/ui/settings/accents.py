"""Six colours to choose the accent from."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QWidget

from app.settings import Accent
from app.ui.theme import colours_for, theme_of, theme_source
from app.ui.translate import Retranslated
from app.ui.widgets import follow_theme


class _Dot(QAbstractButton):
    """One colour; a ring marks the chosen one."""

    def __init__(self, accent: Accent, parent: QWidget) -> None:
        super().__init__(parent)
        self.accent = accent
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        follow_theme(self._restyle)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        colours, _ = colours_for(theme_source().settings.theme, self.accent, theme.dark)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        centre = QRectF(self.rect()).center()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.accent)
        painter.drawEllipse(centre, theme.px(8), theme.px(8))
        if self.isChecked():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour("text"), 2 * theme.unit))
            painter.drawEllipse(centre, theme.px(12), theme.px(12))

    def _restyle(self) -> None:
        size = theme_of(self).px(28)
        self.setFixedSize(size, size)
        self.update()


class Accents(Retranslated, QWidget):
    """A row of colours; `picked` carries the Accent a person chose."""

    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self._dots = {accent: _Dot(accent, self) for accent in Accent}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for dot in self._dots.values():
            self._group.addButton(dot)
            row.addWidget(dot)
            dot.clicked.connect(lambda _=False, accent=dot.accent: self.picked.emit(accent))
        self.retranslate()

    def set_value(self, accent: Accent) -> None:
        self._dots[accent].setChecked(True)

    def retranslate(self) -> None:
        names = {
            Accent.GREEN: self.tr("Green"),
            Accent.BLUE: self.tr("Blue"),
            Accent.VIOLET: self.tr("Violet"),
            Accent.ROSE: self.tr("Rose"),
            Accent.AMBER: self.tr("Amber"),
            Accent.SLATE: self.tr("Slate"),
        }
        for accent, dot in self._dots.items():
            dot.setAccessibleName(names[accent])
            dot.setToolTip(names[accent])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Left:
            self.focusPreviousChild()
        elif event.key() == Qt.Key.Key_Right:
            self.focusNextChild()
        else:
            super().keyPressEvent(event)
