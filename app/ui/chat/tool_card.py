"""A tool the model calls, as a card: its name and arguments, the person's word on it, and what came of it."""

import json

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout

from app.ui.chat.row_widget import Ask, RowContext, RowWidget
from app.ui.chat.rows import CallState, Row, ToolCard
from app.ui.icons import icon
from app.ui.theme import SMALL
from app.ui.widgets import Button, Label

_SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
LONGEST_SHOWN = 20_000
"""Characters of a result or of arguments that are shown."""


class ToolCardRow(RowWidget):
    """Consent is asked for here: nothing runs that was not allowed."""

    def __init__(self, context: RowContext) -> None:
        super().__init__(context)
        look = context.look
        self._shown: ToolCard | None = None
        card = QFrame()
        card.setObjectName("card")
        self._sign = QLabel()
        self._sign.setPixmap(icon("wrench", look.theme.colour("muted")).pixmap(look.px(16), look.px(16)))
        self._name, self._state = Label(bold=True), Label(role="muted", scale=SMALL)
        self._arguments, self._result = _code_label(context), _code_label(context)
        self._question = Label(wrap=True)
        self._result_title = Label(self.tr("Result"), role="muted", scale=SMALL)
        self.allow = Button(kind="primary")
        self.always, self.refuse = Button(), Button()
        self.fold = Button(kind="quiet", name="chevron-right")
        self.allow.clicked.connect(lambda: self._consent(Ask.ALLOW_TOOL))
        self.always.clicked.connect(lambda: self._consent(Ask.ALWAYS_ALLOW_TOOL))
        self.refuse.clicked.connect(lambda: self._consent(Ask.REFUSE_TOOL))
        self.fold.clicked.connect(lambda: self._consent(Ask.FOLD_RESULT))
        self._lay_out(card)

    def set_row(self, row: Row) -> None:
        if not isinstance(row, ToolCard) or row == self._shown:
            return
        self._shown = row
        self._name.setText(row.call.name)
        self._state.setText(self._state_words(row.state))
        arguments = pretty(row.call.arguments)
        self._arguments.setText(arguments)
        self._arguments.setVisible(bool(arguments))
        asking = row.state is CallState.ASKING
        self._question.setText(self.tr("The model wants to run this tool. Do you allow it?"))
        for widget in (self._question, self.allow, self.always, self.refuse):
            widget.setVisible(asking)
        self._show_result(row)
        self.setAccessibleName(self.tr("Tool call: {name}").format(name=row.call.name))

    def _show_result(self, row: ToolCard) -> None:
        unfolded = row.unfolded and row.result is not None
        self.fold.setVisible(row.result is not None)
        self.fold.setText(self.tr("Hide the result") if unfolded else self.tr("Show the result"))
        self.fold.set_icon("chevron-down" if unfolded else "chevron-right")
        self._result_title.setVisible(unfolded)
        self._result.setVisible(unfolded)
        self._result.setText(pretty(row.result or "") if unfolded else "")

    def _state_words(self, state: CallState) -> str:
        return {
            CallState.WRITING: self.tr("being written…"),
            CallState.ASKING: self.tr("waits for your word"),
            CallState.DECIDED: self.tr("decided"),
            CallState.RUNNING: self.tr("running…"),
            CallState.DONE: self.tr("done"),
            CallState.IDLE: self.tr("not run"),
        }[state]

    def _consent(self, ask: Ask) -> None:
        if self._shown is not None:
            self.context.desk.tool_asked.emit(ask, self.context.message_id, self._shown.call.id)

    def _lay_out(self, card: QFrame) -> None:
        px = self.look.px
        head = QHBoxLayout()
        head.setSpacing(px(8))
        head.addWidget(self._sign)
        head.addWidget(self._name)
        head.addWidget(self._state, 1)
        head.addWidget(self.fold)
        buttons = QHBoxLayout()
        buttons.setSpacing(px(8))
        for button, text in (
            (self.allow, self.tr("Allow")),
            (self.always, self.tr("Always in this conversation")),
            (self.refuse, self.tr("Refuse")),
        ):
            button.setText(text)
            buttons.addWidget(button)
        buttons.addStretch(1)
        inside = QVBoxLayout(card)
        inside.setContentsMargins(px(16), px(8), px(8), px(12))
        inside.setSpacing(px(8))
        inside.addLayout(head)
        for widget in (self._arguments, self._question):
            inside.addWidget(widget)
        inside.addLayout(buttons)
        inside.addWidget(self._result_title)
        inside.addWidget(self._result)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.addWidget(card)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest:
            self.size_changed.emit()
        return super().event(event)


def pretty(text: str) -> str:
    """JSON set out in lines, cut where it is enormous; what is no JSON stays as it is. Nothing for an empty object."""
    try:
        value = json.loads(text)
    except ValueError:
        shown = text
    else:
        if value in ({}, []):
            return ""
        shown = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…"


def _code_label(context: RowContext) -> Label:
    label = Label(wrap=True)
    label.setFont(context.look.theme.code_font(SMALL))
    label.setTextInteractionFlags(_SELECTABLE)
    return label
