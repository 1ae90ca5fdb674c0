"""How full the context is: a ring and a number, or nothing where it is not known."""

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.format import count
from app.ui.theme import SMALL, theme_of
from app.ui.widgets import Label, Ring, follow_theme


class ContextMeter(QWidget):
    """Tokens used of how many there is room for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ring, self.label = Ring(), Label(role="muted", scale=SMALL)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.addWidget(self.ring)
        self._line.addWidget(self.label)
        self.show_use(None, None)
        follow_theme(self._restyle)

    def show_use(self, used: int | None, length: int | None) -> None:
        """Tokens used and the length of the context; None where either is not known."""
        self.setVisible(used is not None and length is not None)
        if used is not None and length is not None:
            words = self.tr("{used} of {length}").format(used=count(used), length=count(length))
            self.label.setText(words)
            self.ring.set_value(used / max(length, 1), self.tr("Context used: {words} tokens").format(words=words))

    def _restyle(self) -> None:
        self._line.setSpacing(theme_of(self).px(8))
