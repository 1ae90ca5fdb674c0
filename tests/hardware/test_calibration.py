"""From the seconds two known models take, the machine that takes them is found again."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hardware.calibration import Run, as_measurements, calibrated, from_measurements, promised
from app.hardware.corrections import Calibrated, Corrections
from app.hardware.geometry import geometry_of
from app.hardware.gguf import read_header
from app.hardware.placement import Placement
from app.hardware.speed import Speeds
from app.hardware.synthetic import Shape, shapes, write_synthetic
from app.protocol import CPU, Machine
from tests.hardware.speed_parts import GPU, machine

MIB = 1024**2


def run_of(shape: Shape, device: str, here: Machine, truth: Calibrated) -> Run:
    """What a machine of that truth would measure."""
    geometry = shape.geometry()
    layers = () if device == CPU else ((device, shape.layers + 1),)
    placement = Placement(context_length=1024, blocks=shape.layers, device_layers=layers)
    speeds = Speeds(geometry, placement, here, Corrections({device: truth}))
    return Run(geometry, 1 / speeds.decode(272).expected, 272, 1 / speeds.prefill(256).expected, 256)


@given(
    st.floats(min_value=2e9, max_value=2e12),
    st.floats(min_value=1e-6, max_value=5e-4),
    st.floats(min_value=1e10, max_value=1e14),
    st.sampled_from([CPU, GPU]),
)
def test_the_truth_is_found_again(bandwidth: float, layer_s: float, products: float, device: str) -> None:
    here, truth = machine(gpu=500e9), Calibrated(bandwidth, layer_s, products)
    wide, narrow = shapes(16 * MIB, 512 * MIB)
    runs = run_of(wide, device, here, truth), run_of(narrow, device, here, truth)
    found = calibrated(runs, device, here)
    assert found.bandwidth == pytest.approx(bandwidth, rel=1e-3)
    assert found.layer_s == pytest.approx(layer_s, rel=1e-3)
    assert found.products == pytest.approx(products, rel=1e-3)


def test_noise_gives_no_negative_overhead() -> None:
    here = machine()
    wide, narrow = shapes(16 * MIB, 512 * MIB)
    first = run_of(wide, CPU, here, Calibrated(10e9, 0.0, 1e11))
    other = Run(narrow.geometry(), first.decode_s / 10, 272, first.prefill_s / 10, 256)
    found = calibrated((first, other), CPU, here)
    assert found.layer_s == 0.0
    assert found.bandwidth == pytest.approx(10e9, rel=0.05)


@pytest.mark.parametrize("cache", [1 * MIB, 36 * MIB, 96 * MIB])
def test_the_wide_model_does_not_fit_into_the_cache(cache: int) -> None:
    wide, narrow = shapes(cache, 512 * MIB)
    assert wide.layers * wide.layer_size >= min(4 * cache, 512 * MIB)
    assert wide.layers * wide.layer_size <= 512 * MIB + wide.layer_size
    assert narrow.layers > wide.layers


def test_what_is_written_is_what_it_says(tmp_path: Path) -> None:
    """The file's own header gives the geometry that is reckoned with, and its weights are finite."""
    path = tmp_path / "noise.gguf"
    shape = Shape("tiny", layers=2, width=256, feed_forward=512, heads=4, kv_heads=2)
    write_synthetic(path, shape)
    found, meant = geometry_of(read_header(path)), shape.geometry()
    assert [layer.key_width for layer in found.layers] == [layer.key_width for layer in meant.layers]
    assert found.layers[0].dense.by_type[12] == meant.layers[0].dense.by_type[12]
    assert (found.width, found.heads, found.vocabulary) == (meant.width, meant.heads, meant.vocabulary)
    scale, least = struct.unpack("<ee", path.read_bytes()[-144 : -144 + 4])
    assert 0 < scale < 0.001
    assert 0 < least < 0.001


def test_a_calibration_is_stored_as_plain_figures() -> None:
    here, truth = machine(), Calibrated(12e9, 3e-5, 2e11)
    expected = promised(here, CPU)
    rows = as_measurements(truth, expected, CPU, "Some Processor", "b1", 5.0)
    assert [row.kind.value for row in rows] == ["bandwidth", "layer", "products"]
    assert all(row.model == "" and row.predicted and row.key == "Some Processor" for row in rows)
    assert as_measurements(truth, None, CPU, "", "", 1.0)[0].predicted is None
    older = as_measurements(Calibrated(1e9, 1e-5), expected, CPU, "Some Processor", "b1", 1.0)
    assert from_measurements([*older, *rows]) == truth
    assert from_measurements([]) is None
