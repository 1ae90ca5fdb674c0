"""Measuring as the window knows it: the calibration of this machine and the measurement of one model."""

from PySide6.QtCore import QObject, Signal

from app.errors import AppError
from app.protocol import (
    BenchChanged,
    BenchEnded,
    BenchReport,
    BenchRequest,
    CalibrationChanged,
    CalibrationState,
    Event,
    Hello,
)
from app.ui.client import Call, Client

_NO_LIMIT_MS = 0


class Measuring(QObject):
    """Goes on while other pages are shown. Says `changed`, see the fields; `finished` when there are new figures."""

    changed = Signal()
    finished = Signal()

    def __init__(self, client: Client, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._bench: Call | None = None
        self.calibration = CalibrationState()
        self.share: float | None = None
        """How far the measurement of a model is, 0 to 1; None while there is none."""
        self.report: BenchReport | None = None
        self.bench_error: AppError | None = None
        self.calibration_error: AppError | None = None

    def take_event(self, event: Event) -> None:
        """Follow the backend."""
        if isinstance(event, CalibrationChanged):
            self._on_calibration(event.state)
        elif isinstance(event, BenchChanged) and self._bench is not None:
            self.share = event.share
            self.changed.emit()
        elif isinstance(event, Hello) and self.calibration.running:
            self.fetch()  # another backend: the one that measured has gone

    def fetch(self) -> None:
        """Ask how the calibration stands."""
        self._client.get("/api/calibration", CalibrationState, self._on_calibration, self._on_calibration_error)

    def calibrate(self) -> None:
        """Measure this machine."""
        self.calibration_error = None
        self._client.post("/api/calibration", None, CalibrationState, self._on_calibration, self._on_calibration_error)

    def cancel_calibration(self) -> None:
        self._client.delete("/api/calibration", CalibrationState, self._on_calibration, self._on_calibration_error)

    def bench(self, model: str) -> None:
        """Measure a model, loaded first where it is not; minutes on slow machines, so nothing limits the time."""
        self.share, self.report, self.bench_error = 0.0, None, None
        request = BenchRequest(model=model)
        self._bench = self._client.post(
            "/api/bench", request, BenchReport, self._on_report, self._on_bench_error, limit_ms=_NO_LIMIT_MS
        )
        self.changed.emit()

    def cancel_bench(self) -> None:
        """Hang up, and have the backend end it."""
        if self._bench is not None:
            self._bench.abort()
            self._end_bench()
            self._client.delete("/api/bench", BenchEnded, lambda _ended: None)

    def _on_calibration(self, state: CalibrationState) -> None:
        ended = self.calibration.running and not state.running
        self.calibration = state
        self.calibration_error = AppError.from_info(state.error) if state.error is not None else None
        self.changed.emit()
        if ended and state.error is None:
            self.finished.emit()

    def _on_calibration_error(self, error: AppError) -> None:
        self.calibration_error = error
        self.changed.emit()

    def _on_report(self, report: BenchReport) -> None:
        self.report = report
        self._end_bench()
        self.finished.emit()

    def _on_bench_error(self, error: AppError) -> None:
        self.bench_error = error
        self._end_bench()

    def _end_bench(self) -> None:
        self._bench, self.share = None, None
        self.changed.emit()
