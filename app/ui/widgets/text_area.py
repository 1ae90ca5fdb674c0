"""A field for a few lines of plain text that grows with them."""

from PySide6.QtCore import QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from app.ui.theme import SMALL, theme_of
from app.ui.widgets.themed import follow_theme, set_role


class TextArea(QPlainTextEdit):
    """`changed` carries the text when a person changes it. `code` sets it in the fixed-width font."""

    changed = Signal(str)

    def __init__(self, lines: tuple[int, int] = (2, 10), *, code: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines, self._code = lines, code
        self._setting = False
        self.setTabChangesFocus(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # not by the wheel: it scrolls what is around it
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        set_role(self, "kind", "field")
        self.textChanged.connect(self._on_changed)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        follow_theme(self._restyle)

    def set_text(self, text: str) -> None:
        """Show a text; one that is there already is left alone, with its cursor."""
        if text != self.toPlainText():
            self._setting = True
            self.setPlainText(text)
            self._setting = False

    def set_good(self, good: bool) -> None:
        """Whether what it says can be used."""
        set_role(self, "state", "" if good else "bad")

    def insertFromMimeData(self, source: QMimeData) -> None:
        self.textCursor().insertText(source.text())
        self.ensureCursorVisible()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.verticalScrollBar().maximum() > 0 and self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()  # the panel around it scrolls

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.minimumHeight())

    def _on_changed(self) -> None:
        if not self._setting:
            self.changed.emit(self.toPlainText())

    def _fit(self) -> None:
        least, most = self._lines
        lines = min(max(round(self.document().size().height()), least), most)
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + theme_of(self).px(18))

    def _restyle(self) -> None:
        theme = theme_of(self)
        self.setFont(theme.code_font(SMALL) if self._code else theme.text_font())
        self._fit()
