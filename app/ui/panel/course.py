"""Thinking and the context in the panel: how long the model thinks, and what happens when the context is full."""

from app.protocol import ContextPolicy
from app.ui.chat.answer_options import AnswerOptions
from app.ui.panel.section import Section
from app.ui.widgets import Choice, Limits, NumberField, OptionRow, Switch

_BUDGET = Limits(1, 1_000_000, 64, whole=True)


class ThinkingSection(Section):
    """Whether the model thinks first, and for how long."""

    def __init__(self, answers: AnswerOptions) -> None:
        super().__init__(answers)
        self.when = Choice()
        self.budget = NumberField(_BUDGET)
        self._when_row = OptionRow(self.when, below=True, resettable=False)
        self.column.addWidget(self._when_row)
        self.when.picked.connect(lambda value: answers.change(thinking=value))
        self._budget_row = self.number_row(self.budget, lambda value: answers.change(thinking_budget=value))
        self.retranslate()
        self.refresh()

    def retranslate(self) -> None:
        self.title.setText(self.tr("Thinking"))
        self._when_row.set_words(
            self.tr("Think first"), self.tr("Slower, often more thorough. Not every model can be asked to.")
        )
        self.when.set_options(
            [(None, self.tr("as asked with each message")), (True, self.tr("always")), (False, self.tr("never"))]
        )
        name = self.tr("Longest thinking")
        self._budget_row.set_words(name, self.tr("It is ended after so many tokens."), self.reset_words(name))
        self.budget.setPlaceholderText(self.tr("no limit"))

    def refresh(self) -> None:
        options = self.answers.options
        self.when.set_value(options.thinking)
        self.budget.set_value(options.thinking_budget)
        self._budget_row.set_own(options.thinking_budget is not None)


class ContextSection(Section):
    """What happens when the context is full, and when an answer goes round in circles."""

    def __init__(self, answers: AnswerOptions) -> None:
        super().__init__(answers)
        self.policy = Choice()
        self.circles = Switch()
        self._policy_row = OptionRow(self.policy, below=True, resettable=False)
        self._circles_row = OptionRow(self.circles, resettable=False)
        self.column.addWidget(self._policy_row)
        self.column.addWidget(self._circles_row)
        self.policy.picked.connect(lambda value: answers.change(context_policy=value))
        self.circles.clicked.connect(lambda on: answers.change(stop_repetition=on))
        self.retranslate()
        self.refresh()

    def retranslate(self) -> None:
        self.title.setText(self.tr("Limits"))
        self._policy_row.set_words(
            self.tr("When the context is full"),
            self.tr("Either way you are told: the instructions always stay, and a line shows what was left out."),
        )
        self.policy.set_options(
            [
                (ContextPolicy.STOP, self.tr("stop and say so")),
                (ContextPolicy.DROP_OLDEST, self.tr("leave out the oldest")),
            ]
        )
        self._circles_row.set_words(self.tr("End circles"), self.tr("An answer that only repeats itself is ended."))

    def refresh(self) -> None:
        options = self.answers.options
        self.policy.set_value(options.context_policy)
        self.circles.setChecked(options.stop_repetition)
