"""Everything that was measured here, newest first, beside what had been predicted; it can be cleared."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.protocol import Measurement, MeasurementKind
from app.ui.hardware.loaded import off_by
from app.ui.hardware.record_words import figure_of, median_error, subject_of
from app.ui.hardware.table import Table
from app.ui.theme import theme_of
from app.ui.translate import Retranslated, language
from app.ui.widgets import Button, Card, Label, follow_theme

_STEP = 12
"""Rows shown at first, and more with each press."""


class Record(Retranslated, QWidget):
    """`cleared` when a person has asked for it and said so again."""

    cleared = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._rows: Sequence[Measurement] = ()
        self._limit = _STEP
        self._summary, self._sure = Label(role="muted", wrap=True), Label(wrap=True)
        self._card, self.table = Card(), Table(1, 3)
        self._card.add_row(self.table)
        self.more, self.clear = Button(kind="quiet"), Button(kind="quiet", name="trash-2")
        self.confirm, self.keep = Button(kind="danger"), Button()
        self._lay_out()
        self.more.clicked.connect(self._on_more)
        self.clear.clicked.connect(lambda: self._ask(True))
        self.keep.clicked.connect(lambda: self._ask(False))
        self.confirm.clicked.connect(self._on_confirm)
        self.retranslate()
        follow_theme(self._restyle)

    def show_rows(self, rows: Sequence[Measurement]) -> None:
        """All of them, in any order."""
        rows = sorted(rows, key=lambda row: row.created, reverse=True)
        if rows != self._rows:
            self._rows = rows
            self._show()

    def retranslate(self) -> None:
        self.table.set_head(["", self.tr("predicted"), self.tr("measured"), self.tr("off by")])
        self.more.setText(self.tr("Show more"))
        self.clear.setText(self.tr("Clear"))
        self.clear.setAccessibleName(self.tr("Clear all measurements"))
        self._sure.setText(self.tr("Clear all measurements? Predictions then start from the makers' figures again."))
        self.confirm.setText(self.tr("Clear all"))
        self.keep.setText(self.tr("Keep them"))
        self._show()

    def _lay_out(self) -> None:
        self._buttons, self._asking = QHBoxLayout(), QHBoxLayout()
        self._buttons.addWidget(self.more)
        self._buttons.addStretch(1)
        self._buttons.addWidget(self.clear)
        self._asking.addWidget(self._sure, 1)
        self._asking.addWidget(self.confirm, 0, Qt.AlignmentFlag.AlignTop)
        self._asking.addWidget(self.keep, 0, Qt.AlignmentFlag.AlignTop)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(self._summary)
        self._column.addWidget(self._card)
        self._column.addLayout(self._buttons)
        self._column.addLayout(self._asking)
        for widget in (self._sure, self.confirm, self.keep):
            widget.hide()

    def _show(self) -> None:
        shown = self._rows[: self._limit]
        self.table.set_rows(
            [
                (
                    subject_of(row),
                    figure_of(row.kind, row.predicted),
                    figure_of(row.kind, row.measured),
                    off_by(row.predicted, row.measured),
                )
                for row in shown
            ]
        )
        self._card.setVisible(bool(shown))
        self.more.setVisible(len(self._rows) > len(shown))
        self.clear.setVisible(bool(shown) and not self._sure.isVisibleTo(self))
        self._summary.setText(self._said())

    def _said(self) -> str:
        if not self._rows:
            return self.tr("Nothing has been measured yet. Every answer adds a figure, and so does measuring.")
        names = {
            MeasurementKind.DECODE: self.tr("writing {share}"),
            MeasurementKind.PREFILL: self.tr("reading {share}"),
            MeasurementKind.MEMORY: self.tr("memory {share}"),
        }
        errors = [(words, median_error(self._rows, kind)) for kind, words in names.items()]
        comma = "，" if language() == "zh" else ", "
        said = [words.format(share=f"{error:.0%}".replace("%", " %")) for words, error in errors if error is not None]
        return self.tr("Predictions were off by, in the middle: {said}").format(said=comma.join(said)) if said else ""

    def _ask(self, asking: bool) -> None:
        for widget in (self._sure, self.confirm, self.keep):
            widget.setVisible(asking)
        self.clear.setVisible(not asking and bool(self._rows))
        (self.keep if asking else self.clear).setFocus()

    def _on_confirm(self) -> None:
        self._ask(False)
        self.cleared.emit()

    def _on_more(self) -> None:
        self._limit += _STEP
        self._show()

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._column.setSpacing(theme.px(8))
        self._asking.setSpacing(theme.px(8))
