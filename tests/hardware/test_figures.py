"""A shape put together from a catalogue's figures comes near the one read from the header."""

import pytest

from app.hardware.figures import Figures, geometry_from_figures, main_type
from app.hardware.need import memory_use
from app.hardware.placement import Placement
from app.protocol import CPU, Machine
from tests.hardware.test_need import SHAPES

MACHINE = Machine(os="Linux", cpu_features=("avx2",))

FIGURES = {
    "llama": Figures(architecture="llama", layers=32, width=4096, heads=32, kv_heads=8, vocabulary=128_256,
                     feed_forward=14_336, trained_context=131_072),
    "qwen3moe": Figures(architecture="qwen3moe", layers=48, width=2048, heads=32, kv_heads=4, vocabulary=151_936,
                        key_head=128, value_head=128, expert_count=128, experts_used=8, expert_feed_forward=768),
    "gemma3": Figures(architecture="gemma3", layers=48, width=3840, heads=16, kv_heads=8, vocabulary=262_208,
                      key_head=256, value_head=256, feed_forward=15_360, tied=True, window=1024, full_every=6),
    "gpt-oss": Figures(architecture="gpt-oss", layers=24, width=2880, heads=64, kv_heads=8, vocabulary=201_088,
                       key_head=64, value_head=64, expert_count=32, experts_used=4, expert_feed_forward=2880,
                       window=128, full_every=2),
    "deepseek2": Figures(architecture="deepseek2", layers=27, width=2048, heads=16, kv_heads=1, vocabulary=102_400,
                         feed_forward=10_944, expert_count=64, experts_used=6, expert_feed_forward=1408,
                         shared_experts=2, dense_layers=1, compressed_width=576),
    "qwen35moe": Figures(architecture="qwen35moe", layers=40, width=2048, heads=16, kv_heads=2, vocabulary=248_320,
                         key_head=256, value_head=256, expert_count=256, experts_used=8, expert_feed_forward=512,
                         shared_experts=1, full_every=4, state_bytes=65_863_680),
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_figures_give_nearly_the_same_need(name: str) -> None:
    exact = SHAPES[name]
    kind = "MXFP4" if name == "gpt-oss" else "Q4_K_M"
    near = geometry_from_figures(FIGURES[name], exact.weights, kind)
    placement = Placement(8192, len(exact.layers), outputs=20, slots=4)
    (theirs,), (ours,) = memory_use(exact, placement, MACHINE), memory_use(near, placement, MACHINE)
    assert ours.cache == theirs.cache
    assert ours.state == pytest.approx(theirs.state, rel=0.02)
    assert ours.total == pytest.approx(theirs.total, rel=0.03)
    assert not near.exact
    assert near.weights == pytest.approx(exact.weights, rel=0.001)


@pytest.mark.parametrize("name", FIGURES)
def test_weights_are_spread_as_they_lie(name: str) -> None:
    exact = SHAPES[name]
    near = geometry_from_figures(FIGURES[name], exact.weights, "MXFP4" if name == "gpt-oss" else "Q4_K_M")
    assert near.output.size == pytest.approx(exact.output.size, rel=0.5)
    experts = sum(layer.experts.size for layer in exact.layers)
    assert sum(layer.experts.size for layer in near.layers) == pytest.approx(experts, rel=0.06)
    half = Placement(8192, len(exact.layers), (("GPU0", len(exact.layers) // 2),))
    theirs, ours = memory_use(exact, half, MACHINE), memory_use(near, half, MACHINE)
    for one, other in zip(ours, theirs, strict=True):
        assert one.weights == pytest.approx(other.weights, rel=0.15)


def test_parameters_may_be_told() -> None:
    told = Figures(
        architecture="x", layers=2, width=64, heads=2, kv_heads=2, vocabulary=100, parameters=10**9,
        active_parameters=10**8,
    )  # fmt: skip
    near = geometry_from_figures(told, 600_000_000, "Q4_K_M")
    assert (near.parameters, near.active_parameters) == (10**9, 10**8)
    assert near.weights == pytest.approx(600_000_000, abs=10)


def test_layers_that_share_caches_and_differ_in_heads() -> None:
    told = Figures(
        architecture="gemma4", layers=10, width=64, heads=4, kv_heads=2, vocabulary=100, key_head=16, value_head=16,
        window=8, full_every=5, full_kv_heads=1, full_key_head=64, shared_cache_layers=3,
    )  # fmt: skip
    layers = geometry_from_figures(told, 10**6, "Q8_0").layers
    assert [layer.key_width for layer in layers] == [32, 32, 32, 32, 64, 32, 32, 0, 0, 0]
    assert [layer.window for layer in layers[:5]] == [8, 8, 8, 8, None]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Q4_K_M", 12), ("UD-Q4_K_XL", 12), ("Q8_0", 8), ("IQ4_XS", 23), ("IQ2_M", 22), ("F16", 1), ("BF16", 30),
     ("MXFP4_MOE", 39), ("Q3_K_L", 11), ("IQ3_XXS", 18), ("Q6_K", 14), ("nonsense", 1)],
)  # fmt: skip
def test_what_a_quantization_is_mostly_made_of(name: str, kind: int) -> None:
    assert main_type(name) == kind


def test_the_device_gets_what_the_processor_does_not() -> None:
    near = geometry_from_figures(FIGURES["llama"], SHAPES["llama"].weights, "Q4_K_M")
    device, host = memory_use(near, Placement(8192, 32, (("GPU0", 33),)), MACHINE)
    assert host.device == CPU
    assert host.weights == near.embedding.size
    assert device.weights == pytest.approx(near.weights - near.embedding.size)
