"""A part of the panel: a heading and its options."""

from collections.abc import Callable

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.chat.answer_options import AnswerOptions
from app.ui.theme import theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import Label, NumberField, OptionRow, follow_theme
from app.ui.widgets.numbers import shown


class Section(Retranslated, QWidget):
    """Shows a part of `AnswerOptions` and changes it. Fill `column`; say the words in `retranslate()`."""

    def __init__(self, answers: AnswerOptions) -> None:
        super().__init__()
        self.answers = answers
        self.title = Label(bold=True)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.addWidget(self.title)
        answers.changed.connect(self.refresh)
        follow_theme(self._restyle_section)

    def refresh(self) -> None:
        """Show the values as they are; sections override it."""
        raise NotImplementedError

    def retranslate(self) -> None:
        """Put every word in place; sections override it."""

    def number_row(self, field: NumberField, take: Callable[[float | None], None]) -> OptionRow:
        """A row for a number; `take` is given what a person sets, None for the way back."""
        row = OptionRow(field)
        field.setPlaceholderText(self.tr("automatic"))
        field.changed.connect(take)
        field.accepted.connect(lambda good: row.set_error("" if good else self._limits_said(field)))
        row.reset_asked.connect(lambda: take(None))
        self.column.addWidget(row)
        return row

    def reset_words(self, name: str) -> str:
        """How the way back is called by those who only hear it."""
        return self.tr("Leave to the model: {name}").format(name=name)

    def _limits_said(self, field: NumberField) -> str:
        limits = field.limits
        text = self.tr("A whole number from {least} to {most}.") if limits.whole else self.tr("From {least} to {most}.")
        least, most = (shown(int(end) if limits.whole else end) for end in (limits.least, limits.most))
        return text.format(least=least, most=most)

    def _restyle_section(self) -> None:
        self.column.setSpacing(theme_of(self).px(12))
