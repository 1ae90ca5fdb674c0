"""One option: its name, what it does in a sentence, the control, the way back, and what is wrong with its value."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.ui.theme import SMALL, theme_of
from app.ui.widgets.icon_button import IconButton
from app.ui.widgets.themed import Label, follow_theme


class OptionRow(QWidget):
    """The control stands beside the name, or below the sentence where it needs the width. It is named like the row."""

    reset_asked = Signal()

    def __init__(self, control: QWidget, *, below: bool = False, resettable: bool = True) -> None:
        super().__init__()
        self.control = control
        self._name, self._sentence = Label(wrap=True), Label(role="muted", scale=SMALL, wrap=True)
        self._error = Label(role="bad", scale=SMALL, wrap=True)
        self._error.hide()
        self._reset = IconButton("rotate-ccw", "", size=28)
        policy = self._reset.sizePolicy()
        policy.setRetainSizeWhenHidden(resettable)
        self._reset.setSizePolicy(policy)
        self._reset.hide()
        self._reset.clicked.connect(self._on_reset)
        self._lay_out(below)
        follow_theme(self._restyle)

    def set_words(self, name: str, sentence: str, reset: str = "") -> None:
        """Say what it is; `reset` names the way back for those who only hear it."""
        self._name.setText(name)
        self._sentence.setText(sentence)
        self._sentence.setVisible(bool(sentence))
        self._reset.set_label(reset or name)
        self.control.setAccessibleName(name)
        self.control.setAccessibleDescription(sentence)

    def set_own(self, own: bool) -> None:
        """Whether the value is the person's own, so that there is something to take back."""
        self._reset.setVisible(own)

    def set_error(self, text: str) -> None:
        """Say what is wrong with what was typed; empty takes it away."""
        self._error.setText(text)
        self._error.setVisible(bool(text))
        self.control.setAccessibleDescription(text or self._sentence.text())

    def _lay_out(self, below: bool) -> None:
        self._head = QHBoxLayout()
        self._head.addWidget(self._name, 1)
        if not below:
            self._head.addWidget(self.control, 0, Qt.AlignmentFlag.AlignVCenter)
        self._head.addWidget(self._reset, 0, Qt.AlignmentFlag.AlignVCenter)
        self._column = QVBoxLayout(self)
        self._column.addLayout(self._head)
        self._column.addWidget(self._sentence)
        if below:
            self._column.addWidget(self.control)
        self._column.addWidget(self._error)
        QWidget.setTabOrder(self.control, self._reset)

    def _on_reset(self) -> None:
        self.control.setFocus(Qt.FocusReason.OtherFocusReason)  # the button is about to go
        self.reset_asked.emit()

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._head.setSpacing(theme.px(4))
        self._column.setSpacing(theme.px(4))
        self._column.setContentsMargins(0, 0, theme.px(3), 0)  # room for the ring around the last button
