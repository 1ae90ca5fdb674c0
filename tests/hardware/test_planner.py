"""Plans: what fits lies on the devices, what does not is given up in order, and every plan that says it fits does."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.hardware.geometry import Geometry
from app.hardware.ladder import placement_of as ladder_placement
from app.hardware.ladder import stepped_down
from app.hardware.need import memory_use
from app.hardware.placement import Placement
from app.hardware.planner import plan, planned
from app.hardware.search import Search, usual_time
from app.hardware.trial import shortage
from app.hardware.wish import ANYTHING, Wish
from app.protocol import CPU, KvType, LoadParams, Machine, Plan, Verdict
from app.words import text
from tests.hardware.shapes import GIB, MIB, card, computer, dense, mixture, unified

LLAMA, MIXTURE = dense(), mixture()


def codes(reasons: tuple[object, ...]) -> list[str]:
    return [reason.code for reason in reasons]  # type: ignore[attr-defined]


def placement_of(found: Plan, geometry: Geometry, machine: Machine) -> Placement:
    """What llama.cpp would do with these parameters, all of which are said."""
    params = found.params
    said = (params.context_length, params.slots, params.kv_type_k, params.batch, params.micro_batch, params.cpu_experts)
    assert None not in (*said, params.gpu_layers)
    return ladder_placement(params, Search(geometry, machine, Wish(params=params)))


# ---------------------------------------------------------------- one device


def test_what_fits_lies_on_the_card_whole_with_nothing_given_up() -> None:
    found = plan(LLAMA, computer(card(11 * GIB)))
    assert found.verdict is Verdict.GPU
    assert (found.params.gpu_layers, found.params.cpu_experts, found.params.devices) == (33, 0, ("CUDA0",))
    assert (found.context_length, found.params.kv_type_k, found.params.micro_batch) == (8192, KvType.F16, 512)
    assert (found.given_up, found.would_change) == ((), ())
    assert [use.device for use in found.memory] == ["CUDA0", CPU]
    assert found.prediction is not None


def test_smaller_caches_come_before_layers_beside_the_processor() -> None:
    ideal = plan(LLAMA, computer(card(24 * GIB))).memory[0]
    found = plan(LLAMA, computer(card(ideal.total + ideal.reserve - 300 * MIB)))
    assert found.verdict is Verdict.GPU
    assert found.params.gpu_layers == 33
    assert found.given_up
    assert {*codes(found.given_up)} <= {"plan_micro_batch", "plan_small_cache"}


def test_a_dense_model_too_large_for_the_card_leaves_as_few_layers_as_can_be() -> None:
    machine = computer(card(4 * GIB))
    found = plan(LLAMA, machine, Wish(context=8192))
    assert found.verdict is Verdict.PARTLY
    assert 10 < (found.params.gpu_layers or 0) < 33
    assert "plan_layers" in codes(found.given_up)
    placed = placement_of(found, LLAMA, machine)
    more = msgspec.structs.replace(found.params, gpu_layers=placed.gpu_layers + 1)
    tight = plan(LLAMA, machine, Wish(params=more))
    assert tight.verdict is Verdict.NO, "one more layer has no room"


def test_experts_go_before_layers() -> None:
    found = plan(MIXTURE, computer(card(8 * GIB)))
    assert found.verdict is Verdict.PARTLY
    assert found.params.gpu_layers == 49
    assert 0 < (found.params.cpu_experts or 0) < 48
    assert "plan_experts" in codes(found.given_up)
    assert "plan_layers" not in codes(found.given_up)


def test_without_a_card_it_runs_beside_the_processor_without_a_word() -> None:
    found = plan(LLAMA, computer())
    assert (found.verdict, found.params.gpu_layers, found.params.devices) == (Verdict.CPU, 0, ())
    assert [use.device for use in found.memory] == [CPU]
    assert (found.given_up, found.would_change) == ((), ())


def test_a_card_slower_than_the_processor_is_left_alone() -> None:
    found = plan(LLAMA, computer(card(12 * GIB, bandwidth=10e9)))
    assert found.verdict is Verdict.CPU
    assert codes(found.given_up) == ["plan_processor"]


# ---------------------------------------------------------------- several devices


def test_a_model_that_fits_one_of_two_cards_is_not_split() -> None:
    found = plan(LLAMA, computer(card(12 * GIB), card(12 * GIB, number=1)))
    assert len(found.params.devices) == 1
    assert found.params.tensor_split == ()


def test_a_model_larger_than_either_is_split_and_loaded_just_so() -> None:
    found = plan(MIXTURE, computer(card(12 * GIB), card(12 * GIB, number=1)))
    assert found.verdict is Verdict.GPU
    assert found.params.devices == ("CUDA0", "CUDA1")
    assert sum(found.params.tensor_split) == found.params.gpu_layers == 49
    assert all(use.fits for use in found.memory)


def test_the_faster_of_two_unlike_cards_is_filled_first() -> None:
    fast, slow = card(12 * GIB, bandwidth=1000e9), card(12 * GIB, number=1, bandwidth=200e9)
    found = plan(MIXTURE, computer(slow, fast))
    counts = dict(zip(found.params.devices, found.params.tensor_split, strict=True))
    assert counts["CUDA0"] > counts["CUDA1"]
    assert found.params.devices == ("CUDA1", "CUDA0"), "the last device holds the last layers"


# ---------------------------------------------------------------- memory counted once


def test_unified_memory_is_counted_once() -> None:
    found = plan(LLAMA, unified(16 * GIB, available=11 * GIB))
    assert found.verdict is Verdict.GPU
    assert sum(use.total for use in found.memory) <= 11 * GIB
    assert plan(LLAMA, unified(16 * GIB, available=4 * GIB)).verdict is Verdict.NO


def test_a_mac_of_64_gib_holds_the_mixture_whole() -> None:
    found = plan(MIXTURE, unified(64 * GIB, available=56 * GIB))
    assert (found.verdict, found.given_up) == (Verdict.GPU, ())


# ---------------------------------------------------------------- what was named


@pytest.mark.parametrize("context", [256, 2048, 16_384])
def test_a_context_that_was_named_is_kept(context: int) -> None:
    for free in (3 * GIB, 6 * GIB, 12 * GIB):
        assert plan(LLAMA, computer(card(free)), Wish(context=context)).context_length == context


def test_a_context_nobody_named_is_shortened_to_4096_at_most_and_that_is_said() -> None:
    model = dense(layer_bytes=80 * MIB)
    need = plan(model, computer(), Wish(context=4096)).memory[0]
    found = plan(model, computer(ram=16 * GIB, available=need.total + need.reserve))
    assert found.verdict is Verdict.CPU
    assert found.context_length >= 4096
    lost = [reason for reason in found.given_up if reason.code == "plan_context"]
    assert bool(lost) == (found.context_length < 8192)
    assert "plan_small_cache" in codes(found.given_up) or lost


def test_no_context_goes_beyond_what_the_model_was_trained_for() -> None:
    model = dense(trained=2048)
    assert plan(model, computer()).context_length == 2048
    assert plan(model, computer(), Wish(context=9000)).context_length == 2048


def test_a_cache_type_that_was_named_is_kept_and_four_bits_are_never_chosen() -> None:
    machine = computer(card(5 * GIB))
    assert plan(LLAMA, machine, Wish(kv=KvType.F16)).params.kv_type_k is KvType.F16
    assert plan(LLAMA, machine, Wish(kv=KvType.Q4_0)).params.kv_type_v is KvType.Q4_0
    for free in range(1, 12):
        assert plan(LLAMA, computer(card(free * GIB))).params.kv_type_k in (KvType.F16, KvType.Q8_0)


def test_without_flash_attention_the_values_keep_16_bits() -> None:
    found = plan(LLAMA, computer(card(5 * GIB)), Wish(params=LoadParams(flash_attention=False)))
    assert found.params.kv_type_v is KvType.F16


def test_a_batch_that_was_named_bounds_the_micro_batch() -> None:
    found = plan(LLAMA, computer(card(5 * GIB)), Wish(params=LoadParams(batch=32)))
    assert (found.params.batch, found.params.micro_batch) == (32, 32)


def test_a_placement_that_was_named_is_not_planned_anew() -> None:
    named = LoadParams(gpu_layers=7, context_length=2048, mlock=True)
    found = plan(LLAMA, computer(card(24 * GIB)), Wish.of(named))
    assert (found.params.gpu_layers, found.params.mlock, found.context_length) == (7, True, 2048)
    assert found.verdict is Verdict.PARTLY
    assert sum(use.weights for use in found.memory if use.device == "CUDA0") < 1.3 * GIB


# ---------------------------------------------------------------- what does not fit


def test_what_fits_nowhere_says_what_would_help() -> None:
    found = plan(LLAMA, computer(ram=8 * GIB, available=3 * GIB))
    assert found.verdict is Verdict.NO
    assert codes(found.would_change)[0] == "plan_free_memory_run"
    missing = found.would_change[0].values["missing_bytes"]
    assert isinstance(missing, int)
    again = plan(LLAMA, computer(ram=8 * GIB, available=3 * GIB + missing))
    assert again.verdict is Verdict.CPU, "freeing what was said is enough"


def test_what_no_freeing_helps_asks_for_more_memory_or_a_smaller_file() -> None:
    found = plan(MIXTURE, computer(ram=8 * GIB))
    assert found.verdict is Verdict.NO
    assert codes(found.would_change) == ["plan_more_memory_run", "plan_smaller_file"]


def test_freeing_what_was_said_brings_all_layers_onto_the_card() -> None:
    busy = card(6 * GIB, total=12 * GIB)
    model = dense(layer_bytes=180 * MIB)
    found = plan(model, computer(busy))
    assert found.verdict is Verdict.PARTLY
    (hint,) = [reason for reason in found.would_change if reason.code == "plan_free_device_whole"]
    missing = hint.values["missing_bytes"]
    assert isinstance(missing, int)
    freed = plan(model, computer(card(6 * GIB + missing, total=12 * GIB)))
    assert (freed.verdict, freed.given_up) == (Verdict.GPU, ())


def test_a_shorter_context_that_is_proposed_does_what_was_said() -> None:
    for free in range(3, 9):
        machine = computer(card(free * GIB))
        found = plan(LLAMA, machine, Wish(context=32_768))
        for hint in found.would_change:
            if hint.code == "plan_shorter_whole":
                context = hint.values["context"]
                assert isinstance(context, int)
                assert plan(LLAMA, machine, Wish(context=context)).verdict is Verdict.GPU
                return
    pytest.fail("no machine was told of a shorter context")


def test_where_nothing_is_known_nothing_is_refused() -> None:
    unknown = computer(card(0), ram=None)
    (device,) = unknown.devices
    device = msgspec.structs.replace(device, memory_free=None, memory_total=None, bandwidth=None)
    found = plan(LLAMA, msgspec.structs.replace(unknown, devices=(device,), ram_bandwidth=None))
    assert found.verdict is Verdict.GPU
    assert plan(MIXTURE, computer(ram=None)).verdict is Verdict.CPU


# ---------------------------------------------------------------- when loading fails all the same


def walked(geometry: Geometry, machine: Machine, wish: Wish = ANYTHING) -> list[Plan]:
    """The plans that are tried one after the other while each fails."""
    search = Search(geometry, machine, wish)
    found: list[Plan] = [planned(search)]
    while (smaller := stepped_down(search, found[-1])) is not None:
        found.append(smaller)
    return found


def test_each_step_down_gives_up_one_more_thing_in_order() -> None:
    plans = walked(LLAMA, computer(card(12 * GIB)))
    steps = [codes(each.given_up) for each in plans]
    assert steps[:4] == [
        [],
        ["plan_micro_batch"],
        ["plan_small_cache", "plan_micro_batch"],
        ["plan_context", "plan_small_cache", "plan_micro_batch"],
    ]
    assert all("plan_layers" in given_up for given_up in steps[4:-1])
    assert "plan_processor" in steps[-1]
    assert plans[-1].verdict is Verdict.CPU
    on_card = [each.memory[0].total for each in plans[:-1]]
    assert on_card == sorted(on_card, reverse=True)


def test_experts_are_stepped_down_before_layers() -> None:
    plans = walked(MIXTURE, computer(card(28 * GIB), ram=64 * GIB))
    experts = [each.params.cpu_experts or 0 for each in plans]
    layers = [each.params.gpu_layers for each in plans]
    assert experts[3:8] == [0, 12, 24, 36, 48]
    assert layers[7:9] == [49, 36]


def test_the_ladder_ends_where_nothing_named_may_be_given_up() -> None:
    named = LoadParams(context_length=4096, kv_type_k=KvType.F16, kv_type_v=KvType.F16, micro_batch=512)
    assert len(walked(LLAMA, computer(), Wish.of(named))) == 1
    placed = Wish.of(LoadParams(gpu_layers=3))
    assert len(walked(LLAMA, computer(card(12 * GIB)), placed)) == 1
    contexts = [found.context_length for found in walked(LLAMA, computer(), Wish(context=8192))]
    assert set(contexts) == {8192}


# ---------------------------------------------------------------- properties

models = st.one_of(
    st.builds(
        dense,
        layers=st.integers(1, 80),
        layer_bytes=st.integers(MIB, 900 * MIB),
        trained=st.sampled_from([2048, 8192, 131_072]),
        window=st.sampled_from([None, 512, 4096]),
    ),
    st.builds(mixture, layers=st.integers(1, 60), expert_bytes=st.integers(MIB, 900 * MIB)),
)
amounts = st.integers(200 * MIB, 40 * GIB)
bandwidths = st.sampled_from([50e9, 300e9, 1000e9])


@st.composite
def machines(draw: st.DrawFn, bandwidths: st.SearchStrategy[float | None] = bandwidths) -> Machine:
    if draw(st.booleans()) and draw(st.booleans()):
        memory = draw(st.integers(8, 128)) * GIB
        return unified(memory, draw(st.integers(memory // 8, memory)))
    cards = [
        card(draw(amounts), number=number, bandwidth=draw(bandwidths)) for number in range(draw(st.integers(0, 3)))
    ]
    ram = draw(st.integers(2, 128)) * GIB
    return computer(*cards, ram=ram, available=draw(st.integers(ram // 8, ram)))


def test_heads_that_are_no_whole_blocks_keep_a_16_bit_cache() -> None:
    """Dimension 80, as phi-2's: llama.cpp has no quantized cache for it."""
    odd = replace(dense(), key_head=80, value_head=80)
    narrow = [computer(ram=8 * GIB, available=number * GIB // 8) for number in range(40, 56)]
    assert {plan(odd, machine).params.kv_type_k for machine in narrow} == {KvType.F16}
    assert {plan(dense(), machine).params.kv_type_k for machine in narrow} == {KvType.F16, KvType.Q8_0}


wishes = st.builds(
    Wish,
    context=st.sampled_from([None, 300, 4096, 32_768]),
    least_context=st.sampled_from([None, 2048]),
    kv=st.sampled_from([None, None, KvType.F16, KvType.Q8_0]),
)


@settings(deadline=None, max_examples=150)
@given(models, machines(bandwidths | st.none()), wishes)
def test_a_plan_that_says_it_fits_fits_as_it_will_be_loaded(geometry: Geometry, machine: Machine, wish: Wish) -> None:
    found = plan(geometry, machine, wish)
    uses = memory_use(geometry, placement_of(found, geometry, machine), machine)
    assert uses == found.memory
    assert (found.verdict is Verdict.NO) == any(shortage(use) > 0 for use in uses)
    assert wish.least(geometry) <= found.context_length <= wish.target(geometry)
    assert found.params.kv_type_k in wish.kinds(geometry)[0] + wish.kinds(geometry)[-1]


@settings(deadline=None, max_examples=50)
@given(models, machines(bandwidths | st.none()), wishes)
def test_the_same_question_has_the_same_answer_in_words(geometry: Geometry, machine: Machine, wish: Wish) -> None:
    found = plan(geometry, machine, wish)
    assert plan(geometry, machine, wish) == found
    for reason in (*found.given_up, *found.would_change):
        assert text("reason", reason.code, reason.values, "en") != text("reason", reason.code, reason.values, "zh")


faster = st.sampled_from([300e9, 1000e9])
"""Than the processor's memory: of cards that are not, the search does not try every way to share a model."""


@settings(deadline=None, max_examples=150)
@given(models, machines(faster), wishes, st.integers(64 * MIB, 8 * GIB))
def test_more_free_memory_never_makes_a_plan_worse(geometry: Geometry, machine: Machine, wish: Wish, more: int) -> None:
    def larger(device: object) -> object:
        assert isinstance(device, type(machine.devices[0]))
        return msgspec.structs.replace(
            device, memory_free=(device.memory_free or 0) + more, memory_total=(device.memory_total or 0) + more
        )

    richer = msgspec.structs.replace(
        machine,
        devices=tuple(larger(device) if device.kind == "discrete" else device for device in machine.devices),
        ram_available=(machine.ram_available or 0) + more,
        ram_total=(machine.ram_total or 0) + more,
    )
    before, after = plan(geometry, machine, wish), plan(geometry, richer, wish)
    if before.verdict is Verdict.NO:
        return
    assert after.verdict is not Verdict.NO
    kept = [(found.context_length, found.params.kv_type_k is KvType.F16) for found in (before, after)]
    if kept[0] == kept[1]:  # what is written is as good as before: then it is written at least as fast
        assert before.prediction is not None
        assert after.prediction is not None
        assert usual_time(after.prediction) <= usual_time(before.prediction) * 1.001
