"""What is considered: enough bits, no more planning than needed, and nothing lost by leaving plans out."""

from dataclasses import replace as with_field
from math import inf

import pytest

from app.hardware.candidates import Candidate, bits_of, candidates, least_bits, points_lost, usable_files
from app.hardware.catalogued import geometry_of_file
from app.hardware.describe import machine_from_text
from app.hardware.needs import CONVERSATION, NEEDS
from app.hardware.planning import Planning, fastest_pace
from app.models.catalogue import bundled_catalogue
from app.protocol import CatalogueModel, GgufFile, Use, Verdict

MODELS = bundled_catalogue().models
TEXTS = ["8 GB laptop", "Ryzen 5600G 32 GB, no GPU", "RTX 3060 12GB, 32GB RAM", "M2 16GB", "2x RTX 3090, 64GB RAM"]
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)


def planning_for(text: str) -> Planning:
    return Planning(machine_from_text(text).machine)


def model_of(name: str) -> CatalogueModel:
    model = bundled_catalogue().model(name)
    assert model is not None
    return model


def file_of(model: CatalogueModel, quantization: str) -> GgufFile:
    return next(file for repo in model.gguf for file in repo.files if file.quantization == quantization)


@every_model
def test_only_files_with_enough_bits_are_considered(model: CatalogueModel) -> None:
    files = usable_files(model)
    assert files
    for _, file in files:
        assert bits_of(model, file) >= least_bits(model)
    sizes = [file.size for _, file in files]
    assert sizes == sorted(sizes, reverse=True)


def test_two_bits_are_not_offered_to_models_that_small() -> None:
    names = {file.quantization for _, file in usable_files(model_of("qwen3.6-27b"))}
    assert "UD-Q2_K_XL" not in names
    assert "IQ4_XS" in names


@every_model
def test_a_shape_has_the_bytes_of_its_file(model: CatalogueModel) -> None:
    for _, file in usable_files(model):
        geometry = geometry_of_file(model, file)
        assert geometry.weights == pytest.approx(file.size, rel=0.02)
        assert geometry.file_size == file.size
        assert len(geometry.layers) == model.shape.layers
        assert geometry.trained_context == model.context_length


def test_tables_that_are_looked_up_stay_beside_the_processor() -> None:
    model = model_of("gemma-4-e4b-it")
    geometry = geometry_of_file(model, file_of(model, "Q4_K_M"))
    share = 1 - model.active_parameters / model.parameters
    assert geometry.other.size == pytest.approx(file_of(model, "Q4_K_M").size * share, rel=0.01)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("model", MODELS[:16], ids=lambda model: model.id)
def test_no_plan_is_faster_than_bandwidth_allows(text: str, model: CatalogueModel) -> None:
    planning = planning_for(text)
    _, file = usable_files(model)[-1]
    planned = planning.plan(model, file, NEEDS[Use.CHAT])
    if planned.verdict is not Verdict.NO and planned.prediction is not None:
        assert planned.prediction.decode.expected <= fastest_pace(model, file, planning) * 1.02


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("use", [Use.CHAT, Use.CODE])
def test_leaving_plans_out_loses_nothing_that_matters(text: str, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against planning every file: the most useful one is found, but for a fraction of a point."""
    planning = planning_for(text)
    found = candidates(use, MODELS, planning)
    monkeypatch.setattr("app.hardware.candidates._hope", lambda *_: inf)
    everything = candidates(use, MODELS, planning)
    assert bool(found) == bool(everything)
    if found:
        assert found[0].utility == pytest.approx(everything[0].utility, abs=0.5)


def test_what_is_asked_again_is_not_planned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    planning = planning_for(TEXTS[2])
    first = candidates(Use.CHAT, MODELS, planning)
    monkeypatch.setattr("app.hardware.planning.plan", lambda *_: pytest.fail("it was planned before"))
    assert candidates(Use.CHAT, MODELS, planning) == first


def test_the_most_useful_come_first_and_each_is_quick_enough() -> None:
    found = candidates(Use.CHAT, MODELS, planning_for(TEXTS[2]))
    worths = [one.utility for one in found]
    assert worths == sorted(worths, reverse=True)
    assert all(one.rate >= CONVERSATION for one in found)


def test_what_could_not_be_worth_enough_is_left_out() -> None:
    planning = planning_for(TEXTS[2])
    everything = candidates(Use.CHAT, MODELS, planning)
    least = everything[1].utility
    assert [one.model.id for one in candidates(Use.CHAT, MODELS, planning, least)] == [everything[0].model.id]


def test_a_disk_without_room_costs_most_of_the_worth() -> None:
    one: Candidate = candidates(Use.CHAT, MODELS, planning_for(TEXTS[2]))[0]
    full = with_field(one, disk_free=one.download - 1)
    assert (one.disk_left, full.disk_left) == (None, -1)
    assert full.utility < one.utility / 3
    assert with_field(one, disk_free=one.download).utility == one.utility


def test_a_shorter_context_than_asked_for_costs_quality() -> None:
    """A card on which the 31B has room for half the context only with more bits: fewer bits are taken."""
    found = candidates(Use.CHAT, MODELS, planning_for("RTX 4090, 64 GB RAM"))
    assert found[0].plan.context_length == NEEDS[Use.CHAT].context


def test_less_bits_cost_more_and_large_models_less() -> None:
    model = model_of("qwen3.5-9b")
    losses = [points_lost(model, file_of(model, name)) for name in ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "UD-Q2_K_XL")]
    assert losses == sorted(losses)
    assert losses[-1] > 10
    large = model_of("gemma-4-31b-it")
    assert points_lost(large, file_of(large, "Q4_K_M")) < losses[3]


def test_room_counts_shared_memory_once() -> None:
    unified, two = planning_for("M3 Max 64GB"), planning_for(TEXTS[4])
    assert unified.room is not None
    assert unified.room < 64 * 1024**3
    assert two.room is not None
    assert 90 * 1024**3 < two.room < 112 * 1024**3
    assert planning_for("RTX 4090").room == pytest.approx(24 * 1024**3, rel=0.03)
