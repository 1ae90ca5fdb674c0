"""Measuring this computer and a model, and the record of all that was measured."""

import pytest
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.protocol import (
    BenchChanged,
    BenchEnded,
    CalibrationChanged,
    CalibrationState,
    Hello,
    Measurement,
    MeasurementKind,
    ModelEntry,
    ModelState,
    Status,
)
from app.ui.hardware.builder import building
from app.ui.hardware.record_words import figure_of, median_error, subject_of
from app.ui.hardware.speed_view import SpeedView
from app.ui.library import Library
from app.ui.measuring import Measuring
from app.ui.widgets import ErrorCard
from tests.ui.fake_client import FakeClient
from tests.ui.finding import button, child, texts
from tests.ui.hardware.said import GIB, REPORT, ROWS

RUNNING = CalibrationState(running=True, share=0.4, step="measuring")
DONE = CalibrationState(finished=1_700_000_000.0, bandwidth=41e9, layer_s=25e-6, prefill_flops=0.9e12)


def entry(name: str, state: ModelState = ModelState.AVAILABLE) -> ModelEntry:
    return ModelEntry(id=name, name=name.title(), path="/x", size=1, quantization="Q4_0", state=state)


@pytest.fixture
def measuring(told: FakeClient) -> Measuring:
    return Measuring(told)


@pytest.fixture
def view(qtbot: QtBot, told: FakeClient, measuring: Measuring) -> SpeedView:
    told.answers["GET /api/models"] = [
        entry("first"), entry("bad", ModelState.BROKEN), entry("used", ModelState.LOADED)
    ]  # fmt: skip
    library = Library(told)
    library.setParent(measuring)
    library.fetch()
    view = SpeedView(told, measuring, library)
    qtbot.addWidget(view)
    view.resize(700, 900)
    view.show()
    view.fetch()
    qtbot.waitUntil(lambda: "model 13" in said(view) and view.bench.model.count() == 2 and not building())
    return view


def said(view: SpeedView) -> str:
    return "\n".join(row[0] for row in view.record.table.rows)


def test_the_calibration_tells_how_far_it_is_and_can_be_cancelled(
    view: SpeedView, told: FakeClient, measuring: Measuring, qtbot: QtBot
) -> None:
    card = view.calibration
    told.answers["POST /api/calibration"] = CalibrationState(running=True, step="writing")
    button(card, "Measure").click()
    qtbot.waitUntil(lambda: card.progress.isVisibleTo(view))
    assert "Making the models…" in texts(card)
    measuring.take_event(CalibrationChanged(state=RUNNING))
    assert card.progress.value() == 400
    assert "Measuring… 40%" in texts(card)
    assert not card.button.isVisibleTo(view)
    told.answers["DELETE /api/calibration"] = CalibrationState()
    button(card, "Cancel").click()
    qtbot.waitUntil(lambda: not card.progress.isVisibleTo(view))
    assert card.button.isVisibleTo(view)


def test_what_the_calibration_found_is_told_and_the_record_is_read_again(
    view: SpeedView, told: FakeClient, measuring: Measuring, qtbot: QtBot
) -> None:
    measuring.take_event(CalibrationChanged(state=RUNNING))
    told.answers["GET /api/measurements"] = ROWS[:1]
    measuring.take_event(CalibrationChanged(state=DONE))
    for words in ("41 GB/s", "25 µs a layer", "0.90 TFLOPS", "2023"):
        assert words in texts(view.calibration)
    assert view.calibration.button.text() == "Measure again"
    qtbot.waitUntil(lambda: len(view.record.table.rows) == 1)


def test_a_calibration_that_failed_says_why(view: SpeedView, measuring: Measuring) -> None:
    failed = AppError("backend_gone")
    measuring.take_event(CalibrationChanged(state=CalibrationState(error=failed.info)))
    assert child(view.calibration, ErrorCard).isVisibleTo(view)
    measuring.take_event(CalibrationChanged(state=RUNNING))
    assert not child(view.calibration, ErrorCard).isVisibleTo(view)


def test_another_backend_is_asked_how_the_calibration_stands(measuring: Measuring, told: FakeClient) -> None:
    hello = Hello(client_id="x", status=Status(version="1", pid=1, home="", uptime_s=0, clients=1, answering=0))
    measuring.take_event(hello)
    assert told.requests == []
    measuring.take_event(CalibrationChanged(state=RUNNING))
    measuring.take_event(hello)
    assert len(told.asked("GET", "/api/calibration")) == 1


def test_models_to_measure_begin_with_the_loaded_one_and_leave_out_broken_ones(view: SpeedView) -> None:
    choice = view.bench.model
    assert [choice.itemText(place) for place in range(choice.count())] == ["Used", "First"]
    assert choice.value == "first" or choice.value == "used"


def test_a_model_is_measured_with_progress_and_a_table(
    view: SpeedView, told: FakeClient, measuring: Measuring, qtbot: QtBot
) -> None:
    told.answers["POST /api/bench"] = REPORT
    card = view.bench
    card.model.set_value("used")
    card.button.click()
    assert card.progress.maximum() == 0, "it may have to load first"
    measuring.take_event(BenchChanged(model="used", share=0.25))
    assert (card.progress.value(), card.progress.maximum()) == (250, 1000)
    qtbot.waitUntil(lambda: card.table.isVisibleTo(view) and not building())
    assert told.asked("POST", "/api/bench") == [{"model": "used"}]
    assert card.table.rows == [
        ["Writing, 1,024 tokens before it", "32", "50.0 (48.0–52.0)", "60.0 (40.0–70.0)", "+20 %"],
        ["Reading", "512", "900", "", ""],
    ]
    for words in ("CUDA0", "context of 8,192 tokens", "loaded in 2.5 s", "llama.cpp b7", "KV cache", "off by"):
        assert words in texts(card)
    assert not card.progress.isVisibleTo(view)


def test_measuring_a_model_can_be_cancelled(view: SpeedView, told: FakeClient, qtbot: QtBot) -> None:
    told.answers["POST /api/bench"] = REPORT
    told.answers["DELETE /api/bench"] = BenchEnded(ended=True)
    view.bench.button.click()
    button(view.bench, "Cancel").click()
    assert len(told.asked("DELETE", "/api/bench")) == 1
    answered = told.answered
    view.fetch()
    qtbot.waitUntil(lambda: told.answered >= answered + 2)
    assert not view.bench.table.isVisibleTo(view)
    assert view.bench.button.isVisibleTo(view)


def test_why_a_model_could_not_be_measured_is_said(view: SpeedView, told: FakeClient, qtbot: QtBot) -> None:
    told.answers["POST /api/bench"] = AppError("backend_gone")
    view.bench.button.click()
    qtbot.waitUntil(lambda: view.bench.findChild(ErrorCard) is not None)
    told.answers["POST /api/bench"] = REPORT
    button(child(view.bench, ErrorCard), "Try again").click()
    qtbot.waitUntil(lambda: view.bench.table.isVisibleTo(view))
    assert not child(view.bench, ErrorCard).isVisibleTo(view)


def test_the_record_begins_with_the_newest_and_shows_more_when_asked(view: SpeedView, qtbot: QtBot) -> None:
    rows = view.record.table.rows
    assert len(rows) == 12
    assert rows[0] == [
        "model 13  ·  Writing, 1,024 tokens before it  ·  CUDA0", "50.0 tok/s", "40.0 tok/s", "+25 %"
    ]  # fmt: skip
    assert "writing 25 %" in texts(view.record)
    button(view.record, "Show more").click()
    qtbot.waitUntil(lambda: len(view.record.table.rows) == 14)
    assert not view.record.more.isVisibleTo(view)


def test_the_record_is_cleared_only_when_said_twice(view: SpeedView, told: FakeClient, qtbot: QtBot) -> None:
    told.answers["DELETE /api/measurements"] = []
    button(view.record, "Clear").click()
    button(view.record, "Keep them").click()
    assert told.asked("DELETE", "/api/measurements") == []
    button(view.record, "Clear").click()
    button(view.record, "Clear all").click()
    qtbot.waitUntil(lambda: view.record.table.rows == [])
    assert "Nothing has been measured yet" in texts(view.record)
    assert not view.record.clear.isVisibleTo(view)


def test_a_record_that_cannot_be_read_says_so(view: SpeedView, told: FakeClient, qtbot: QtBot) -> None:
    told.answers["GET /api/measurements"] = AppError("backend_gone")
    view.fetch()
    qtbot.waitUntil(lambda: view.findChild(ErrorCard) is not None)
    assert "model 13" in said(view), "what was known stays"


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (MeasurementKind.DECODE, 9.26, "9.3 tok/s"),
        (MeasurementKind.PREFILL, 1234.4, "1,234 tok/s"),
        (MeasurementKind.MEMORY, 2.0 * GIB, "2.0 GiB"),
        (MeasurementKind.CALIBRATION, 0.8, "× 0.80"),
        (MeasurementKind.BANDWIDTH, 41e9, "41 GB/s"),
        (MeasurementKind.LAYER, 25e-6, "25 µs"),
        (MeasurementKind.PRODUCTS, 0.9e12, "0.90 TFLOPS"),
        (MeasurementKind.MEMORY, None, ""),
    ],
)
def test_figures_have_their_units(kind: MeasurementKind, value: float | None, words: str) -> None:
    assert figure_of(kind, value) == words


def test_what_was_measured_of_the_machine_itself_says_so() -> None:
    row = Measurement(
        id=1, created=0, kind=MeasurementKind.BANDWIDTH, model="", device="CPU", build="1", measured=41e9
    )  # fmt: skip
    assert subject_of(row) == "this computer  ·  Speed of memory  ·  main memory"
    assert median_error([row], MeasurementKind.BANDWIDTH) is None
