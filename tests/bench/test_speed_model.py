"""The speed model against what others measured; the whole of it, each device left out, is printed by the benchmark."""

from statistics import fmean, median

import msgspec
import pytest

from app.hardware.speed import Speeds
from app.hardware.speed_classes import SpeedTable, speed_table
from bench.points import read_points
from bench.speed_fit import DECODE_PRIORS, Sample, fit_family, samples, with_constants, written
from bench.speed_model import decode_error, prefill_error

POINTS = read_points()
SAMPLES = samples(POINTS)


def of(family: str) -> list[Sample]:
    return [sample for sample in SAMPLES if sample.family == family]


def test_every_point_is_of_a_known_model_and_machine() -> None:
    assert len(POINTS) > 200
    assert len(SAMPLES) > 0.95 * len(POINTS)
    assert {sample.family for sample in SAMPLES} == {"nvidia", "apple", "amd", "intel", "cpu"}


def test_the_shipped_constants_predict_the_points() -> None:
    decode = [abs(error) for sample in SAMPLES if (error := decode_error(sample, speed_table())) is not None]
    prefill = [abs(error) for sample in SAMPLES if (error := prefill_error(sample, speed_table())) is not None]
    assert fmean(decode) < 0.10
    assert median(decode) < 0.068
    assert median(prefill) < 0.073


@pytest.mark.parametrize("family", ["nvidia", "apple", "amd", "cpu"])
def test_the_app_predicts_what_the_benchmark_does(family: str) -> None:
    """Where a build is of today: those of 2024 have a variant of their own, which is no device's."""
    sample = next(one for one in of(family) if not one.point.old_build)
    point = sample.point
    speeds = Speeds(point.geometry, point.placement, point.machine)
    assert speeds.decode(point.decode_depth).expected == pytest.approx(sample.decode(speed_table()))
    assert speeds.prefill(point.read, point.depth).expected == pytest.approx(sample.prefill(speed_table()))


def test_a_device_that_is_left_out_is_predicted_from_the_others() -> None:
    """Apple's M2 Ultra from chips of a quarter of its bandwidth."""
    left_out = [sample for sample in of("apple") if "M2 Ultra" in sample.point.hardware]
    others = [sample for sample in of("apple") if sample not in left_out]
    table = fit_family(others, speed_table(), "apple", of_decode=True, priors=DECODE_PRIORS)
    errors = [decode_error(sample, table) for sample in left_out]
    assert len(errors) == 3
    assert all(error is not None and abs(error) < 0.15 for error in errors)


def test_constants_are_named_by_family_variant_and_core() -> None:
    table = with_constants(speed_table(), {"amd.layer_us": 7.0, "amd.rocm.layer_us": 3.0, "cpu.core.avx2": 9.0})
    assert table.families["amd"].base.layer_us == 7.0
    assert table.families["amd"].variants["rocm"]["layer_us"] == 3.0
    assert table.cores["avx2"] == 9.0


def test_what_is_written_is_read_again() -> None:
    text = written(speed_table())
    assert msgspec.json.decode(text, type=SpeedTable) == speed_table()
    assert all(len(line) < 600 for line in text.splitlines())
