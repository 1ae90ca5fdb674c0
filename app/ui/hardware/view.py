"""What the parts of the page have in common: a column, words that follow the language, and a place for an error."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.errors import AppError
from app.ui.theme import theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import ErrorCard, follow_theme


class View(Retranslated, QWidget):
    """Fill `column`; put every word in place in `retranslate()`, and ask again in `fetch()`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self._error: ErrorCard | None = None
        follow_theme(self._restyle_view)

    def fetch(self) -> None:
        """Ask the backend for everything that is shown here."""
        raise NotImplementedError

    def retranslate(self) -> None:
        """Say everything in the language of the window."""
        raise NotImplementedError

    def show_error(self, error: AppError) -> None:
        """Say at the top what went wrong, with the way to try again."""
        if self._error is None:
            self._error = ErrorCard(error)
            self._error.acted.connect(self.fetch)
            self.column.insertWidget(0, self._error)
        self._error.show_error(error, self.tr("Try again"))
        self._error.show()

    def clear_error(self) -> None:
        """What went wrong is over."""
        if self._error is not None:
            self._error.hide()

    def _restyle_view(self) -> None:
        self.column.setSpacing(theme_of(self).px(12))
