"""The ten-second measurement of this machine: what it is for, its progress, what it found."""

from PySide6.QtCore import QDateTime, QLocale, Qt
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from app.format import bandwidth
from app.protocol import CalibrationState
from app.ui.measuring import Measuring
from app.ui.theme import SMALL, theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import Button, Card, ErrorCard, Label, follow_theme


class CalibrationCard(Retranslated, Card):
    """Follows `Measuring.calibration`."""

    def __init__(self, measuring: Measuring) -> None:
        super().__init__()
        self._measuring = measuring
        self._title, self._text = Label(bold=True, wrap=True), Label(role="muted", scale=SMALL, wrap=True)
        self._found, self._step = Label(wrap=True), Label(role="muted", scale=SMALL)
        self.button, self.cancel = Button(), Button()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self._error: ErrorCard | None = None
        self._lay_out()
        self.button.clicked.connect(measuring.calibrate)
        self.cancel.clicked.connect(measuring.cancel_calibration)
        measuring.changed.connect(self._show)
        self.retranslate()
        follow_theme(self._restyle)

    def retranslate(self) -> None:
        self._title.setText(self.tr("Measure this computer"))
        self._text.setText(
            self.tr(
                "Ten seconds with two small models made on the spot. Predictions are then corrected by what this "
                "computer really reaches."
            )
        )
        self.cancel.setText(self.tr("Cancel"))
        self.cancel.setAccessibleName(self.tr("Cancel measuring this computer"))
        self.progress.setAccessibleName(self.tr("Measuring this computer"))
        self._show()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        for label in (self._title, self._text, self._found):
            words.addWidget(label)
        head = QHBoxLayout()
        head.addLayout(words, 1)
        head.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.cancel, 0, Qt.AlignmentFlag.AlignTop)
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        self._column.addLayout(head)
        self._column.addWidget(self.progress)
        self._column.addWidget(self._step)
        self._head, self._words = head, words
        self.add_row(inner)

    def _show(self) -> None:
        state = self._measuring.calibration
        self._show_running(state)
        self.button.setText(self.tr("Measure again") if state.finished else self.tr("Measure"))
        self.button.setAccessibleName(f"{self.button.text()}: {self._title.text()}")
        found = self._said(state)
        self._found.setText(found)
        self._found.setVisible(bool(found) and not state.running)
        self._show_error()

    def _show_running(self, state: CalibrationState) -> None:
        focused = self.button.hasFocus() or self.cancel.hasFocus()
        self.button.setVisible(not state.running)
        self.cancel.setVisible(state.running)
        if focused:
            (self.cancel if state.running else self.button).setFocus()
        for widget in (self.progress, self._step):
            widget.setVisible(state.running)
        self.progress.setValue(round(state.share * 1000))
        steps = {
            "writing": self.tr("Making the models…"),
            "loading": self.tr("Loading…"),
            "measuring": self.tr("Measuring…"),
        }
        self._step.setText(f"{steps.get(state.step, '')} {state.share:.0%}".strip())

    def _said(self, state: CalibrationState) -> str:
        """What the last measurement found; empty before the first."""
        if state.finished is None:
            return ""
        parts = []
        if state.bandwidth is not None:
            speed = bandwidth(state.bandwidth)
            parts.append(self.tr("Memory is read at {speed} while writing").format(speed=speed))
        if state.layer_s is not None:
            parts.append(self.tr("{time} µs a layer besides").format(time=f"{state.layer_s * 1e6:.0f}"))
        if state.prefill_flops is not None:
            parts.append(
                self.tr("{rate} TFLOPS while reading a prompt").format(rate=f"{state.prefill_flops / 1e12:.2f}")
            )
        day = QLocale().toString(
            QDateTime.fromSecsSinceEpoch(round(state.finished)).date(), QLocale.FormatType.LongFormat
        )
        parts.append(self.tr("measured on {day}").format(day=day))
        return "  ·  ".join(parts)

    def _show_error(self) -> None:
        error = self._measuring.calibration_error
        if error is None:
            if self._error is not None:
                self._error.hide()
            return
        if self._error is None:
            self._error = ErrorCard(error)
            self._error.acted.connect(self._measuring.calibrate)
            self._column.addWidget(self._error)
        self._error.show_error(error, self.tr("Try again"))
        self._error.show()

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._column.setContentsMargins(*(theme.px(16),) * 4)
        self._column.setSpacing(theme.px(8))
        self._head.setSpacing(theme.px(16))
        self._words.setSpacing(theme.px(4))
