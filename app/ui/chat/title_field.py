"""The conversation's title at the top: reads like a heading, and is a field when one clicks into it."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QFocusEvent, QFont, QKeyEvent, Qt
from PySide6.QtWidgets import QLineEdit, QWidget

from app.ui.theme import theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import follow_theme


class TitleField(Retranslated, QLineEdit):
    """Enter or leaving it renames, Esc puts the old title back."""

    renamed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = ""
        self.editingFinished.connect(self._on_finished)
        self.retranslate()
        follow_theme(self._restyle)

    def set_title(self, title: str, stored: bool) -> None:
        """Show a title; one that is being edited is left alone. Only a stored conversation can be named."""
        self.setEnabled(stored)
        self._title = title
        if not (self.hasFocus() and self.isModified()):
            self._show()

    def retranslate(self) -> None:
        self.setAccessibleName(self.tr("Title of this conversation"))
        self.setPlaceholderText(self.tr("New conversation"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._show()
            self.clearFocus()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._show()

    def _show(self) -> None:
        self.setText(self._title)
        self.setToolTip(self._title)
        self.setCursorPosition(0)

    def _on_finished(self) -> None:
        title = self.text().strip()
        if title and title != self._title:
            self._title = title
            self.renamed.emit(title)

    def _restyle(self) -> None:
        theme = theme_of(self)
        self.setFont(theme.text_font(weight=QFont.Weight.DemiBold))
        colours = theme.colours
        self.setStyleSheet(
            f"QLineEdit, QLineEdit:disabled {{ background: transparent; border: 1px solid transparent;"
            f" color: {colours.text} }}"
            f"QLineEdit:hover:enabled, QLineEdit:focus {{ border: 1px solid {colours.line};"
            f" background: {colours.surface} }}"
        )
