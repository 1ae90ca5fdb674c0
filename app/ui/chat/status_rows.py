"""Rows that say how an answer stands: it waits, thinks, was ended early, or failed."""

from itertools import zip_longest

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from app.errors import AppError
from app.format import count, seconds
from app.protocol import AnswerPrefill, AnswerQueued, ErrorInfo
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
        if isinstance(row.progress, AnswerQueued):
            text = self._queue_words(row.progress.position)
        elif isinstance(row.progress, AnswerPrefill) and row.progress.total:
            text = self._prefill_words(row.progress)
        else:
            text = self.tr("Getting ready…")
        self._label.setText(text)

    def _queue_words(self, position: int) -> str:
        if position <= 1:
            return self.tr("Waiting: this answer is next.")
        return self.tr("Waiting: {count} answers first.").format(count=count(position - 1))

    def _prefill_words(self, prefill: AnswerPrefill) -> str:
        read = self.tr("Reading the conversation: {done} of {total} tokens").format(
            done=count(prefill.done), total=count(prefill.total)
        )
        if prefill.eta_s is None:
            return f"{read}…"
        left = self.tr("{time} left").format(time=seconds(prefill.eta_s, self.look.language))
        return f"{read}  ·  {left}"


class LeftOutRow(RowWidget):
    """The line above the first message that was in the context."""

    def __init__(self, context: RowContext) -> None:
        super().__init__(context)
        label = Label(
            self.tr("What stands above did not fit into the context: the model has not read it."),
            role="muted",
            scale=SMALL,
            wrap=True,
        )
        label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        rule = QFrame()
        rule.setObjectName("rule")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, context.look.px(16))
        column.setSpacing(context.look.px(8))
        column.addWidget(rule)
        column.addWidget(label)

    def set_row(self, row: Row) -> None:
        pass  # it always says the same


class NoteRow(RowWidget):
    """One muted sentence about an answer that ended before its end, and the ways on."""

    def __init__(self, context: RowContext) -> None:
        super().__init__(context)
        self._ways: tuple[Ask, ...] = ()
        self._label = Label(role="muted", wrap=True)
        self._buttons = [Button(kind="link"), Button(kind="link")]
        ways = QHBoxLayout()
        ways.setSpacing(context.look.px(16))
        for number, button in enumerate(self._buttons):
            button.clicked.connect(lambda _checked=False, number=number: self.ask(self._ways[number]))
            ways.addWidget(button, 0)
        ways.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._label)
        column.addLayout(ways)

    def set_row(self, row: Row) -> None:
        if not isinstance(row, Note):
            return
        self._label.setText(self._words(row.ending))
        self._ways = ways_on(row)
        for button, way in zip_longest(self._buttons, self._ways):
            button.setVisible(way is not None)
            button.setText(self._action(way) if way is not None else "")

    def _words(self, ending: Ending) -> str:
        return {
            Ending.STOPPED: self.tr("This answer was stopped."),
            Ending.LENGTH: self.tr("The limit of answer tokens was reached."),
            Ending.CONTEXT_FULL: self.tr("The context is full, so the answer ends here. Nothing was left out."),
            Ending.REPETITION: self.tr("The answer went round in circles, so it was ended."),
            Ending.FORMAT_CUT: self.tr("A limit was reached, so the answer was closed early to keep its format whole."),
            Ending.KEPT: self.tr("What had been written is kept."),
        }[ending]

    def _action(self, way: Ask) -> str:
        return {
            Ask.CONTINUE: self.tr("Continue"),
            Ask.CONTINUE_WITHOUT_OLDEST: self.tr("Leave out the oldest and continue"),
            Ask.REGENERATE: self.tr("Write it again"),
            Ask.NEW_CONVERSATION: self.tr("New conversation"),
        }[way]


def ways_on(note: Note) -> tuple[Ask, ...]:
    """What can be done about such an end, the likeliest first."""
    if note.ending is Ending.CONTEXT_FULL:
        return (Ask.CONTINUE_WITHOUT_OLDEST, Ask.NEW_CONVERSATION) if note.last else (Ask.NEW_CONVERSATION,)
    if note.ending is Ending.KEPT:
        return (Ask.CONTINUE,)
    if note.last and note.ending in (Ending.STOPPED, Ending.LENGTH):
        return (Ask.CONTINUE, Ask.REGENERATE)
    return (Ask.REGENERATE,)


class ProblemRow(RowWidget):
    """An answer that failed: what happened, what to do, and a button that does it."""

    def __init__(self, context: RowContext) -> None:
        super().__init__(context)
        self._shown: Problem | None = None
        self._way = Ask.REGENERATE
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._card: ErrorCard | None = None

    def set_row(self, row: Row) -> None:
        if not isinstance(row, Problem) or row == self._shown:
            return
        self._shown = row
        error = AppError.from_info(row.error)
        action, other = self._ways_on(row.error)
        if self._card is None:
            self._card = ErrorCard(error, action, other)
            self._card.acted.connect(lambda: self.ask(self._way))
            self._card.other_acted.connect(lambda: self.ask(Ask.LONGER_CONTEXT))
            self._column.addWidget(self._card)
        else:
            self._card.show_error(error, action, other)

    def _ways_on(self, error: ErrorInfo) -> tuple[str, str]:
        """What can be done about the error, in the words of one or two buttons."""
        if error.code != "prompt_too_long":
            self._way = Ask.REGENERATE
            return self.tr("Load again") if error.code in _LOAD_AGAIN else self.tr("Write it again"), ""
        self._way = Ask.NEW_CONVERSATION  # written again it would be as long
        if (length := self.context.desk.longer_context(error)) is None:
            return self.tr("New conversation"), ""
        longer = self.tr("Load with {count} tokens of context")
        return self.tr("New conversation"), longer.format(count=count(length))

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest:  # its details were unfolded
            self.size_changed.emit()
        return super().event(event)
