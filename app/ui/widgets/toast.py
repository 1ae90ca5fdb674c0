"""A short word near the top of the window that goes by itself, with one way back."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from app.ui.theme import theme_of
from app.ui.widgets.icon_button import Button
from app.ui.widgets.themed import Label, follow_theme

_SHOWN_MS = 8000
_TOP = 56
"""Below the titles, in units: at the foot it would lie on the composer."""


class Toast(QFrame):
    """One per window. It stays while the pointer or the focus is on it."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setObjectName("card")
        self._undo: Callable[[], None] | None = None
        self._label, self._button = Label(), Button(kind="link")
        self._row = QHBoxLayout(self)
        self._row.addWidget(self._label)
        self._row.addWidget(self._button)
        self._timer = QTimer(self, singleShot=True, interval=_SHOWN_MS)
        self._timer.timeout.connect(self._on_time)
        self._button.clicked.connect(self._on_clicked)
        window.installEventFilter(self)
        self.hide()
        follow_theme(self._restyle)

    def say(self, text: str, action: str = "", on_action: Callable[[], None] | None = None) -> None:
        """Show the text, in place of an earlier one; `action` names the button that calls `on_action`."""
        self._undo = on_action
        self._label.setText(text)
        self._button.setText(action)
        self._button.setVisible(bool(action))
        self._place()
        self.show()
        self.raise_()
        self._timer.start()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window and event.type() is QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        self.adjustSize()
        self.move((self._window.width() - self.width()) // 2, theme_of(self).px(_TOP))

    def _on_time(self) -> None:
        if self.underMouse() or self._button.hasFocus():
            self._timer.start()
        else:
            self.hide()

    def _on_clicked(self) -> None:
        self.hide()
        if self._undo is not None:
            self._undo()

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._row.setContentsMargins(theme.px(16), theme.px(6), theme.px(12), theme.px(6))
        self._row.setSpacing(theme.px(12))


def show_toast(widget: QWidget, text: str, action: str = "", on_action: Callable[[], None] | None = None) -> Toast:
    """Say something in the window that holds this widget."""
    window = widget.window()
    toast = window.findChild(Toast, options=Qt.FindChildOption.FindDirectChildrenOnly) or Toast(window)
    toast.say(text, action, on_action)
    return toast
