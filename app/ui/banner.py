"""The strip above the pages that tells about the connection to the backend."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.errors import AppError
from app.ui.theme import theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import ErrorCard, Label, follow_theme


class Banner(Retranslated, QWidget):
    """Hidden while all is well. `retry_asked` after an error."""

    retry_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = Label(role="warn")
        self._card: ErrorCard | None = None
        self._row = QHBoxLayout()
        self._row.addStretch(1)
        self._row.addWidget(self._label)
        self._row.addStretch(1)
        self._column = QVBoxLayout(self)
        self._column.addLayout(self._row)
        self.clear()
        self.retranslate()
        follow_theme(self._restyle)

    def retranslate(self) -> None:
        self._label.setText(self.tr("The connection was lost. Alcove is starting its background process again."))
        if self._card is not None:
            self._card.retranslate()

    def clear(self) -> None:
        """All is well."""
        self.hide()
        if self._card is not None:
            self._card.hide()

    def show_lost(self) -> None:
        """The backend went; another is on its way."""
        self.clear()
        self._label.show()
        self.show()

    def show_error(self, error: AppError) -> None:
        """No backend can be had, and why."""
        if self._card is None:
            self._card = ErrorCard(error)
            self._card.acted.connect(self.retry_asked)
            self._column.addWidget(self._card)
        self._card.show_error(error, self.tr("Try again"))
        self._label.hide()
        self._card.show()
        self.show()

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._column.setContentsMargins(theme.px(24), theme.px(8), theme.px(24), theme.px(8))
