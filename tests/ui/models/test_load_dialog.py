"""Tests of loading with parameters of one's own."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.protocol import ErrorInfo, KvType, LoadParams, ModelChanged, ModelEntry, ModelState
from app.settings import Settings
from app.ui.library import Library
from app.ui.models import ModelsPage
from app.ui.models.load_dialog import LoadDialog
from app.ui.theme import theme_source
from tests.ui.fake_client import FakeClient
from tests.ui.finding import button, child, named, texts

MODEL = ModelEntry(id="m", name="Qwen3 8B", path="/m.gguf", size=1, context_length=32_768)


@pytest.fixture
def dialog(qtbot: QtBot) -> LoadDialog:
    made = LoadDialog(MODEL)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)  # the test's end closes it
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    return made


def test_what_is_left_empty_the_engine_chooses(qtbot: QtBot, dialog: LoadDialog) -> None:
    with qtbot.waitSignal(dialog.load_asked) as asked:
        button(dialog, "Load").click()
    assert asked.args == [LoadParams()]
    assert "Trained for 32,768." in texts(dialog)


def test_everything_that_is_set_is_asked_for(dialog: LoadDialog) -> None:
    for name, value in (("context_length", 8_192), ("slots", 2), ("gpu_layers", 0), ("cpu_experts", 4), ("threads", 3)):
        dialog.numbers[name].setText(str(value))
        dialog.numbers[name]._on_edited()
    dialog.kv_type.set_value(KvType.Q8_0)
    dialog.flash.set_value(True)
    dialog.mlock.setChecked(True)
    dialog.swa_full.setChecked(True)
    dialog.projector.set_path(" /p.gguf ")
    dialog.draft.set_path("/d.gguf")
    wanted = LoadParams(
        context_length=8_192, slots=2, gpu_layers=0, cpu_experts=4, threads=3, kv_type_k=KvType.Q8_0,
        kv_type_v=KvType.Q8_0, flash_attention=True, mlock=True, swa_full=True, projector="/p.gguf",
        draft_model="/d.gguf",
    )  # fmt: skip
    assert dialog.params == wanted
    assert isinstance(dialog.params.kv_type_k, KvType)
    assert LoadDialog(MODEL, wanted).params == wanted


def test_a_number_that_cannot_be_meant_is_refused(dialog: LoadDialog) -> None:
    dialog.numbers["slots"].setText("65")
    dialog.numbers["slots"]._on_edited()
    assert "A whole number from 1 to 64." in texts(dialog)
    assert not button(dialog, "Load").isEnabled()
    dialog.numbers["slots"].setText("")
    dialog.numbers["slots"]._on_edited()
    assert button(dialog, "Load").isEnabled()


def test_every_field_is_named_and_says_what_it_does(dialog: LoadDialog) -> None:
    fields = (*dialog.numbers.values(), dialog.kv_type, dialog.flash, dialog.mlock, dialog.swa_full)
    assert all(each.accessibleName() and each.accessibleDescription() for each in fields)
    assert dialog.projector.line.accessibleName() == "Projector (mmproj)"
    assert named(dialog, "Choose: Draft model").isVisible()


def test_it_fits_the_screen_at_any_text_size(qtbot: QtBot) -> None:
    theme_source().use(Settings(text_size=200))
    large = LoadDialog(MODEL)
    large.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(large)
    large.show()
    assert large.height() <= large.screen().availableGeometry().height()
    assert button(large, "Load").isVisible()


def test_a_models_row_opens_it_and_the_parameters_are_kept(qtbot: QtBot, client: FakeClient, tmp_path: Path) -> None:
    client.answers["GET /api/models"] = [MODEL]
    client.answers["POST /api/models/m/load"] = AppError("busy")
    library = Library(client)
    page = ModelsPage(library, tmp_path)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: library.fetched)
    named(page, "Load Qwen3 8B with…").click()
    dialog = child(page, LoadDialog)
    dialog.numbers["context_length"].setText("2048")
    dialog.numbers["context_length"]._on_edited()
    dialog.load_button.click()
    library.load("m")
    assert client.asked("POST", "/api/models/m/load") == [{"context_length": 2048}] * 2


def test_warnings_of_a_loaded_model_are_shown(qtbot: QtBot, client: FakeClient, tmp_path: Path) -> None:
    client.answers["GET /api/models"] = [MODEL]
    library = Library(client)
    page = ModelsPage(library, tmp_path)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: library.fetched)
    warning = ErrorInfo(code="template_failed", values={"reason": "it has none"})
    loaded = ModelEntry(id="m", name="Qwen3 8B", path="/m.gguf", size=1, state=ModelState.LOADED, warnings=(warning,))
    library.take_event(ModelChanged(model=loaded))
    assert "it has none" in texts(page)
    library.take_event(ModelChanged(model=MODEL))
    assert "it has none" not in texts(page)
    assert page.findChildren(QPushButton)
