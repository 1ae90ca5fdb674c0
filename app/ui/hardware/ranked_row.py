"""One model of the ranked list: a line of figures, and everything about it unfolded below."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.format import count, parameters
from app.protocol import Suggestion
from app.ui.hardware.advice_words import download_said, first_word_said, reasons_said, speed_said, system_said
from app.ui.hardware.plan_bars import PlanBars
from app.ui.hardware.verdict_sign import VerdictSign, quantization_words, verdict_words
from app.ui.theme import SMALL, theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import ElidedLabel, IconButton, Label, follow_theme

_INDENT = 22
"""Words begin where the name does, after the sign."""


class RankedRow(Retranslated, QWidget):
    """Shows one `Suggestion`; what is folded is made when it is first wanted."""

    def __init__(self, suggestion: Suggestion) -> None:
        super().__init__()
        self.suggestion = suggestion
        self._name, self._facts = ElidedLabel(bold=True), Label(role="muted", scale=SMALL, wrap=True)
        self._sign = VerdictSign(suggestion.plan.verdict)
        self._speed = Label()
        self._fold = IconButton("chevron-down", "")
        self._fold.clicked.connect(self._on_fold)
        self._details: Details | None = None
        self._lay_out()
        self.retranslate()
        follow_theme(self._restyle)

    def retranslate(self) -> None:
        suggestion = self.suggestion
        self._name.setText(f"{suggestion.name}  ·  {suggestion.quantization}")
        self._sign.setAccessibleName(verdict_words(suggestion.plan.verdict))
        self._speed.setText(speed_said(suggestion))
        said = (verdict_words(suggestion.plan.verdict), first_word_said(suggestion), download_said(suggestion))
        self._facts.setText("  ·  ".join(part for part in said if part))
        self._fold.set_label(self.tr("Details of {name}").format(name=suggestion.name))

    def _lay_out(self) -> None:
        self._head = QHBoxLayout()
        self._head.addWidget(self._sign)
        self._head.addWidget(self._name, 1)
        self._head.addWidget(self._speed)
        words = QVBoxLayout()
        words.addLayout(self._head)
        words.addWidget(self._facts)
        self._top = QHBoxLayout()
        self._top.addLayout(words, 1)
        self._top.addWidget(self._fold, 0, Qt.AlignmentFlag.AlignTop)
        self._column = QVBoxLayout(self)
        self._column.addLayout(self._top)
        self._words = words

    def _on_fold(self) -> None:
        if self._details is None:
            self._details = Details(self.suggestion)
            self._details.hide()
            self._column.addWidget(self._details)
        shown = not self._details.isVisibleTo(self)
        self._details.setVisible(shown)
        self._fold.set_icon("chevron-up" if shown else "chevron-down")

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._column.setContentsMargins(theme.px(16), theme.px(10), theme.px(12), theme.px(10))
        self._column.setSpacing(theme.px(8))
        self._top.setSpacing(theme.px(10))
        self._head.setSpacing(theme.px(10))
        self._words.setSpacing(theme.px(2))
        self._facts.setContentsMargins(theme.px(_INDENT), 0, 0, 0)
        self._speed.setFont(theme.number_font())


class Details(Retranslated, QWidget):
    """Why it stands where it does, its context, its parts in memory, where it comes from."""

    def __init__(self, suggestion: Suggestion) -> None:
        super().__init__()
        self._suggestion = suggestion
        self._reasons, self._facts = Label(wrap=True), Label(role="muted", scale=SMALL, wrap=True)
        self._column = QVBoxLayout(self)
        self._column.addWidget(self._reasons)
        self._column.addWidget(PlanBars(suggestion.plan.memory, legend=True))
        self._column.addWidget(self._facts)
        self.retranslate()
        follow_theme(self._restyle)

    def retranslate(self) -> None:
        one = self._suggestion
        self._reasons.setText(reasons_said((*one.reasons, *one.plan.given_up, *one.plan.would_change)))
        said = [
            quantization_words(one.quantization),
            self.tr("context of {count} tokens").format(count=count(one.plan.context_length)),
            self.tr("{count} parameters").format(count=parameters(round(one.parameters * 1e9))),
            self.tr("quality {score} of 100 ({source})").format(
                score=f"{one.quality:.0f}", source=system_said(one.quality_source)
            ),
            one.maker,
            one.licence,
            f"{one.repo}/{one.file}",
        ]
        self._facts.setText("  ·  ".join(part for part in said if part))

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._column.setContentsMargins(theme.px(_INDENT), 0, theme.px(24), theme.px(4))
        self._column.setSpacing(theme.px(8))
