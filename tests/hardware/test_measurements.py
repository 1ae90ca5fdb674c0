from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.hardware import measurements as stored
from app.hardware.measurements import KEPT, MEASUREMENTS, Measurements
from app.protocol import Measurement, MeasurementKind
from app.store.database import open_database
from app.store.migrations import STORE

ONE = Measurement(
    id=0, created=10.0, kind=MeasurementKind.DECODE, model="tiny", device="CPU", key="Some Processor", build="b1",
    depth=100, tokens=64, predicted=40.0, stated=30.0, measured=35.5,
)  # fmt: skip


@pytest.fixture
def measurements(tmp_path: Path) -> Iterator[Measurements]:
    database = open_database(tmp_path / "alcove.db", (STORE, MEASUREMENTS))
    yield Measurements(database)
    database.close()


def test_what_was_added_comes_back_newest_first(measurements: Measurements) -> None:
    other = replace(ONE, kind=MeasurementKind.PREFILL, predicted=None, stated=None)
    measurements.add([ONE])
    measurements.add([other])
    first, second = measurements.all()
    assert replace(first, id=0) == other
    assert replace(second, id=0) == ONE
    assert first.id > second.id > 0


def test_the_oldest_of_a_kind_go(measurements: Measurements) -> None:
    measurements.add([replace(ONE, kind=MeasurementKind.PREFILL)])
    measurements.add([replace(ONE, measured=float(number)) for number in range(KEPT + 5)])
    kept = [row.measured for row in measurements.all() if row.kind is MeasurementKind.DECODE]
    assert kept == [float(number) for number in reversed(range(5, KEPT + 5))]
    assert len(measurements.all()) == KEPT + 1


def test_the_calibration_stays_however_much_comes_after_it(measurements: Measurements) -> None:
    calibration = replace(ONE, kind=MeasurementKind.CALIBRATION, model="", measured=0.8)
    measurements.add([calibration])
    measurements.add([replace(ONE, model=f"model {number}") for number in range(30)])
    found = measurements.all(limit=10)
    assert len(found) == 11
    assert replace(found[-1], id=0) == calibration


def test_the_table_does_not_grow_for_ever(measurements: Measurements, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "KEPT_IN_ALL", 20)
    measurements.add([replace(ONE, kind=MeasurementKind.CALIBRATION, model="", measured=0.8)])
    measurements.add([replace(ONE, model=f"model {number}") for number in range(30)])
    assert [row.model for row in measurements.all()] == [*(f"model {number}" for number in range(29, 9, -1)), ""]


def test_everything_can_be_forgotten(measurements: Measurements) -> None:
    measurements.add([ONE])
    measurements.clear()
    assert measurements.all() == []


def test_a_database_of_conversations_alone_gets_the_table(tmp_path: Path) -> None:
    path = tmp_path / "alcove.db"
    open_database(path).close()
    database = open_database(path, (STORE, MEASUREMENTS))
    Measurements(database).add([ONE])
    assert len(Measurements(database).all()) == 1
    database.close()
