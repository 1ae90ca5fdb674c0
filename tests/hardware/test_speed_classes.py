import pytest

from app.hardware.quantizations import TENSOR_TYPES
from app.hardware.speed_classes import (
    core_compute,
    cpu_variants,
    family_of,
    speed_class,
    speed_table,
    spreads_of,
    variants_of,
)
from app.protocol import Device, Machine


@pytest.mark.parametrize(
    ("device", "family", "variants"),
    [
        (Device(name="NVIDIA GeForce RTX 4090", backend="CUDA", architecture="8.9"), "nvidia", ()),
        (Device(name="NVIDIA GeForce RTX 4090", backend="Vulkan", architecture="8.9"), "nvidia", ("vulkan",)),
        (Device(name="NVIDIA GeForce GTX 1080 Ti", backend="CUDA", architecture="6.1"), "nvidia", ("pascal",)),
        (Device(name="NVIDIA GeForce RTX 2080", backend="CUDA"), "nvidia", ("turing",)),
        (Device(name="Tesla V100-SXM2", backend="CUDA", architecture="7.0"), "nvidia", ("hbm", "turing")),
        (Device(name="NVIDIA H100 PCIe", backend="CUDA"), "nvidia", ("hbm",)),
        (Device(name="NVIDIA RTX 6000 Ada Generation", backend="CUDA"), "nvidia", ("workstation",)),
        (Device(name="NVIDIA GB10", kind="unified", architecture="12.1"), "nvidia", ("unified",)),
        (Device(name="Apple M1 Max", vendor="apple", backend="Metal"), "apple", ("m1",)),
        (Device(name="Apple M3", architecture="Apple M3"), "apple", ()),
        (Device(name="Apple M5 Pro"), "apple", ("m5",)),
        (Device(name="AMD Radeon RX 7900 XTX", backend="Vulkan"), "amd", ()),
        (Device(name="AMD Radeon RX 9070 XT", architecture="gfx1201", backend="ROCm"), "amd", ("rdna4", "rocm")),
        (Device(name="AMD Radeon RX 6800", backend="Vulkan"), "amd", ("rdna2",)),
        (Device(name="Radeon RX 580", architecture="gfx803"), "amd", ("older",)),
        (Device(name="AMD Instinct MI210", architecture="gfx90a", backend="ROCm"), "amd", ("hbm", "rocm")),
        (Device(name="Radeon 8060S", kind="integrated", architecture="gfx1151"), "amd", ("integrated",)),
        (Device(name="Intel Arc B580", backend="Vulkan"), "intel", ("xe2",)),
        (Device(name="Intel Iris Xe Graphics", kind="integrated"), "intel", ("integrated",)),
        (Device(name="Adreno X1-85", vendor="qualcomm"), "other", ()),
    ],
)
def test_a_device_is_of_one_kind(device: Device, family: str, variants: tuple[str, ...]) -> None:
    assert family_of(device) == family
    assert variants_of(device) == variants


def test_variants_are_factors_on_what_they_name() -> None:
    base, hbm = speed_class("nvidia", ()), speed_class("nvidia", ("hbm", "no such"))
    assert hbm.efficiency == pytest.approx(
        base.efficiency * speed_table().families["nvidia"].variants["hbm"]["efficiency"]
    )
    assert hbm.cache == base.cache


def test_every_constant_can_be_used() -> None:
    """Shares are shares, factors are positive, every name of a variant or type is one that exists."""
    table = speed_table()
    types = {kind.name for kind in TENSOR_TYPES.values()}
    assert all(name in types for named in table.kernels.values() for name in named)
    for family, known in table.families.items():
        assert 0 < known.base.efficiency <= 1, family
        assert known.source
        assert "" in known.spread
        assert "" in known.prefill_spread
        for variant, factors in known.variants.items():
            assert all(hasattr(known.base, name) and value > 0 for name, value in factors.items()), (family, variant)
            assert 0 < speed_class(family, (variant,)).efficiency <= 1, (family, variant)


def test_a_prediction_for_what_nobody_measured_is_less_sure() -> None:
    assert spreads_of("nvidia", ("pascal",)) > spreads_of("nvidia", ())


def test_cores_count_by_their_best_vector_extension() -> None:
    def compute(cores: int | None, *features: str) -> float | None:
        return core_compute(Machine(os="Linux", physical_cores=cores, cpu_features=features))

    assert compute(None, "avx2") is None
    assert compute(8, "avx2", "avx512_vnni") == 8 * speed_table().cores["avx512_vnni"]
    assert compute(4, "avx2") == compute(4)
    assert compute(4, "sse4_2") == 4 * speed_table().cores[""]


def test_performance_cores_are_the_ones_that_count() -> None:
    here = Machine(os="Linux", physical_cores=14, performance_cores=6, cpu_features=("avx2",))
    assert core_compute(here) == 6 * speed_table().cores["avx2"]


@pytest.mark.parametrize(("name", "small"), [("Intel(R) N100", True), ("Intel(R) Core(TM) i9-13900K", False)])
def test_processors_of_small_cores_are_known(name: str, small: bool) -> None:
    assert (cpu_variants(Machine(os="Linux", cpu_name=name)) == ("small",)) is small
