"""The advice: golden answers for every recorded machine, and the sense that any advice must have."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.hardware.candidates import LEAST_BITS
from app.hardware.needs import CONVERSATION, NEEDS, SMOOTH, pace_cost
from app.hardware.recommend import advise, advise_all
from app.models.catalogue import bundled_catalogue
from app.protocol import Advice, Device, Machine, Suggestion, Use, Verdict
from app.words import text
from tests.hardware.golden_advice import FOLDER, told
from tests.hardware.machines import machines

GIB = 1024**3
CATALOGUE = bundled_catalogue()
MACHINES = machines()
WRITING = [use for use in Use if use is not Use.EMBEDDINGS]
every_machine = pytest.mark.parametrize("name", MACHINES)


@cache
def advice_for(name: str) -> dict[Use, Advice]:
    uses = tuple(Use)
    return dict(zip(uses, advise_all(uses, MACHINES[name], CATALOGUE), strict=True))


def desktop(video: int = 0, ram: int = 32, bandwidth: float = 500e9) -> Machine:
    """A usual computer, with a card of that many GiB where there is one."""
    card = Device(
        name="Card", kind="discrete", backend="CUDA", engine_name="CUDA0", vendor="nvidia", architecture="8.9",
        memory_total=video * GIB, memory_free=max(video * GIB - GIB // 4, 0), bandwidth=bandwidth, compute=30e12,
    )  # fmt: skip
    return Machine(
        os="Linux", physical_cores=8, performance_cores=8, cpu_features=("avx2",), ram_total=ram * GIB,
        ram_available=ram * GIB * 7 // 8, ram_bandwidth=50e9, devices=(card,) if video else (),
    )  # fmt: skip


def of(machine: Machine, use: Use = Use.CHAT, context: int | None = None) -> Advice:
    return advise(use, machine, CATALOGUE, context)


def rate(suggestion: Suggestion) -> float:
    assert suggestion.plan.prediction is not None
    return suggestion.plan.prediction.decode.expected


@every_machine
def test_the_advice_is_the_one_that_was_read_and_found_sensible(name: str) -> None:
    """Where a change is meant: `python -m tests.hardware.golden_advice`, and read the difference."""
    assert told(MACHINES[name]) + "\n" == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


@every_machine
def test_nothing_too_slow_too_large_or_spoiled_is_suggested(name: str) -> None:
    for use in WRITING:
        for one in advice_for(name)[use].ranked:
            assert one.plan.verdict is not Verdict.NO
            assert all(part.fits for part in one.plan.memory), one.name
            assert rate(one) >= CONVERSATION, one.name
            bits = one.download_bytes * 8 / (one.parameters * 1e9)
            assert bits >= next(least for limit, least in LEAST_BITS if one.parameters < limit), one.name
            if one.parameters < 40:
                assert not one.quantization.removeprefix("UD-").startswith(("Q2", "IQ2", "IQ1"))


@every_machine
def test_each_model_is_there_once_and_the_picks_are_among_them(name: str) -> None:
    for advice in advice_for(name).values():
        names = [one.model for one in advice.ranked]
        assert len(names) == len(set(names)) <= 12
        assert (advice.balanced is None) == (advice.nothing is not None) == (not names)
        if advice.balanced is None or advice.fast is None or advice.best is None:
            continue
        assert {advice.fast.model, advice.best.model} <= {*names}
        assert advice.balanced.model == names[0]
        assert advice.best.quality >= advice.balanced.quality
        if advice.use is not Use.EMBEDDINGS:
            assert rate(advice.fast) >= rate(advice.balanced)


@every_machine
def test_what_is_not_worth_it_is_not_suggested_as_well(name: str) -> None:
    for advice in advice_for(name).values():
        assert not {one.name for one in advice.not_worth} & {one.name for one in advice.ranked}


@every_machine
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_sentence_can_be_said(name: str, language: str) -> None:
    for advice in advice_for(name).values():
        reasons = [*advice.unlock, *(one.reason for one in advice.not_worth)]
        reasons += [reason for one in advice.ranked for reason in one.reasons]
        reasons += [advice.nothing] if advice.nothing is not None else []
        for reason in reasons:
            said = text("reason", reason.code, reason.values, "zh" if language == "zh" else "en")
            assert "{" not in said
            assert said.endswith(("。", "."))


@every_machine
def test_one_or_two_sentences_say_why(name: str) -> None:
    for advice in advice_for(name).values():
        assert all(1 <= len(one.reasons) <= 2 for one in advice.ranked)


def test_sixteen_gigabytes_are_not_filled_with_a_small_model() -> None:
    advice = of(desktop(video=16))
    assert advice.balanced is not None
    assert advice.balanced.parameters >= 20


def test_a_small_old_laptop_gets_nothing_large() -> None:
    for use in WRITING:
        assert all(one.active_parameters < 3 for one in advice_for("laptop_4gb_old")[use].ranked)


def test_a_mac_with_64_gb_is_treated_as_what_it_is() -> None:
    advice = advice_for("mac_m1_max_64gb")[Use.CHAT]
    assert advice.best is not None
    assert advice.balanced is not None
    assert advice.best.active_parameters >= 27
    assert advice.balanced.parameters >= 25
    assert advice.balanced.plan.verdict is Verdict.GPU


@pytest.mark.parametrize("name", [name for name, machine in MACHINES.items() if not machine.usable_devices])
def test_without_a_card_small_models_or_those_with_experts_are_suggested(name: str) -> None:
    for use in WRITING:
        balanced = advice_for(name)[use].balanced
        assert balanced is None or balanced.active_parameters <= 5


def test_a_smaller_model_with_more_bits_goes_before_a_larger_with_two() -> None:
    """A card on which the 27B would fit with two bits: the ones below it win with four and more."""
    advice = of(desktop(video=12, ram=16))
    assert "qwen3.6-27b" not in [one.model for one in advice.ranked[:3]]
    assert any(one.name == "Qwen3.6 27B" for one in advice.not_worth)


@pytest.mark.parametrize("use", WRITING)
def test_more_memory_never_makes_it_worse(use: Use) -> None:
    qualities = []
    for video in (0, 4, 8, 12, 16, 24, 48):
        best = of(desktop(video), use).best
        qualities.append(best.quality if best is not None else 0.0)
    assert qualities == pytest.approx(sorted(qualities), abs=0.6), "beside rounding of quantizations"
    assert qualities[-1] > qualities[0]


def test_a_context_that_was_named_is_kept_to() -> None:
    for named in (2048, 32768, 131072):
        advice = of(desktop(video=24, ram=64), context=named)
        assert advice.ranked
        assert all(one.plan.context_length >= named for one in advice.ranked)
    longest = max(model.context_length for model in CATALOGUE.models)
    assert of(desktop(video=24), context=longest + 1).nothing is not None


def test_where_memory_is_unknown_only_what_lies_on_the_card_is_suggested() -> None:
    unknown = replace(desktop(video=12), ram_total=None, ram_available=None, ram_bandwidth=None)
    advice = of(unknown)
    assert advice.ranked
    assert {one.plan.verdict for one in advice.ranked} == {Verdict.GPU}


def test_where_no_speed_is_known_it_is_said() -> None:
    unknown = replace(desktop(video=12), devices=(replace(desktop(video=12).devices[0], bandwidth=None, vendor=""),))
    advice = of(unknown)
    assert all(one.plan.prediction is not None or one.reasons[0].code == "runs_unmeasured" for one in advice.ranked)


def test_nothing_runs_and_the_remote_way_is_offered() -> None:
    tiny = replace(desktop(ram=1), ram_available=100 * 1024**2)
    advice = of(tiny)
    assert advice.balanced is advice.fast is advice.best is None
    assert advice.ranked == ()
    assert advice.nothing is not None
    assert advice.nothing.code == "nothing_fits"
    assert "remote" in text("reason", "nothing_fits", advice.nothing.values, "en")


def test_a_full_disk_puts_what_has_room_first() -> None:
    roomy, full = desktop(video=24), replace(desktop(video=24), disk_free=4 * GIB)
    before, after = of(roomy), of(full)
    assert before.balanced is not None
    assert after.balanced is not None
    assert before.balanced.disk_left is None
    left = [one.disk_left for one in after.ranked if one.disk_left is not None]
    assert len(left) == len(after.ranked)
    roomy_first = [size >= 0 for size in left]
    assert roomy_first == sorted(roomy_first, reverse=True)
    assert roomy_first[0]
    short = [one for one in after.ranked if (one.disk_left or 0) < 0]
    assert short
    assert all(one.reasons[1].code == "disk_short" for one in short)


def test_a_card_that_is_there_but_unusable_is_the_first_thing_to_mend() -> None:
    unlock = advice_for("broken_nvidia_driver")[Use.CHAT].unlock
    assert unlock[0].code == "unlock_mended"
    assert "2070" in str(unlock[0].values["device"])


def test_more_video_memory_unlocks_what_was_not_worth_it() -> None:
    advice = of(desktop(video=12))
    assert advice.unlock[0].code == "unlock_video"
    assert int(advice.unlock[0].values["size"]) in (16, 24)
    bigger = of(desktop(video=int(advice.unlock[0].values["size"])))
    assert advice.unlock[0].values["model"] in [one.name for one in bigger.ranked[:3]]


def test_pictures_count_their_second_file() -> None:
    advice = of(desktop(video=16), Use.VISION)
    for one in advice.ranked:
        model = CATALOGUE.model(one.model)
        assert model is not None
        assert model.projector is not None
        assert one.download_bytes > model.projector.size
        assert sum(part.projector for part in one.plan.memory) > 0


def test_the_same_questions_have_the_same_answer() -> None:
    machine = desktop(video=8)
    assert of(machine) == of(machine)
    assert advise_all((Use.CODE, Use.CHAT), machine, CATALOGUE)[1] == of(machine)


@given(rate=st.floats(CONVERSATION, 200), more=st.floats(0, 50))
def test_a_faster_pace_never_costs_more(rate: float, more: float) -> None:
    assert 0 <= pace_cost(rate + more) <= pace_cost(rate) <= pace_cost(CONVERSATION)
    assert pace_cost(SMOOTH) <= 3


@given(wait=st.floats(0, 1000), more=st.floats(0, 100))
def test_a_longer_wait_never_costs_less(wait: float, more: float) -> None:
    needs = NEEDS[Use.CHAT]
    assert 0 <= needs.wait_cost(wait) <= needs.wait_cost(wait + more) <= 25


sizes = st.one_of(st.none(), st.integers(0, 512).map(lambda gib: gib * GIB))


@settings(max_examples=25, deadline=None)
@given(
    video=sizes,
    free=sizes,
    ram=sizes,
    bandwidth=st.one_of(st.none(), st.floats(1e9, 4e12)),
    kind=st.sampled_from(["discrete", "integrated", "unified"]),
    use=st.sampled_from(list(Use)),
)
def test_no_machine_is_too_strange(
    video: int | None, free: int | None, ram: int | None, bandwidth: float | None, kind: str, use: Use
) -> None:
    device = Device(
        name="X", kind=kind, backend="Vulkan", engine_name="Vulkan0", memory_total=video, memory_free=free,  # type: ignore[arg-type]
        memory_shared=None if kind == "discrete" else video, bandwidth=bandwidth,
    )  # fmt: skip
    machine = Machine(os="", ram_total=ram, ram_available=ram, ram_bandwidth=bandwidth, devices=(device,))
    advice = of(machine, use)
    assert (advice.nothing is None) == bool(advice.ranked)
