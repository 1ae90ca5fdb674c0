from pathlib import Path

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QProgressBar, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.protocol import (
    ErrorInfo,
    Hello,
    LibraryChanged,
    ModelChanged,
    ModelEntry,
    ModelState,
    Reason,
    Status,
    Verdict,
)
from app.settings import LanguageChoice
from app.ui.library import Library
from app.ui.models import ModelsPage
from app.ui.translate import translations
from app.ui.widgets import EmptyState, ErrorCard
from tests.ui.fake_client import FakeClient
from tests.ui.finding import button, child, named, texts

STARTER = ModelEntry(
    id="starter", name="Alcove Starter", path="/x/starter.gguf", size=6_500_000, quantization="Q8_0", builtin=True
)
QWEN = ModelEntry(
    id="qwen3-8b",
    name="Qwen3 8B",
    path="/models/qwen3-8b.gguf",
    size=5_260_000_000,
    quantization="Q4_K_M",
    parameters=8_000_000_000,
    context_length=32768,
)
BROKEN = ModelEntry(
    id="cut",
    name="Cut",
    path="/models/cut.gguf",
    size=10,
    state=ModelState.BROKEN,
    error=ErrorInfo(code="model_broken", values={"model": "cut.gguf", "reason": "cut off"}),
)


@pytest.fixture
def library(client: FakeClient) -> Library:
    client.answers["GET /api/models"] = [STARTER, QWEN, BROKEN]
    return Library(client)


@pytest.fixture
def page(qtbot: QtBot, library: Library, tmp_path: Path) -> ModelsPage:
    page = ModelsPage(library, tmp_path / "models")
    qtbot.addWidget(page)
    page.resize(800, 600)
    page.show()
    qtbot.waitUntil(lambda: library.fetched)
    return page


def test_models_are_described(page: ModelsPage) -> None:
    said = texts(page)
    for part in ("Alcove Starter", "Qwen3 8B", "8B parameters", "Q4_K_M", "4.9 GiB", "32,768"):
        assert part in said


def test_a_broken_file_says_why_and_cannot_be_loaded(page: ModelsPage) -> None:
    assert "cut.gguf: cut off" in texts(page)
    names = [each.accessibleName() for each in page.findChildren(QPushButton) if each.isVisibleTo(page)]
    assert "Load Qwen3 8B" in names
    assert not any("Cut" in name for name in names)


def test_load_with_progress_then_unload(page: ModelsPage, library: Library, client: FakeClient, qtbot: QtBot) -> None:
    loading = ModelEntry(id=QWEN.id, name=QWEN.name, path=QWEN.path, size=QWEN.size, state=ModelState.LOADING)
    client.answers["POST /api/models/qwen3-8b/load"] = loading
    named(page, "Load Qwen3 8B").click()
    library.take_event(ModelChanged(model=loading))
    half = ModelEntry(
        id=QWEN.id, name=QWEN.name, path=QWEN.path, size=QWEN.size, state=ModelState.LOADING, progress=0.5
    )
    library.take_event(ModelChanged(model=half))
    bar = next(each for each in page.findChildren(QProgressBar) if each.isVisibleTo(page))
    assert bar.value() / bar.maximum() == 0.5
    loaded = ModelEntry(
        id=QWEN.id, name=QWEN.name, path=QWEN.path, size=QWEN.size, state=ModelState.LOADED, device="CPU"
    )
    library.take_event(ModelChanged(model=loaded))
    assert not bar.isVisibleTo(page)
    client.answers["POST /api/models/qwen3-8b/unload"] = QWEN
    named(page, "Unload Qwen3 8B").click()
    assert len(client.asked("POST", "/api/models/qwen3-8b/unload")) == 1
    qtbot.waitUntil(lambda: client.answered == len(client.requests))
    assert library.entries[1].state is ModelState.LOADED  # an answer may be older than the last event
    library.take_event(ModelChanged(model=QWEN))
    assert named(page, "Load Qwen3 8B").isVisibleTo(page)


def test_loading_can_be_stopped(page: ModelsPage, library: Library, client: FakeClient, qtbot: QtBot) -> None:
    loading = ModelEntry(id=QWEN.id, name=QWEN.name, path=QWEN.path, size=QWEN.size, state=ModelState.LOADING)
    library.take_event(ModelChanged(model=loading))
    client.answers["POST /api/models/qwen3-8b/unload"] = QWEN
    named(page, "Stop Qwen3 8B").click()
    assert len(client.asked("POST", "/api/models/qwen3-8b/unload")) == 1


def test_a_refused_load_is_explained_at_its_row(page: ModelsPage, client: FakeClient, qtbot: QtBot) -> None:
    values = {"needed_bytes": 9 * 1024**3, "available_bytes": 4 * 1024**3, "total_bytes": 8 * 1024**3}
    client.answers["POST /api/models/qwen3-8b/load"] = AppError("model_too_large", model="Qwen3 8B", **values)
    named(page, "Load Qwen3 8B").click()
    qtbot.waitUntil(lambda: page.findChild(ErrorCard) is not None)
    assert "9.0 GiB" in texts(page)
    card = child(page, ErrorCard)
    with qtbot.waitSignal(card.acted):
        button(card, "Try again").click()
    assert len(client.asked("POST", "/api/models/qwen3-8b/load")) == 2


def test_a_worker_that_died_is_explained_at_its_row(page: ModelsPage, library: Library) -> None:
    error = ErrorInfo(code="worker_died", values={"model": "Qwen3 8B", "reason": "out of memory"})
    dead = ModelEntry(id=QWEN.id, name=QWEN.name, path=QWEN.path, size=QWEN.size, error=error)
    library.take_event(ModelChanged(model=dead))
    assert "out of memory" in texts(page)
    library.take_event(ModelChanged(model=QWEN))
    assert "out of memory" not in texts(page)


def test_details_unfold(page: ModelsPage) -> None:
    fold = next(each for each in page.findChildren(QWidget) if each.accessibleName() == "Details of Qwen3 8B")
    assert "/models/qwen3-8b.gguf" not in texts(page)
    fold.click()  # type: ignore[attr-defined] # it is a button
    assert "/models/qwen3-8b.gguf" in texts(page)


def test_without_models_of_ones_own_it_says_what_to_do(
    page: ModelsPage,
    library: Library,
    client: FakeClient,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    state = child(page, EmptyState)
    assert not state.isVisibleTo(page)
    client.answers["GET /api/models"] = [STARTER]
    library.take_event(LibraryChanged())
    qtbot.waitUntil(lambda: state.isVisibleTo(page))
    assert "model folder" in texts(state)
    next(iter(state.findChildren(QPushButton))).click()
    assert opened[0].toLocalFile() == str(tmp_path / "models")
    assert (tmp_path / "models").is_dir()


def test_rows_survive_a_refresh(page: ModelsPage, library: Library, qtbot: QtBot) -> None:
    before = named(page, "Load Qwen3 8B")
    with qtbot.waitSignal(library.changed):
        library.take_event(
            Hello(client_id="x", status=Status(version="1", pid=1, home="", uptime_s=0, clients=1, answering=0))
        )
    assert named(page, "Load Qwen3 8B") is before


def test_it_speaks_chinese_at_once(page: ModelsPage, qapp: QApplication) -> None:
    translations().use(LanguageChoice.CHINESE)
    qapp.processEvents()
    assert "已损坏" in [each.accessibleName() for each in page.findChildren(QWidget)]
    assert page.title.text() == "模型"


def test_models_of_one_name_are_told_apart_by_their_files(library: Library, client: FakeClient, qtbot: QtBot) -> None:
    one, other = (replace(STARTER, id=name, path=f"/models/{name}.gguf", builtin=False) for name in ("one", "other"))
    client.answers["GET /api/models"] = [STARTER, one, other, QWEN]
    library.fetch()
    qtbot.waitUntil(lambda: library.fetched)
    names = ["Alcove Starter", "one", "other", "Qwen3 8B"]
    assert [entry.name for entry in library.entries] == names
    library.take_event(ModelChanged(model=replace(one, state=ModelState.LOADED)))
    assert [entry.name for entry in library.entries] == names
    assert library.entries[1].state is ModelState.LOADED


def test_a_model_says_where_it_would_run_and_what_would_change_that(page: ModelsPage, library: Library) -> None:
    layers = Reason(code="plan_layers", values={"beside": 7, "layers": 33})
    free = Reason(code="plan_free_device_whole", values={"missing_bytes": 2 * 1024**3, "device": "Card"})
    judged = replace(QWEN, verdict=Verdict.PARTLY, given_up=(layers,), would_change=(free,))
    library.take_event(ModelChanged(model=judged))
    said = texts(page)
    assert "partly on the graphics card" in said
    assert "7 of 33 layers stay beside the processor." in said
    assert "Close programs that use 2.0 GiB of Card, and all of it runs there." in said
