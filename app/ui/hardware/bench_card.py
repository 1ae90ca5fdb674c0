"""Measuring one model: which, the progress, and a table of what was measured beside what had been predicted."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from app.format import count, seconds
from app.protocol import BenchReport, BenchRow, ModelState, Range
from app.ui.hardware.loaded import LoadedCard, off_by
from app.ui.hardware.record_words import speed_of
from app.ui.hardware.table import Table
from app.ui.library import Library
from app.ui.measuring import Measuring
from app.ui.theme import SMALL, theme_of
from app.ui.translate import Retranslated, language
from app.ui.widgets import Button, Card, Choice, ErrorCard, Label, follow_theme


class BenchCard(Retranslated, Card):
    """Follows `Measuring` and the library."""

    def __init__(self, measuring: Measuring, library: Library) -> None:
        super().__init__()
        self._measuring, self._library = measuring, library
        self._title, self._text = Label(bold=True, wrap=True), Label(role="muted", scale=SMALL, wrap=True)
        self.model, self.button, self.cancel = Choice(), Button(), Button()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self._summary, self.table = Label(role="muted", scale=SMALL, wrap=True), Table(1, 4)
        self._memory: LoadedCard | None = None
        self._error: ErrorCard | None = None
        self._lay_out()
        self.button.clicked.connect(self._on_button)
        self.cancel.clicked.connect(measuring.cancel_bench)
        measuring.changed.connect(self._show)
        library.changed.connect(self._show_models)
        self.retranslate()
        follow_theme(self._restyle)

    def retranslate(self) -> None:
        self._title.setText(self.tr("Measure a model"))
        self._text.setText(
            self.tr("How fast it reads and writes with little and with much in mind. It is loaded for that.")
        )
        self.model.setAccessibleName(self.tr("Model to measure"))
        self.button.setText(self.tr("Measure"))
        self.button.setAccessibleName(f"{self.button.text()}: {self._title.text()}")
        self.cancel.setText(self.tr("Cancel"))
        self.cancel.setAccessibleName(self.tr("Cancel measuring the model"))
        self.progress.setAccessibleName(self.tr("Measuring a model"))
        self.table.set_head(
            [
                self.tr("Tokens a second"),
                self.tr("tokens"),
                self.tr("measured"),
                self.tr("predicted"),
                self.tr("off by"),
            ]
        )
        self._show_models()
        self._show()

    def _lay_out(self) -> None:
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        self._line = QHBoxLayout()
        self._line.addWidget(self.model, 1)
        self._line.addWidget(self.button)
        self._line.addWidget(self.cancel)
        self._column.addWidget(self._title)
        self._column.addWidget(self._text)
        self._column.addLayout(self._line)
        self._column.addWidget(self.progress)
        self.add_row(inner)
        self._result = QWidget()
        self._found = QVBoxLayout(self._result)
        self._found.addWidget(self._summary, 0, Qt.AlignmentFlag.AlignTop)
        self._found.addWidget(self.table)
        self.rows.addWidget(self._result)  # without a rule, which would stay when it is hidden

    def _show_models(self) -> None:
        """The loaded ones first: what is measured is how they are."""
        entries = [each for each in self._library.entries if each.state is not ModelState.BROKEN]
        entries.sort(key=lambda each: each.state is not ModelState.LOADED)
        chosen = self.model.value
        self.model.set_options([(each.id, each.name) for each in entries])
        if self.model.value is None and entries:
            self.model.set_value(chosen if chosen in [each.id for each in entries] else entries[0].id)
        self.button.setEnabled(bool(entries))

    def _show(self) -> None:
        share, report = self._measuring.share, self._measuring.report
        running = share is not None
        focused = self.button.hasFocus() or self.cancel.hasFocus()
        self.button.setVisible(not running)
        self.cancel.setVisible(running)
        if focused:
            (self.cancel if running else self.button).setFocus()
        self.model.setEnabled(not running)
        self.progress.setVisible(running)
        self.progress.setRange(0, 1000 if share else 0)
        self.progress.setValue(round((share or 0.0) * 1000))
        self._result.setVisible(report is not None)
        if report is not None:
            self._show_report(report)
        self._show_error()

    def _show_report(self, report: BenchReport) -> None:
        unknown = self.tr("unknown")
        words = self.tr(
            "{model}  ·  {device}  ·  context of {context} tokens  ·  loaded in {time}  ·  llama.cpp {build}"
        )
        self._summary.setText(
            words.format(
                model=report.model,
                device=report.device or unknown,
                context=count(report.context_length),
                time=seconds(report.load_s, language()),
                build=report.build or unknown,
            )
        )
        self.table.set_rows([self._row(row) for row in report.rows])
        if report.memory is not None:
            if self._memory is None:
                self._memory = LoadedCard()
                self._memory.setObjectName("")  # it lies in a card already
                self._found.addWidget(self._memory)
            self._memory.show_memory(self.tr("Memory"), report.memory)
        if self._memory is not None:
            self._memory.setVisible(report.memory is not None)

    def _row(self, row: BenchRow) -> tuple[str, ...]:
        predicted = row.predicted
        return (
            speed_of(row.kind, row.depth),
            count(row.tokens),
            spread(row.measured),
            "" if predicted is None else spread(predicted),
            off_by(None if predicted is None else predicted.expected, row.measured.expected),
        )

    def _show_error(self) -> None:
        error = self._measuring.bench_error
        if error is None:
            if self._error is not None:
                self._error.hide()
            return
        if self._error is None:
            self._error = ErrorCard(error)
            self._error.acted.connect(self._on_button)
            self._column.addWidget(self._error)
        self._error.show_error(error, self.tr("Try again"))
        self._error.show()

    def _on_button(self) -> None:
        if isinstance(self.model.value, str):
            self._measuring.bench(self.model.value)

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._column.setContentsMargins(*(theme.px(16),) * 4)
        self._column.setSpacing(theme.px(8))
        self._found.setContentsMargins(0, theme.px(12), 0, 0)
        self._summary.setContentsMargins(theme.px(16), 0, theme.px(16), 0)
        self._line.setSpacing(theme.px(8))


def spread(speed: Range) -> str:
    """ "31.2 (29.8–33.0)", without decimals from a hundred on."""
    digits = 0 if speed.expected >= 100 else 1
    low, expected, high = (f"{value:,.{digits}f}" for value in (speed.low, speed.expected, speed.high))
    return expected if low == high else f"{expected} ({low}–{high})"
