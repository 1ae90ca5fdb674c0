"""A picked model as a card: what it is and why at the left, its figures at the right, or below where it is narrow."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.protocol import Suggestion
from app.ui.hardware.advice_words import download_said, first_word_said, reasons_said, speed_said
from app.ui.hardware.plan_bars import PlanBars
from app.ui.hardware.verdict_sign import TONES, VerdictSign, quantization_words, verdict_words
from app.ui.theme import SMALL, TITLE, theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import Card, Label, follow_theme

_NARROW, _FIGURES = 480, 216


class PickCard(Retranslated, Card):
    """Shows one `Suggestion` under the heading it was picked for."""

    def __init__(self, heading: str, suggestion: Suggestion) -> None:
        super().__init__()
        self.suggestion = suggestion
        self._heading = Label(heading, role="accent", scale=SMALL, bold=True)
        self._name = Label(suggestion.name, scale=TITLE, bold=True, wrap=True)
        self._where = Label(role=TONES[suggestion.plan.verdict], wrap=True)
        self._quantization, self._download = Label(role="muted", scale=SMALL, wrap=True), _small()
        self._reasons = Label(wrap=True)
        self._speed, self._first = Label(scale=TITLE, bold=True, wrap=True), _small()
        self._bars = PlanBars(suggestion.plan.memory, legend=False)
        self._figures = QWidget()
        self._lay_out()
        self.retranslate()
        follow_theme(self._restyle)

    def retranslate(self) -> None:
        suggestion = self.suggestion
        self._where.setText(verdict_words(suggestion.plan.verdict))
        self._quantization.setText(quantization_words(suggestion.quantization))
        self._reasons.setText(reasons_said(suggestion.reasons))
        self._speed.setText(speed_said(suggestion))
        self._first.setText(first_word_said(suggestion))
        self._download.setText(download_said(suggestion))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._heading, 1)
        words = QVBoxLayout()
        words.addLayout(head)
        for label in (self._name, self._quantization, self._reasons):
            words.addWidget(label)
        words.addStretch(1)
        figures = QVBoxLayout(self._figures)
        figures.setContentsMargins(0, 0, 0, 0)
        self._sign_row = QHBoxLayout()
        self._sign_row.addWidget(VerdictSign(self.suggestion.plan.verdict))
        self._sign_row.addWidget(self._where, 1)
        figures.addLayout(self._sign_row)
        for widget in (self._speed, self._first, self._bars, self._download):
            figures.addWidget(widget)
        figures.addStretch(1)
        inner = QWidget()
        self._sides = QBoxLayout(QBoxLayout.Direction.LeftToRight, inner)
        self._sides.addLayout(words, 1)
        self._sides.addWidget(self._figures, 0, Qt.AlignmentFlag.AlignTop)
        self._words, self._column = words, figures
        self.add_row(inner)

    def _arrange(self) -> None:
        """Beside each other where there is room."""
        theme = theme_of(self)
        narrow = self.width() < theme.px(_NARROW)
        direction = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
        if self._sides.direction() is not direction:
            self._sides.setDirection(direction)
        width = 16_777_215 if narrow else theme.px(_FIGURES)
        self._figures.setMaximumWidth(width)
        self._figures.setMinimumWidth(0 if narrow else width)
        self._sides.setAlignment(self._figures, Qt.AlignmentFlag(0) if narrow else Qt.AlignmentFlag.AlignTop)

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._sides.setContentsMargins(*(theme.px(16),) * 4)
        self._sides.setSpacing(theme.px(20))
        self._sign_row.setSpacing(theme.px(8))
        self._words.setSpacing(theme.px(4))
        self._column.setSpacing(theme.px(4))
        self._arrange()


def _small() -> Label:
    return Label(role="muted", scale=SMALL, wrap=True)
