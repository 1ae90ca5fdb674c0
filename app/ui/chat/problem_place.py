"""The place above the composer where the page says what went wrong with the conversation as a whole."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.errors import AppError
from app.ui.chat.conversation import OpenConversation, Phase
from app.ui.theme import theme_of
from app.ui.widgets import ErrorCard, follow_theme

_SIDE = 24


class ProblemPlace(QWidget):
    """Empty until something goes wrong; its button loads the conversation again where that helps."""

    def __init__(self, conversation: OpenConversation, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._conversation = conversation
        self._card: ErrorCard | None = None
        self._column = QVBoxLayout(self)
        conversation.failed.connect(self._on_failed)
        self.hide()
        follow_theme(self._restyle)

    def show_error(self, error: AppError) -> None:
        """Show what went wrong, in place of what was shown before."""
        action = self.tr("Try again") if self._conversation.phase is Phase.UNREACHABLE else self.tr("Close")
        if self._card is None:
            self._card = ErrorCard(error, action)
            self._card.acted.connect(self._on_acted)
            self._column.addWidget(self._card)
        self._card.show_error(error, action)
        self.show()

    def _on_failed(self, error: AppError) -> None:
        if error.code != "backend_gone":  # the window speaks of that, and brings it back
            self.show_error(error)

    def _on_acted(self) -> None:
        self.hide()
        if self._conversation.phase is Phase.UNREACHABLE:
            self._conversation.reload()

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._column.setContentsMargins(theme.px(_SIDE), theme.px(8), theme.px(_SIDE), 0)
