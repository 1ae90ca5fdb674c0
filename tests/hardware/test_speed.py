from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as with_fields

from app.hardware.corrections import Calibrated, Corrected, Corrections
from app.hardware.placement import Placement
from app.hardware.speed import Speeds, predict
from app.protocol import CPU, Confidence, Device, KvType, Machine
from tests.hardware.speed_parts import F16, GPU, IQ2_XXS, Q8_0, machine, model, placed

GIB = 2**30
BANDWIDTHS = st.floats(min_value=20e9, max_value=4e12)
LAYERS = st.integers(min_value=1, max_value=80)
SIZES = st.integers(min_value=10_000_000, max_value=600_000_000)


def decode(speeds: Speeds, depth: int = 0) -> float:
    return speeds.decode(depth).expected


@given(LAYERS, SIZES, BANDWIDTHS, st.floats(min_value=1.0, max_value=8.0), st.integers(0, 100_000))
def test_more_bandwidth_is_never_slower(layers: int, size: int, bandwidth: float, times: float, depth: int) -> None:
    geometry = model(layers, size)
    where = placed(geometry, layers + 1)
    slow = Speeds(geometry, where, machine(gpu=bandwidth))
    fast = Speeds(geometry, where, machine(gpu=bandwidth * times))
    assert decode(fast, depth) >= decode(slow, depth) * 0.999999
    assert fast.prefill(1000).expected >= slow.prefill(1000).expected * 0.999999


@given(LAYERS, SIZES, BANDWIDTHS, st.integers(0, 50_000), st.integers(0, 50_000), st.booleans())
def test_deeper_is_never_faster(
    layers: int, size: int, bandwidth: float, depth: int, more: int, windowed: bool
) -> None:
    geometry = model(layers, size, window=1024 if windowed else None)
    speeds = Speeds(geometry, placed(geometry, layers + 1), machine(gpu=bandwidth))
    assert decode(speeds, depth + more) <= decode(speeds, depth)
    assert speeds.prefill(512, depth + more).expected <= speeds.prefill(512, depth).expected


@given(LAYERS, SIZES, st.floats(min_value=400e9, max_value=4e12), st.data())
def test_more_layers_on_a_faster_device_are_never_slower(
    layers: int, size: int, bandwidth: float, data: st.DataObject
) -> None:
    geometry = model(layers, size)
    fewer = data.draw(st.integers(0, layers))
    more = data.draw(st.integers(fewer, layers + 1))
    here = machine(memory=50e9, gpu=bandwidth)
    assert decode(Speeds(geometry, placed(geometry, more), here)) >= decode(
        Speeds(geometry, placed(geometry, fewer), here)
    )


@given(LAYERS, SIZES, BANDWIDTHS, st.integers(0, 100_000))
def test_nothing_is_faster_than_reading_its_bytes_once(layers: int, size: int, bandwidth: float, depth: int) -> None:
    geometry = model(layers, size)
    speeds = Speeds(geometry, placed(geometry, layers + 1), machine(gpu=bandwidth))
    read = geometry.weights - geometry.embedding.size + depth * layers * 2 * 1024 * 2
    found = speeds.decode(depth)
    assert found.expected < bandwidth / read
    assert found.low < found.expected < found.high


def test_an_8b_in_16_bits_stays_under_the_limit_of_an_a100() -> None:
    """2,039 GB/s by 16 GB are 127.4 tokens a second at most: vendors' gigabytes are decimal."""
    geometry = model(layers=32, layer=436_000_000, output=1_050_000_000, kind=F16)
    card = Device(
        name="NVIDIA A100-SXM4-80GB", kind="discrete", backend="CUDA", engine_name=GPU, architecture="8.0",
        bandwidth=2039e9, compute=77.97e12,
    )  # fmt: skip
    speeds = Speeds(geometry, placed(geometry, 33), Machine(os="Linux", devices=(card,), described=True))
    assert 127.4 * 0.4 < decode(speeds) < 127.4 * 0.75


def test_an_integrated_gpu_reads_at_the_speed_of_the_machines_memory() -> None:
    """Two channels of DDR5-5600 are 89.6 GB/s, not 30."""
    geometry = model(layers=32, layer=110_000_000, output=100_000_000)
    igpu = Device(name="AMD Radeon 780M", kind="integrated", backend="Vulkan", engine_name=GPU, vendor="amd")
    here = Machine(os="Linux", ram_bandwidth=89.6e9, devices=(igpu,), described=True)
    assert 14 < decode(Speeds(geometry, placed(geometry, 33), here)) < 89.6e9 / geometry.weights


def test_a_split_model_takes_the_time_of_both_parts() -> None:
    geometry, here = model(output=40_000_000), machine(memory=50e9, gpu=1000e9)
    whole, none = placed(geometry, 33), placed(geometry, 0)
    half = 1 / decode(Speeds(geometry, placed(geometry, 17), here))
    both = 1 / decode(Speeds(geometry, whole, here)), 1 / decode(Speeds(geometry, none, here))
    assert both[0] < half < both[1]
    assert half == pytest.approx(sum(both) / 2, rel=0.1)


def test_experts_beside_the_processor_cost_what_is_read_of_them() -> None:
    geometry, here = model(layers=24, layer=20_000_000, experts=400_000_000), machine(memory=50e9, gpu=1000e9)
    on_gpu = 1 / decode(Speeds(geometry, placed(geometry, 25), here))
    beside = 1 / decode(Speeds(geometry, placed(geometry, 25, cpu_experts=24), here))
    read = 24 * 400_000_000 / 8
    assert beside - on_gpu > read / 50e9
    assert beside < 1 / decode(Speeds(geometry, placed(geometry, 0), here))


def test_a_quantized_cache_is_read_in_half_the_time() -> None:
    geometry, here = model(), machine(gpu=500e9)
    plain = Speeds(geometry, placed(geometry, 33), here)
    small = Speeds(geometry, placed(geometry, 33, kv_type_k=KvType.Q8_0, kv_type_v=KvType.Q8_0), here)
    grown = [1 / decode(one, 20_000) - 1 / decode(one, 0) for one in (plain, small)]
    assert grown[1] / grown[0] == pytest.approx(34 / 64)


def test_compressed_keys_and_plain_attention_read_the_cache_more_slowly() -> None:
    here = machine(gpu=500e9)
    usual, latent = model(), model(latent=True)
    where = placed(usual, 33)
    plain = Speeds(usual, replace(where, flash_attention=False), here)
    assert decode(Speeds(latent, where, here), 20_000) < decode(Speeds(usual, where, here), 20_000)
    assert decode(plain, 20_000) < decode(Speeds(usual, where, here), 20_000)
    assert plain.prefill(4096).expected < Speeds(usual, where, here).prefill(4096).expected


def test_less_than_three_bits_are_not_read_as_fast() -> None:
    """An IQ2_XXS of half the bytes of a Q4_K is nowhere near twice as fast."""
    here = machine(gpu=500e9)
    four, two = model(), model(layer=60_000_000, output=200_000_000, kind=IQ2_XXS)
    ratio = decode(Speeds(two, placed(two, 33), here)) / decode(Speeds(four, placed(four, 33), here))
    assert 0.95 < ratio < 1.2


def test_weights_are_streamed_to_the_gpu_for_a_prompt() -> None:
    geometry, here = model(), machine(gpu=500e9)
    without = Speeds(geometry, placed(geometry, 0), here).prefill(512).expected
    partly = Speeds(geometry, placed(geometry, 17), here).prefill(512).expected
    assert partly > 3 * without
    assert partly < Speeds(geometry, placed(geometry, 33), here).prefill(512).expected


def test_a_prediction_has_a_first_token_time_that_fits_its_speeds() -> None:
    geometry = model()
    found = predict(geometry, placed(geometry, 33), machine(gpu=500e9), depth=2048)
    assert found is not None
    assert (found.depth, found.confidence) == (2048, Confidence.PRIOR)
    assert found.ttft_s.low < found.ttft_s.expected < found.ttft_s.high
    assert found.ttft_s.expected == pytest.approx(1000 / found.prefill.expected, rel=0.1)


def test_an_unknown_bandwidth_is_no_number_but_a_wide_range_or_none() -> None:
    geometry = model()
    wide = predict(geometry, placed(geometry, 0), machine(memory=None))
    narrow = predict(geometry, placed(geometry, 0), machine(memory=37e9))
    assert wide is not None
    assert narrow is not None
    assert wide.decode.high / wide.decode.low > 4 > narrow.decode.high / narrow.decode.low
    card = with_fields(machine(gpu=1.0).devices[0], bandwidth=None)
    unknown = with_fields(machine(), devices=(card,))
    assert predict(geometry, placed(geometry, 33), unknown) is None
    assert predict(geometry, placed(geometry, 0), unknown) is not None


def test_what_was_measured_replaces_what_was_promised() -> None:
    geometry, here = model(), machine()
    where = placed(geometry, 0)
    prior = predict(geometry, where, here)
    calibrated = predict(geometry, where, here, Corrections({CPU: Calibrated(20e9, 50e-6, 100e9)}), depth=0)
    assert prior is not None
    assert calibrated is not None
    assert calibrated.confidence is Confidence.CALIBRATED
    read = geometry.weights - geometry.embedding.size
    assert calibrated.decode.expected == pytest.approx(1 / (read / 20e9 + 32 * 50e-6))
    assert calibrated.decode.high / calibrated.decode.low < prior.decode.high / prior.decode.low


def test_a_models_own_answers_count_most() -> None:
    geometry, here = model(), machine()
    where = placed(geometry, 0)
    own = Corrections({CPU: Calibrated(20e9, 0.0)}, decode=Corrected(factor=1.5, spread=0.05, count=3))
    plain, measured = predict(geometry, where, here), predict(geometry, where, here, own)
    assert plain is not None
    assert measured is not None
    assert measured.confidence is Confidence.MEASURED
    assert measured.decode.expected == pytest.approx(1.5 * plain.decode.expected)
    assert measured.decode.high == pytest.approx(1.05 * measured.decode.expected)


def test_two_cards_share_a_model_one_after_the_other() -> None:
    geometry = model()
    card = machine(gpu=500e9).devices[0]
    here = with_fields(machine(), devices=(card, with_fields(card, engine_name="CUDA1", bandwidth=250e9)))
    both = Placement(context_length=4096, blocks=32, device_layers=((GPU, 16), ("CUDA1", 17)))
    alone = [1 / decode(Speeds(geometry, Placement(4096, 32, ((name, 33),)), here)) for name in (GPU, "CUDA1")]
    assert alone[0] < 1 / decode(Speeds(geometry, both, here)) < alone[1]


def test_eight_bits_read_more_than_four() -> None:
    four, eight = model(), model(layer=227_000_000, output=755_000_000, kind=Q8_0)
    here = machine()
    ratio = decode(Speeds(four, placed(four), here)) / decode(Speeds(eight, placed(eight), here))
    assert 1.3 < ratio < 1.9
