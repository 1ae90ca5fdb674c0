"""A field for one number that may be left out: empty stands for what the model or the engine chooses."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.ui.theme import theme_of
from app.ui.widgets.numbers import Limits, shown
from app.ui.widgets.themed import follow_theme, set_role

_WIDTH = 104


class NumberField(QLineEdit):
    """`changed` carries the number (None: left out) as soon as what is typed is one; `accepted` whether it is."""

    changed = Signal(object)
    accepted = Signal(bool)

    def __init__(self, limits: Limits, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.limits = limits
        self._value: float | None = None
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.textEdited.connect(self._on_edited)
        follow_theme(self._restyle)

    @property
    def value(self) -> float | None:
        """The last number that was within the limits."""
        return self._value

    @property
    def good(self) -> bool:
        """Whether what stands in it is within the limits."""
        return self._readable()

    def set_value(self, value: float | None) -> None:
        """Show a number; what is being typed and means the same stays as it is."""
        if value == self._value and self._readable() and self.limits.read(self.text()) == value:
            return
        self._value = value
        self.setText(shown(value))
        self._accept(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}
        if event.key() == Qt.Key.Key_Escape and not self._readable():
            self.setText(shown(self._value))
            self._accept(True)
        elif (by := steps.get(Qt.Key(event.key()))) is not None and self._value is not None:
            self.setText(shown(self.limits.stepped(self._value, by)))
            self._on_edited()
        else:
            super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(theme_of(self).px(_WIDTH), super().sizeHint().height())

    def _readable(self) -> bool:
        try:
            self.limits.read(self.text())
        except ValueError:
            return False
        return True

    def _on_edited(self) -> None:
        readable = self._readable()
        self._accept(readable)
        if readable and (value := self.limits.read(self.text())) != self._value:
            self._value = value
            self.changed.emit(value)

    def _accept(self, accepted: bool) -> None:
        set_role(self, "state", "" if accepted else "bad")
        self.accepted.emit(accepted)

    def _restyle(self) -> None:
        self.setFixedWidth(theme_of(self).px(_WIDTH))
