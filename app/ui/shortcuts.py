"""The dialog that lists the keys."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from app.ui.theme import TITLE, theme_of
from app.ui.widgets import Button, Label, follow_theme

_SCREEN_SHARE = 0.8
"""Of the screen, the most the dialog takes: a frame and a task bar want some, too."""


class ShortcutsDialog(QDialog):
    """Every key of the window with what it does."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        self._list = QWidget()
        self._grid = QGridLayout(self._list)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)
        for line, (keys, words) in enumerate(self.entries()):
            shown = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
            self._grid.addWidget(Label(shown, role="muted"), line, 0)
            self._grid.addWidget(Label(words), line, 1)
        close = Button(self.tr("Close"), kind="primary")
        close.clicked.connect(self.accept)
        self._column = QVBoxLayout(self)
        self._column.addWidget(Label(self.windowTitle(), scale=TITLE, bold=True))
        self._scroll = self._scrolling(self._list)
        self._column.addWidget(self._scroll)
        self._column.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)
        close.setFocus()
        follow_theme(self._restyle)

    def _scrolling(self, content: QWidget) -> QScrollArea:
        """Large text on a small screen leaves no room for every line."""
        area = QScrollArea()
        area.setWidget(content)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return area

    def entries(self) -> list[tuple[str, str]]:
        """(keys in portable notation, what they do)."""
        return [
            ("Ctrl+N", self.tr("New conversation")),
            ("Ctrl+K", self.tr("Search conversations")),
            ("Ctrl+B", self.tr("Show or hide the sidebar")),
            ("Ctrl+Shift+P", self.tr("How answers are made")),
            ("Ctrl+,", self.tr("Settings")),
            ("F2", self.tr("Rename the selected conversation")),
            ("Delete", self.tr("Delete the selected conversation")),
            ("Return", self.tr("Send the message")),
            ("Shift+Return", self.tr("New line")),
            ("Esc", self.tr("Stop the answer")),
            ("Up", self.tr("Edit your last message (in an empty field)")),
            ("Ctrl+R", self.tr("Write the answer again")),
            ("Ctrl+Shift+C", self.tr("Copy the last answer")),
            ("PgUp", self.tr("Scroll the conversation")),
            ("F1", self.tr("These shortcuts")),
        ]

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._grid.setHorizontalSpacing(theme.px(24))
        self._grid.setVerticalSpacing(theme.px(8))
        self._column.setContentsMargins(*(theme.px(24),) * 4)
        self._column.setSpacing(theme.px(16))
        room = self.screen().availableGeometry().size() * _SCREEN_SHARE
        rest = self._column.sizeHint() - self._scroll.sizeHint()
        content = self._list.sizeHint()
        width = content.width() + self._scroll.verticalScrollBar().sizeHint().width()
        self._scroll.setMinimumSize(min(width, room.width()), min(content.height(), room.height() - rest.height()))
