"""What a placement takes of each device, part by part (against llama.cpp itself: tests/backends/test_rehearsal.py)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from app.hardware.compute import compute_of
from app.hardware.defaults import default_slots, placement_of
from app.hardware.geometry import Geometry, geometry_of
from app.hardware.need import Besides, memory_use
from app.hardware.placement import Placement
from app.hardware.residual import WORKER
from app.protocol import CPU, Device, KvType, LoadParams, Machine, MemoryUse
from tests.hardware.architectures import MODELS, header_of
from tests.hardware.test_geometry import header_from

Layers = tuple[tuple[str, int], ...]

MIB, GIB = 1024**2, 1024**3
SHAPES = {name: geometry_of(header_from(header_of(name))) for name in MODELS}
CARDS = tuple(
    Device(
        name="RTX 4090", kind="discrete", backend="CUDA", engine_name=f"CUDA{number}",
        memory_total=24 * GIB, memory_free=23 * GIB,
    )
    for number in range(2)
)  # fmt: skip
MACHINE = Machine(
    os="Linux", ram_total=64 * GIB, ram_available=60 * GIB, cpu_features=("avx2",), devices=CARDS
)  # fmt: skip


def placed(geometry: Geometry, layers: Layers = (), context: int = 8192, /, **more: object) -> Placement:
    fields: dict[str, object] = {"outputs": 1, **more}
    return Placement(context, len(geometry.layers), layers, **fields)  # type: ignore[arg-type]


def uses(
    name: str, layers: Layers = (), besides: Besides | None = None, context: int = 8192, /, **more: object
) -> dict[str, MemoryUse]:
    geometry = SHAPES[name]
    found = memory_use(geometry, placed(geometry, layers, context, **more), MACHINE, besides or Besides())
    assert found[-1].device == CPU
    return {use.device: use for use in found}


def whole(name: str, device: str = "CUDA0") -> tuple[tuple[str, int], ...]:
    return ((device, len(SHAPES[name].layers) + 1),)


# ---------------------------------------------------------------- weights


def test_on_the_processor_all_weights_are_counted_once() -> None:
    host = uses("llama")[CPU]
    assert host.weights == SHAPES["llama"].weights
    assert host.total == sum((host.weights, host.cache, host.compute, host.output, host.residual))


def test_embeddings_stay_beside_the_processor() -> None:
    both = uses("llama", whole("llama"))
    geometry = SHAPES["llama"]
    assert both[CPU].weights == geometry.embedding.size
    assert both["CUDA0"].weights == geometry.weights - geometry.embedding.size


def test_tied_embeddings_lie_on_both_sides() -> None:
    geometry = SHAPES["gemma3"]
    both = uses("gemma3", whole("gemma3"))
    assert both[CPU].weights == geometry.embedding.size
    assert both["CUDA0"].weights == pytest.approx(geometry.weights, rel=1e-4)
    assert uses("gemma3")[CPU].weights == geometry.weights
    arm = memory_use(geometry, placed(geometry), changed(MACHINE, cpu_features=("dotprod",)))[-1]
    assert arm.weights == geometry.weights + geometry.embedding.size, "Q6_K is repacked there: a copy for the output"


def test_the_output_is_offloaded_first_and_layers_from_the_last_on() -> None:
    geometry = SHAPES["llama"]
    assert uses("llama", (("CUDA0", 1),))["CUDA0"].weights == geometry.output.size
    two = uses("llama", (("CUDA0", 3),))["CUDA0"]
    assert two.weights == geometry.output.size + sum(layer.dense.size for layer in geometry.layers[-2:])
    assert two.cache * 16 == uses("llama")[CPU].cache


def test_experts_of_the_first_layers_can_stay_behind() -> None:
    geometry = SHAPES["qwen3moe"]
    all_on = uses("qwen3moe", whole("qwen3moe"))["CUDA0"].weights
    some = uses("qwen3moe", whole("qwen3moe"), cpu_experts=24)
    behind = sum(layer.experts.size for layer in geometry.layers[:24])
    assert all_on - some["CUDA0"].weights == pytest.approx(behind, rel=1e-4)
    assert some[CPU].repacked == pytest.approx(behind, rel=0.01)


def test_cuda_lengthens_rows_and_other_backends_do_not() -> None:
    geometry = SHAPES["gpt-oss"]
    padding = geometry.output.cuda_padding + sum(
        layer.dense.cuda_padding + layer.experts.cuda_padding for layer in geometry.layers
    )
    vulkan = changed(MACHINE, devices=(changed(CARDS[0], backend="Vulkan"),))
    cuda = uses("gpt-oss", whole("gpt-oss"))["CUDA0"].weights
    plain = memory_use(geometry, placed(geometry, whole("gpt-oss")), vulkan)[0].weights
    assert cuda - plain == padding > 0


@pytest.mark.parametrize(
    ("features", "share"),
    [((), 0.0), (("avx2",), 1.0), (("avx2", "avx512f"), 1.0), (("dotprod",), 1.0), (("sse4_2",), 0.0)],
)
def test_which_processors_repack_four_bit_weights(features: tuple[str, ...], share: float) -> None:
    geometry = SHAPES["qwen3"]
    host = memory_use(geometry, placed(geometry), changed(MACHINE, cpu_features=features))[-1]
    q4 = sum(layer.dense.by_type[12] for layer in geometry.layers)
    q6 = geometry.output.size if "dotprod" in features else 0
    assert host.repacked == pytest.approx(share * (q4 + q6), rel=0.001)
    assert host.weights == geometry.weights


# ---------------------------------------------------------------- caches


@pytest.mark.parametrize(
    ("name", "context", "kind", "mib"),
    [
        ("llama", 8192, KvType.F16, 1024), ("llama", 8192, KvType.Q8_0, 544), ("llama", 8192, KvType.Q4_0, 288),
        ("llama", 8192, KvType.F32, 2048), ("llama", 8192, KvType.Q5_1, 384), ("llama", 32_768, KvType.F16, 4096),
        ("gemma3", 8192, KvType.F16, 512 + 480), ("gpt-oss", 8192, KvType.F16, 192 + 18),
        ("deepseek2", 8192, KvType.F16, 243), ("qwen35moe", 8192, KvType.F16, 160), ("mamba2", 8192, KvType.F16, 0),
    ],
)  # fmt: skip
def test_the_cache_is_what_llama_cpp_allocates(name: str, context: int, kind: KvType, mib: int) -> None:
    assert uses(name, (), None, context, kv_type_k=kind, kv_type_v=kind)[CPU].cache == mib * MIB


def test_cells_come_in_whole_steps() -> None:
    assert uses("llama", (), None, 1)[CPU].cache == uses("llama", (), None, 256)[CPU].cache
    assert uses("llama", (), None, 257)[CPU].cache == 2 * uses("llama", (), None, 256)[CPU].cache


def test_values_lie_transposed_without_flash_attention() -> None:
    """Every layer takes as much as the widest then; Gemma 4's differ."""
    with_flash, without = uses("gemma4")[CPU].cache, uses("gemma4", flash_attention=False)[CPU].cache
    assert without > with_flash
    assert uses("llama", flash_attention=False)[CPU].cache == uses("llama")[CPU].cache


def test_caches_can_stay_beside_the_processor() -> None:
    both = uses("llama", whole("llama"), kv_offload=False)
    assert (both["CUDA0"].cache, both[CPU].cache) == (0, 1024 * MIB)


def test_states_are_kept_for_each_slot() -> None:
    assert uses("mamba2", slots=3)[CPU].state == 3 * uses("mamba2")[CPU].state > 0
    assert uses("llama", slots=3)[CPU].state == 0


# ---------------------------------------------------------------- scratch


@pytest.mark.parametrize(
    ("name", "mib"),
    [("llama", 116), ("gemma3", 122.5), ("gpt-oss", 95.5), ("qwen3moe", 92), ("qwen35moe", 76)],
)
def test_scratch_of_a_device_that_computes_everything(name: str, mib: float) -> None:
    """hardware_fit.md's figures, measured on a device that is no CPU (8,192 tokens, one output)."""
    assert uses(name, whole(name))["CUDA0"].compute == pytest.approx(mib * MIB, abs=6 * MIB)


@pytest.mark.parametrize(("context", "mib"), [(8192, 24), (131_072, 144)])
def test_scratch_beside_the_processor_when_all_is_offloaded(context: int, mib: int) -> None:
    assert uses("llama", whole("llama"), None, context)[CPU].compute == mib * MIB


def test_without_flash_attention_scratch_grows_with_the_context() -> None:
    assert uses("llama", whole("llama"), flash_attention=False)["CUDA0"].compute == pytest.approx(564 * MIB, rel=0.01)
    longer = uses("llama", whole("llama"), None, 131_072, flash_attention=False)["CUDA0"].compute
    assert longer == pytest.approx(8484 * MIB, rel=0.01)


def test_many_outputs_can_be_what_takes_most() -> None:
    all_of_them = uses("llama", whole("llama"), outputs=512)["CUDA0"].compute
    assert all_of_them == pytest.approx(258.5 * MIB, abs=MIB)


def test_a_device_with_the_output_alone_needs_no_more_than_logits() -> None:
    only = uses("llama", (("CUDA0", 1),), outputs=20)["CUDA0"]
    assert only.compute == 20 * 128_256 * 4 + 512 * 4096 * 4


@pytest.mark.parametrize(
    ("backend", "scratch", "residual"), [("CUDA", 128, 0), ("Metal", 138, 0), ("Vulkan", 0, 128), ("RPC", 0, 0)]
)
def test_a_quantized_cache_is_unpacked_layer_by_layer(backend: str, scratch: int, residual: int) -> None:
    """Llama 8B with 32,768 tokens: 32,768 × 2,048 numbers of 16 bits; Vulkan takes them outside of the plan."""
    geometry, machine = SHAPES["llama"], changed(MACHINE, devices=(changed(CARDS[0], backend=backend),))
    found = {}
    for kind in (KvType.F16, KvType.Q8_0):
        placement = placed(geometry, whole("llama"), 32_768, kv_type_k=kind, kv_type_v=kind)
        found[kind] = memory_use(geometry, placement, machine)[0]
    plain, quantized = found[KvType.F16], found[KvType.Q8_0]
    assert quantized.residual - plain.residual == residual * MIB
    bare = memory_use(geometry, placed(geometry, whole("llama"), 32_768), changed(MACHINE, devices=()))[0]
    assert quantized.compute - bare.compute == pytest.approx(scratch * MIB, abs=12 * MIB)
    assert plain.compute - bare.compute == pytest.approx(17 * MIB if backend == "Metal" else 0, abs=1 * MIB)


def test_layers_on_both_sides_need_scratch_on_both() -> None:
    split = uses("llama", (("CUDA0", 16),))
    assert split[CPU].compute > 100 * MIB
    assert split["CUDA0"].compute > 100 * MIB


# ---------------------------------------------------------------- besides


def test_several_cards_take_their_layers_in_order() -> None:
    two = uses("llama", (("CUDA0", 20), ("CUDA1", 13)))
    geometry = SHAPES["llama"]
    assert two["CUDA0"].weights == sum(layer.dense.size for layer in geometry.layers[:20])
    assert two["CUDA1"].weights == geometry.output.size + sum(layer.dense.size for layer in geometry.layers[20:])
    assert two["CUDA0"].residual > 300 * MIB < two["CUDA1"].residual


def test_cards_that_compute_one_after_the_other_keep_copies_of_what_they_are_handed() -> None:
    stream, mask = 512 * 4096 * 4, 512 * 8192 * 2
    one, two = uses("llama", whole("llama")), uses("llama", (("CUDA0", 20), ("CUDA1", 13)))
    assert two["CUDA1"].compute - one["CUDA0"].compute == 3 * (stream + mask)


def test_a_measured_residual_replaces_the_guess() -> None:
    use = uses("llama", whole("llama"), Besides(residuals={"CUDA0": 123 * MIB, CPU: 55 * MIB}))
    assert (use["CUDA0"].residual, use[CPU].residual) == (123 * MIB, 55 * MIB)
    assert uses("llama", whole("llama"))[CPU].residual == WORKER


def test_a_projector_lies_where_the_output_lies() -> None:
    assert uses("gemma3", whole("gemma3"), Besides(projector=800 * MIB))["CUDA0"].projector == 800 * MIB
    assert uses("gemma3", (), Besides(projector=800 * MIB))[CPU].projector == 800 * MIB


def test_a_drafting_model_takes_weights_cache_and_scratch() -> None:
    small = SHAPES["llama-small"]
    use = uses("llama", whole("llama"), Besides(draft=small))["CUDA0"]
    assert use.draft > small.weights - small.embedding.size + 256 * MIB
    assert use.total == uses("llama", whole("llama"))["CUDA0"].total + use.draft


def test_free_memory_and_reserve_come_with_it() -> None:
    use = uses("llama", whole("llama"))
    assert use["CUDA0"].free == 23 * GIB
    assert use[CPU].free == 60 * GIB
    assert use["CUDA0"].fits
    assert 0 < use[CPU].reserve <= 512 * MIB


def test_memory_that_is_shared_is_not_counted_twice() -> None:
    apple = Device(
        name="Apple M4", kind="unified", backend="Metal", engine_name="MTL0",
        memory_total=24 * GIB, memory_free=24 * GIB, memory_shared=24 * GIB,
    )  # fmt: skip
    machine = Machine(os="macOS 15", ram_total=32 * GIB, ram_available=28 * GIB, devices=(apple,))
    geometry = SHAPES["llama"]
    metal, host = memory_use(geometry, placed(geometry, whole("llama", "MTL0")), machine)
    assert host.free == 28 * GIB - metal.total


def test_unknown_memory_stays_unknown() -> None:
    geometry = SHAPES["llama"]
    (host,) = memory_use(geometry, placed(geometry), Machine(os="x"))
    assert host.free is None
    assert host.fits


# ---------------------------------------------------------------- what the engine chooses


def test_a_placement_is_what_the_engine_would_choose() -> None:
    geometry = SHAPES["qwen3"]
    placement = placement_of(LoadParams(), geometry)
    assert (placement.context_length, placement.slots, placement.outputs) == (8192, 4, 20)
    assert (placement.batch, placement.micro_batch, placement.flash_attention) == (2048, 512, True)
    small = placement_of(LoadParams(context_length=10**6, batch=64, flash_attention=False), SHAPES["llama-small"])
    assert (small.context_length, small.slots, small.batch, small.micro_batch) == (131_072, 8, 64, 64)
    assert not small.flash_attention
    assert default_slots(2 * GIB) == 4


def test_devices_of_layers_agree_with_each_other() -> None:
    placement = Placement(1, 5, (("A", 2), ("B", 2)))
    assert placement.devices() == [CPU, CPU, "A", "A", "B", "B"]
    assert placement.devices() == [placement.device_of(layer) for layer in range(6)]


@given(
    name=st.sampled_from(sorted(MODELS)),
    counts=st.lists(st.integers(0, 20), max_size=2),
    context=st.integers(1, 200_000),
    experts=st.integers(0, 60),
    flash=st.booleans(),
)
def test_bytes_are_neither_lost_nor_made(name: str, counts: list[int], context: int, experts: int, flash: bool) -> None:
    geometry = SHAPES[name]
    room = len(geometry.layers) + 1
    layers = tuple((f"CUDA{index}", min(count, room // 2)) for index, count in enumerate(counts))
    placement = placed(geometry, layers, context, cpu_experts=experts, flash_attention=flash)
    found = memory_use(geometry, placement, changed(MACHINE, cpu_features=()))
    weights = sum(use.weights for use in found)
    padding = sum(layer.dense.cuda_padding + layer.experts.cuda_padding for layer in geometry.layers)
    assert (
        geometry.weights <= weights <= geometry.weights + padding + geometry.output.size + geometry.output.cuda_padding
    )
    on_host = memory_use(geometry, placed(geometry, (), context, flash_attention=flash), MACHINE)[-1]
    assert sum(use.cache for use in found) == on_host.cache
    assert sum(use.state for use in found) == on_host.state
    assert all(use.total >= use.weights >= use.repacked >= 0 for use in found)


def test_more_context_never_takes_less() -> None:
    for geometry in SHAPES.values():
        sizes = [compute_of(geometry, placed(geometry, (), context), 1).host for context in (512, 4096, 65_536)]
        assert sizes == sorted(sizes)
