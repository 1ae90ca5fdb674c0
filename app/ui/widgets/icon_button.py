"""Buttons that are a picture: named for screen readers, tinted by the theme."""

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from app.ui.icons import icon
from app.ui.theme import theme_of
from app.ui.widgets.themed import follow_theme, set_role

_ICON_COLOURS = {"primary": "on_accent", "danger": "bad", "quiet": "muted", "link": "accent"}


class IconButton(QToolButton):
    """A square button with an icon. `label` is its tool tip and its accessible name: there is no nameless one."""

    def __init__(
        self, name: str, label: str, parent: QWidget | None = None, *, colour: str = "muted", size: int = 28
    ) -> None:
        super().__init__(parent)
        self._icon, self._colour, self._size = name, colour, size
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.set_label(label)
        follow_theme(self._restyle)

    def set_label(self, label: str, shortcut: str = "") -> None:
        """Name the button; the shortcut is shown with the tool tip only."""
        self.setAccessibleName(label)
        self.setToolTip(f"{label}  {shortcut}" if shortcut else label)

    def set_icon(self, name: str, colour: str | None = None) -> None:
        self._icon, self._colour = name, colour or self._colour
        self._restyle()

    def _restyle(self) -> None:
        theme = theme_of(self)
        self.setIcon(icon(self._icon, theme.colour(self._colour)))
        self.setIconSize(QSize(theme.px(18), theme.px(18)))
        self.setFixedSize(theme.px(self._size), theme.px(self._size))


class Button(QPushButton):
    """A button with words and perhaps an icon: kind "" (plain), wide (aligned left), primary, danger, quiet, link."""

    def __init__(self, text: str = "", kind: str = "", name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._icon, self._kind = name, kind
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAutoDefault(False)
        set_role(self, "kind", kind)
        self.toggled.connect(self._restyle)
        follow_theme(self._restyle)

    def set_icon(self, name: str) -> None:
        self._icon = name
        self._restyle()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.EnabledChange:
            self._restyle()

    def setText(self, text: str) -> None:
        super().setText(text)
        self._restyle()

    def _restyle(self) -> None:
        theme = theme_of(self)
        if self._icon:
            self.setIcon(icon(self._icon, theme.colour(self._icon_colour())))
            self.setIconSize(QSize(theme.px(22 if self.text() else 16), theme.px(16)))

    def _icon_colour(self) -> str:
        if self.isChecked():
            return "accent"
        return _ICON_COLOURS.get(self._kind, "text") if self.isEnabled() else "muted"
