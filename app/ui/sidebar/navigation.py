"""The pages as a short list with icons."""

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QVBoxLayout, QWidget

from app.ui.icons import paint_icon
from app.ui.places import Place
from app.ui.theme import theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import follow_theme


class NavigationRow(QAbstractButton):
    """One page: icon and name, accent-soft while it is shown."""

    def __init__(self, place: Place, parent: QWidget) -> None:
        super().__init__(parent)
        self.place = place
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        follow_theme(self._restyle)

    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        return QSize(theme.px(160), theme.px(32))

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.isChecked() or self.underMouse():
            ground = theme.colour("accent_soft" if self.isChecked() else "line")
            ground.setAlphaF(1.0 if self.isChecked() else 0.5)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0, 1, 0, -1), theme.px(6), theme.px(6))
        ink, size = theme.colour("text" if self.isChecked() else "muted"), theme.px(18)
        paint_icon(painter, self.place.icon, ink, QRect(theme.px(10), (self.height() - size) // 2, size, size))
        painter.setPen(theme.colour("text"))
        painter.drawText(self.rect().adjusted(theme.px(38), 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.text())

    def _restyle(self) -> None:
        self.setFont(theme_of(self).text_font())
        self.setFixedHeight(theme_of(self).px(32))
        self.update()


class Navigation(Retranslated, QWidget):
    """The list of pages; `chosen` carries a Place. Arrow keys move within it."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self._rows = {place: NavigationRow(place, self) for place in Place}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for row in self._rows.values():
            self._group.addButton(row)
            column.addWidget(row)
            row.clicked.connect(lambda _=False, place=row.place: self.chosen.emit(place))
        self.show_place(Place.CHAT)
        self.retranslate()

    def show_place(self, place: Place) -> None:
        self._rows[place].setChecked(True)

    def retranslate(self) -> None:
        self.setAccessibleName(self.tr("Pages"))
        for place, row in self._rows.items():
            name = self.name_of(place)
            row.setText(name)
            row.setAccessibleName(name)

    def name_of(self, place: Place) -> str:
        """A page's name in the language of the window."""
        names = {
            Place.CHAT: self.tr("Chat"),
            Place.MODELS: self.tr("Models"),
            Place.COMPUTER: self.tr("This computer"),
            Place.SERVER: self.tr("Server"),
            Place.SETTINGS: self.tr("Settings"),
        }
        return names[place]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() not in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            super().keyPressEvent(event)
            return
        forward = event.key() == Qt.Key.Key_Down
        self.focusNextChild() if forward else self.focusPreviousChild()
