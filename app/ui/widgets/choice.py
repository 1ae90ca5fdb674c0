"""A drop-down of a few named values."""

from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QFrame, QStyledItemDelegate, QWidget

from app.ui.icons import paint_icon
from app.ui.theme import theme_of
from app.ui.widgets.themed import follow_theme


class Choice(QComboBox):
    """`set_options` with (value, words); `picked` carries the value a person chose, never one set by code."""

    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # not by the wheel: it scrolls what is around it
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setItemDelegate(QStyledItemDelegate(self))  # The one that the style sheet can reach.
        self._values: list[object] = []
        self.activated.connect(lambda place: self.picked.emit(self._value_at(place)))
        follow_theme(self._restyle)

    def set_options(self, options: Sequence[tuple[object, str]]) -> None:
        """Replace the options, keeping the value."""
        value = self.value
        self._values = [each for each, _ in options]
        self.clear()
        for each, words in options:
            self.addItem(words, each)
        self.set_value(value)

    @property
    def value(self) -> object:
        """The value that is shown; None where none is."""
        return self._value_at(self.currentIndex())

    def set_value(self, value: object) -> None:
        self.setCurrentIndex(self.findData(value))

    def _value_at(self, place: int) -> object:
        """The value as it was given: Qt keeps the text of an enum's member and forgets the member."""
        data = self.itemData(place)
        return next((value for value in self._values if value == data), data)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # Scrolling the page must not change a setting.

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        theme = theme_of(self)
        size = theme.px(14)
        painter = QPainter(self)
        place = QRect(self.width() - size - theme.px(8), (self.height() - size) // 2, size, size)
        paint_icon(painter, "chevron-down", theme.colour("muted"), place)

    def _restyle(self) -> None:
        self.setMinimumWidth(theme_of(self).px(160))
        container = self.view().parentWidget()
        if isinstance(container, QFrame):
            container.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
            container.setFrameShape(QFrame.Shape.NoFrame)
        self.update()
