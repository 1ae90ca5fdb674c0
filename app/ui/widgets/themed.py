"""Keeping a widget in step with the theme."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from app.ui.theme import BODY, theme_of, theme_source


def follow_theme(restyle: Callable[[], None]) -> None:
    """Call a widget's bound method now and after every switch of theme, as long as the widget lives."""
    theme_source().changed.connect(restyle)
    restyle()


def set_role(widget: QWidget, name: str, value: str) -> None:
    """Set a property the style sheet selects by, and have it take effect."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    if widget.testAttribute(Qt.WidgetAttribute.WA_WState_Polished):  # polishing earlier would lose fonts set after it
        widget.style().unpolish(widget)
        widget.style().polish(widget)


class Label(QLabel):
    """Plain text in one of the type sizes and one of the roles: "", muted, good, warn, bad, accent."""

    def __init__(
        self, text: str = "", role: str = "", scale: float = BODY, bold: bool = False, wrap: bool = False
    ) -> None:
        super().__init__(text)
        self._scale, self._bold = scale, bold
        self.setTextFormat(self.textFormat().PlainText)
        self.setWordWrap(wrap)
        self.set_role(role)
        follow_theme(self._restyle)

    def set_role(self, role: str) -> None:
        set_role(self, "role", role)

    def _restyle(self) -> None:
        font = theme_of(self).text_font(self._scale)
        if self._bold:
            font.setWeight(font.Weight.DemiBold)
        self.setFont(font)
