"""How fast it is: measuring this computer and one model, and prediction beside measurement."""

from collections.abc import Iterator

from app.errors import AppError
from app.protocol import Measurement
from app.ui.client import Client
from app.ui.hardware.bench_card import BenchCard
from app.ui.hardware.builder import Builder
from app.ui.hardware.calibration_card import CalibrationCard
from app.ui.hardware.record import Record
from app.ui.hardware.view import View
from app.ui.library import Library
from app.ui.measuring import Measuring
from app.ui.widgets import section_title


class SpeedView(View):
    """Asks for what was measured when it is shown, and whenever there are new figures."""

    def __init__(self, client: Client, measuring: Measuring, library: Library) -> None:
        super().__init__()
        self._client, self._measuring = client, measuring
        self.calibration, self.bench = CalibrationCard(measuring), BenchCard(measuring, library)
        self.record = Record()
        self.column.addWidget(self.calibration)
        self.column.addWidget(self.bench)
        self._title = section_title(self.column)
        self.column.addWidget(self.record)
        self.record.cleared.connect(self._on_cleared)
        measuring.finished.connect(self._fetch_record)
        self.retranslate()
        for part in (self.calibration, self.bench, self._title, self.record):
            part.hide()
        self._builder = Builder(self)
        self._builder.build(self._show_parts())

    def fetch(self) -> None:
        self._measuring.fetch()
        self._fetch_record()

    def retranslate(self) -> None:
        self._title.setText(self.tr("Prediction beside measurement"))

    def _show_parts(self) -> Iterator[None]:
        """Laying all of it out at once would hold the window up."""
        for part in (self.calibration, self.bench, self._title, self.record):
            part.show()
            yield

    def _fetch_record(self) -> None:
        self._client.get("/api/measurements", list[Measurement], self._on_rows, self._on_error)

    def _on_rows(self, rows: list[Measurement]) -> None:
        self.clear_error()
        self.record.show_rows(rows)

    def _on_cleared(self) -> None:
        self._client.delete("/api/measurements", list[Measurement], self._on_rows, self._on_error)

    def _on_error(self, error: AppError) -> None:
        self.show_error(error)
