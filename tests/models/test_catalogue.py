"""The catalogue: what was delivered is sound, a newer one is taken, and what is broken is refused."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import AppError
from app.models.catalogue import BUNDLED, MOST_BYTES, bundled_catalogue, load_catalogue, read_catalogue, state_of
from app.protocol import Catalogue, CatalogueModel, Use

MODELS = bundled_catalogue().models
Change = Callable[[dict[str, Any]], object]


def plain() -> dict[str, Any]:
    """The bundled catalogue as JSON's own values, to be changed."""
    decoded: dict[str, Any] = msgspec.json.decode(BUNDLED.read_bytes())
    return decoded


def changed(change: Change) -> bytes:
    data = plain()
    change(data)
    return msgspec.json.encode(data)


def test_every_use_has_models_to_choose_from() -> None:
    for use in Use:
        least = 2 if use is Use.EMBEDDINGS else 4
        assert sum(use in model.ranks for model in MODELS) >= least, use


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_a_file_is_as_large_as_its_bits_say(model: CatalogueModel) -> None:
    """A size taken from the wrong row would show: bits per weight from the name, with room for odd mixes."""
    for repo in model.gguf:
        sizes = [file.size for file in repo.files]
        assert len({file.quantization for file in repo.files}) == len(repo.files)
        for file in repo.files:
            bits = file.size * 8 / (model.parameters * 1e9)
            assert 2 <= bits <= (9.5 if model.parameters > 1 else 11), (file.quantization, bits)
            digit = next(int(sign) for sign in file.quantization if sign.isdigit())
            assert bits > digit - 0.6, (file.quantization, bits)
        assert len(set(sizes)) == len(sizes)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_ranks_follow_from_published_figures_where_they_say_so(model: CatalogueModel) -> None:
    figures = {figure.system: figure.value for figure in model.figures}
    for use, rank in model.ranks.items():
        system = bundled_catalogue().system(rank.system)
        assert system is not None
        assert system.says
        if system.rule == "saturating":
            assert rank.score == round(100 * (1 - math.exp(-figures[rank.system] / 25))), use
        elif system.rule == "as-is":
            assert rank.score == figures[rank.system], use
        else:
            assert system.name.startswith("Editorial"), "without a figure nothing else may be claimed"


def test_sampling_values_name_whose_advice_they_are() -> None:
    advised = [model for model in MODELS if model.sampling_source]
    assert len(advised) > 15
    for model in advised:
        assert model.sampling_source.startswith("https://")
        assert model.sampling.temperature is not None


def test_what_is_outdated_has_a_better_one_that_needs_no_more() -> None:
    catalogue = bundled_catalogue()
    for old in catalogue.outdated:
        successor = catalogue.model(old.successor)
        assert successor is not None
        assert min(successor.parameters, successor.active_parameters * 3) <= old.parameters * 1.05, old.name


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.update(schema=2),
        lambda data: data.update(number=0),
        lambda data: data.update(date="yesterday"),
        lambda data: data.update(models=[]),
        lambda data: data["models"].append(data["models"][0]),
        lambda data: data.update(models=data["models"] * 30),
        lambda data: data["models"][0].update(id="../../etc"),
        lambda data: data["models"][0].update(name="A\x1b[2J"),
        lambda data: data["models"][0].update(name="A" * 101),
        lambda data: data["models"][0].update(parameters=-1),
        lambda data: data["models"][0].update(active_parameters=10**6),
        lambda data: data["models"][0].update(gguf=[]),
        lambda data: data["models"][0].update(context_length=-5),
        lambda data: data["models"][0]["shape"].update(layers=2**50),
        lambda data: data["models"][0]["gguf"][0].update(repo="../escape"),
        lambda data: data["models"][0]["gguf"][0].update(repo="no-owner"),
        lambda data: data["models"][0]["gguf"][0]["files"][0].update(file="../../.bashrc"),
        lambda data: data["models"][0]["gguf"][0]["files"][0].update(file="/etc/passwd.gguf"),
        lambda data: data["models"][0]["gguf"][0]["files"][0].update(size=0),
        lambda data: data["models"][0]["ranks"]["chat"].update(score=101),
        lambda data: data["models"][0]["ranks"]["chat"].update(system="rumour"),
        lambda data: data["models"][0]["ranks"].update(dancing={"score": 3, "system": "aa-4.0"}),
        lambda data: data["models"][0]["figures"][0].update(address="javascript:alert(1)"),
        lambda data: data["outdated"][0].update(successor="nobody"),
    ],
)
def test_what_cannot_be_is_refused(change: Change) -> None:
    with pytest.raises(AppError) as caught:
        read_catalogue(changed(change))
    assert caught.value.code == "catalogue_broken"
    assert caught.value.values["reason"]


def test_unknown_fields_of_a_later_alcove_are_passed_over() -> None:
    content = changed(lambda data: data["models"][0].update(colour="green"))
    assert read_catalogue(content).models[0] == MODELS[0]


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_no_bytes_crash_the_reader(content: bytes) -> None:
    with pytest.raises(AppError):
        read_catalogue(content)


@pytest.mark.parametrize("content", [b"[" * 200_000, b" " * (MOST_BYTES + 1), b"\xff\xfe", b'{"schema": 1e999}'])
def test_hostile_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(AppError) as caught:
        read_catalogue(content)
    assert caught.value.code == "catalogue_broken"


def renumbered(number: int) -> bytes:
    return changed(lambda data: data.update(number=number))


@pytest.mark.parametrize(
    ("content", "number"),
    [(None, 1), (b"broken", 1), (renumbered(1), 1), (renumbered(7), 7), (changed(lambda data: data.pop("models")), 1)],
)
def test_a_newer_sound_one_is_used_and_nothing_else(tmp_path: Path, content: bytes | None, number: int) -> None:
    cached = tmp_path / "catalogue.json"
    if content is not None:
        cached.write_bytes(content)
    catalogue: Catalogue = load_catalogue(cached)
    assert catalogue.number == number
    assert state_of(catalogue).bundled is (number == 1)
