"""Tests of the model picker: what it says of a model, and what its menu offers."""

import pytest
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot

from app.protocol import ErrorInfo, ModelEntry, ModelState, Reason, Verdict
from app.ui.chat.look import Look
from app.ui.chat.model_picker import ModelPicker, model_for
from app.ui.client import Client
from app.ui.library import Library


def entry(model_id: str, **fields: object) -> ModelEntry:
    known: dict[str, object] = {"name": model_id.title(), "path": "/m", "size": 1, "quantization": "Q4_K_M"}
    return ModelEntry(id=model_id, **(known | fields))  # type: ignore[arg-type]


LOADED = entry("loaded", state=ModelState.LOADED, device="GPU")
LOADING = entry("loading", state=ModelState.LOADING, progress=0.4)
IDLE = entry("idle")
STARTER = entry("starter", builtin=True)
BROKEN = entry(
    "broken",
    state=ModelState.BROKEN,
    error=ErrorInfo(code="model_broken", values={"model": "Broken", "reason": "cut off"}),
)


@pytest.fixture
def picker(qtbot: QtBot, look: Look) -> ModelPicker:
    made = ModelPicker(Library(Client()))
    qtbot.addWidget(made)
    return made


def give(picker: ModelPicker, *entries: ModelEntry) -> None:
    picker._library.entries = list(entries)
    picker._library.changed.emit()


def actions(picker: ModelPicker) -> dict[str, QAction]:
    return {action.text(): action for action in picker.menu().actions() if action.text()}


def test_without_a_model_it_says_so(picker: ModelPicker) -> None:
    assert picker.text() == "No model yet"
    assert picker.accessibleName() == "Model: No model yet"


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (LOADED, "Loaded  ·  Q4_K_M  ·  GPU"),
        (LOADING, "Loading  ·  Q4_K_M  ·  loading 40 %"),
        (IDLE, "Idle  ·  Q4_K_M  ·  not loaded"),
    ],
)
def test_it_says_what_answers_and_how_it_stands(picker: ModelPicker, model: ModelEntry, words: str) -> None:
    give(picker, model)
    assert picker.text() == words
    assert picker.accessibleName() == f"Model: {words}"


def test_which_model_answers() -> None:
    everything = [BROKEN, IDLE, STARTER, LOADED]
    assert model_for("idle", everything) is IDLE
    assert model_for("", everything) is LOADED
    assert model_for("gone", everything) is LOADED
    assert model_for("", [BROKEN, IDLE, STARTER]) is STARTER
    assert model_for("", [BROKEN, IDLE]) is IDLE
    assert model_for("", [BROKEN]) is None


def test_a_broken_model_is_listed_with_the_reason_and_cannot_be_picked(picker: ModelPicker) -> None:
    give(picker, LOADED, BROKEN)
    action = actions(picker)["Broken  ·  Q4_K_M  ·  This model file is broken"]
    assert not action.isEnabled()


def test_the_model_in_use_is_marked(picker: ModelPicker) -> None:
    give(picker, LOADED, IDLE)
    found = actions(picker)
    assert found["Loaded  ·  Q4_K_M  ·  GPU"].isChecked()
    assert not found["Idle  ·  Q4_K_M  ·  not loaded"].isChecked()


def test_picking_asks_for_that_model(qtbot: QtBot, picker: ModelPicker) -> None:
    give(picker, LOADED, IDLE)
    with qtbot.waitSignal(picker.picked) as picked:
        actions(picker)["Idle  ·  Q4_K_M  ·  not loaded"].trigger()
    assert picked.args == ["idle"]
    assert picker.model is IDLE


@pytest.mark.parametrize(("model", "act"), [(LOADED, "Unload"), (LOADING, "Cancel loading"), (IDLE, "Load")])
def test_the_menu_offers_what_can_be_done(picker: ModelPicker, model: ModelEntry, act: str) -> None:
    give(picker, model)
    offered = set(actions(picker)) & {"Unload", "Cancel loading", "Load"}
    assert offered == {act}


def test_the_menu_leads_to_all_models(qtbot: QtBot, picker: ModelPicker) -> None:
    with qtbot.waitSignal(picker.models_wanted):
        actions(picker)["All models…"].trigger()


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.NO, "does not fit"),
        (Verdict.PARTLY, "partly on the graphics card"),
        (Verdict.GPU, "fits the graphics card"),
        (Verdict.CPU, "not loaded"),
        (None, "not loaded"),
    ],
)
def test_a_model_at_rest_says_where_it_would_run(picker: ModelPicker, verdict: Verdict | None, said: str) -> None:
    give(picker, entry("large", verdict=verdict))
    assert f"Large  ·  Q4_K_M  ·  {said}" in actions(picker)


def test_what_to_do_about_a_model_that_does_not_fit_is_in_its_tip(picker: ModelPicker) -> None:
    hint = Reason(code="plan_shorter_run", values={"context": 2048})
    give(picker, entry("large", verdict=Verdict.NO, would_change=(hint,)))
    (action,) = [action for text, action in actions(picker).items() if text.startswith("Large")]
    assert action.toolTip() == "There is not enough memory.  With a context of 2,048 tokens it fits."
