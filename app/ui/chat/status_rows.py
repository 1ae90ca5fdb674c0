"""Rows that say how an answer stands: it waits, thinks, was ended early, or failed."""

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from app.errors import AppError
from app.format import seconds
from app.ui.chat.row_widget import Ask, RowContext, RowWidget
from app.ui.chat.rows import Ending, Note, Problem, Row, Thinking, Waiting
from app.ui.theme import SMALL
from app.ui.widgets import Button, ErrorCard, Label

_LOAD_AGAIN = frozenset({"worker_died", "model_load_failed", "load_cancelled", "model_too_large"})
"""Errors after which the model has to be loaded again; writing the answer again does that."""


class ThinkingRow(RowWidget):
    """Folds and unfolds what the model thought."""

    def __init__(self, context: RowContext) -> None:
        super().__init__(context)
        self._button = Button(kind="quiet", name="chevron-right")
        self._button.setFont(context.look.theme.text_font(SMALL))
        self._button.clicked.connect(lambda: self.ask(Ask.FOLD_THINKING))
        self._button.setParent(self)
        self._button.setStyleSheet("padding: 0")  # flush with the text, as it has no border to be seen

    def height_for(self, width: int) -> int:
        return self._button.sizeHint().height()

    def set_row(self, row: Row) -> None:
        if not isinstance(row, Thinking):
            return
        if row.running:
            text = self.tr("Thinking…")
        elif row.duration_s is not None:
            text = self.tr("Thought for {time}").format(time=seconds(row.duration_s, self.look.language))
        else:
            text = self.tr("Thoughts")
        self._button.setText(text)
        self._button.set_icon("chevron-down" if row.unfolded else "chevron-right")
        self._button.setAccessibleName(text)
        hint = self.tr("Hide the thinking") if row.unfolded else self.tr("Show the thinking")
        self._button.setAccessibleDescription(hint)
        self._button.adjustSize()


class WaitingRow(RowWidget):
    """Stands where the answer will be until its first word."""

    def __init__(self, context: RowContext) -> None:
        super().__init__(context)
        self._label = Label(role="muted")
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self._label)

    def set_row(self, row: Row) -> None:
        if not isinstance(row, Waiting):
            return
        if row.prefill is None:
            self._label.setText(self.tr("Getting ready…"))
        else:
            self._label.setText(
                self.tr("Reading the conversation… {percent} %").format(percent=round(row.prefill * 100))
            )


class NoteRow(RowWidget):
    """One muted sentence about an answer that ended before its end, and the way on."""

    def __init__(self, context: RowContext) -> None:
        super().__init__(context)
        self._way_on = Ask.REGENERATE
        self._label = Label(role="muted")
        self._button = Button(kind="link")
        self._button.clicked.connect(lambda: self.ask(self._way_on))
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(context.look.px(8))
        line.addWidget(self._label, 0)
        line.addWidget(self._button, 0)
        line.addStretch(1)

    def set_row(self, row: Row) -> None:
        if not isinstance(row, Note):
            return
        again = self.tr("Write it again")
        words = {
            Ending.STOPPED: (self.tr("This answer was stopped."), again, Ask.REGENERATE),
            Ending.LENGTH: (self.tr("The limit of answer tokens was reached."), again, Ask.REGENERATE),
            Ending.CONTEXT_FULL: (
                self.tr("The context is full, so the answer ends here. Nothing was left out."),
                self.tr("New conversation"),
                Ask.NEW_CONVERSATION,
            ),
        }
        text, action, self._way_on = words[row.ending]
        self._label.setText(text)
        self._button.setText(action)


class ProblemRow(RowWidget):
    """An answer that failed: what happened, what to do, and a button that does it."""

    def __init__(self, context: RowContext) -> None:
        super().__init__(context)
        self._shown: Problem | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._card: ErrorCard | None = None

    def set_row(self, row: Row) -> None:
        if not isinstance(row, Problem) or row == self._shown:
            return
        self._shown = row
        action = self.tr("Load again") if row.error.code in _LOAD_AGAIN else self.tr("Write it again")
        error = AppError.from_info(row.error)
        if self._card is None:
            self._card = ErrorCard(error, action)
            self._card.acted.connect(lambda: self.ask(Ask.REGENERATE))
            self._column.addWidget(self._card)
        else:
            self._card.show_error(error, action)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest:  # its details were unfolded
            self.size_changed.emit()
        return super().event(event)
