"""A line of text that ends in an ellipsis where there is no room, and shows the whole as a tool tip."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.ui.theme import BODY
from app.ui.widgets.themed import Label


class ElidedLabel(Label):
    """A `Label` of one line whose full text stays its accessible name."""

    def __init__(
        self,
        text: str = "",
        role: str = "",
        scale: float = BODY,
        bold: bool = False,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, role, scale, bold)
        self._mode = mode
        self._hint = ""
        if parent is not None:
            self.setParent(parent)

    def set_hint(self, hint: str) -> None:
        """Say this in the tool tip, in place of the whole text."""
        self._hint = hint
        self.setAccessibleDescription(hint)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.fontMetrics().averageCharWidth() * 4, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        rect = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text(), self._mode, rect.width())
        self.setToolTip(self._hint or (self.text() if text != self.text() else ""))
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(rect, self.alignment() | Qt.TextFlag.TextSingleLine, text)
