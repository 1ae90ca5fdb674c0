"""What was found, and the memory of every second."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.protocol import CheckState, Machine, MemorySample
from app.settings import LanguageChoice
from app.ui.hardware.builder import building
from app.ui.hardware.machine_view import MachineView
from app.ui.hardware.memory_row import MemoryRow
from app.ui.hardware.table import Table
from app.ui.translate import translations
from app.ui.widgets import ErrorCard
from tests.ui.fake_client import FakeClient
from tests.ui.finding import button, child, texts
from tests.ui.hardware.said import CHECKS, GIB, KNOWN, SAMPLE


@pytest.fixture
def view(qtbot: QtBot, told: FakeClient) -> MachineView:
    view = MachineView(told, lambda model_id: f"Model {model_id}")
    qtbot.addWidget(view)
    view.resize(700, 900)
    return view


@pytest.fixture
def shown(view: MachineView, qtbot: QtBot) -> MachineView:
    view.show()
    view.fetch()
    qtbot.waitUntil(lambda: "RTX 4060" in texts(view) and "Model qwen" in texts(view) and not building())
    return view


def memories(view: QWidget) -> list[MemoryRow]:
    return [row for row in view.findChildren(MemoryRow) if row.isVisibleTo(view)]


def test_everything_known_is_told(shown: MachineView) -> None:
    facts = dict(shown.facts())
    assert facts["Processor"] == "Ryzen"
    assert facts["Cores"] == "8 cores, 16 threads"
    assert facts["Vector extensions"] == "avx2"
    assert facts["Largest cache"] == "16 MiB"
    assert facts["Memory speed"] == "50 GB/s"
    assert facts["Disk"] == "100.0 GiB of 500.0 GiB free  ·  SSD  ·  /models"
    assert facts["Container"] == "docker"
    for part in (*facts.values(), "CUDA", "memory of its own", "272 GB/s", "driver 550.1"):
        assert part in texts(shown)
    assert "Looking at the machine" not in texts(shown)


def test_unknown_is_said_to_be_unknown(view: MachineView, told: FakeClient, qtbot: QtBot) -> None:
    told.answers["GET /api/hardware"] = Machine(os="Plan 9")
    told.answers["GET /api/memory"] = MemorySample()
    view.fetch()
    qtbot.waitUntil(lambda: bool(view.facts()))
    facts = dict(view.facts())
    for name in (
        "Processor",
        "Cores",
        "Vector extensions",
        "Largest cache",
        "Memory speed",
        "Disk of the model folder",
    ):
        assert facts[name] == "unknown"
    assert facts["Graphics card"] == "none the engine can use"
    assert "unknown" in texts(memories(view)[0])


def test_memories_are_bars_of_ours_others_and_free(shown: MachineView) -> None:
    ram, card = memories(shown)
    assert [piece.size for piece in ram.bar.pieces] == [2 * GIB, 10 * GIB, 20 * GIB]
    assert [piece.size for piece in card.bar.pieces] == [5 * GIB, 1 * GIB, 2 * GIB]
    for words in ("Alcove 5.0 GiB", "other programs 1.0 GiB", "free 2.0 GiB"):
        assert words in texts(card)
        assert words in card.bar.accessibleName()
    assert "8.0 GiB" in texts(card)


def test_bars_follow_the_samples(shown: MachineView, told: FakeClient, qtbot: QtBot) -> None:
    rows = memories(shown)
    told.answers["GET /api/memory"] = MemorySample(ram_total=32 * GIB, ram_available=4 * GIB, ram_ours=20 * GIB)
    qtbot.waitUntil(lambda: "Alcove 20.0 GiB" in texts(shown), timeout=5000)
    assert memories(shown) == rows, "changed in place"
    assert "No model is in memory." in texts(shown)


def test_it_samples_only_while_it_is_seen(shown: MachineView, told: FakeClient, qtbot: QtBot) -> None:
    assert shown.sampling.active
    shown.hide()
    assert not shown.sampling.active
    asked = len(told.asked("GET", "/api/memory"))
    shown.sampling._timer.timeout.disconnect()  # nothing but coming back may ask
    shown.show()
    assert shown.sampling.active
    assert len(told.asked("GET", "/api/memory")) == asked + 1
    shown.setWindowState(Qt.WindowState.WindowMinimized)
    qtbot.waitUntil(lambda: not shown.sampling.active)
    shown.setWindowState(Qt.WindowState.WindowNoState)
    qtbot.waitUntil(lambda: shown.sampling.active)


def test_a_failed_sample_is_asked_for_again(shown: MachineView, told: FakeClient, qtbot: QtBot) -> None:
    told.answers["GET /api/memory"] = AppError("backend_gone")
    shown.sampling._ask()
    answered = told.answered
    qtbot.waitUntil(lambda: told.answered > answered)
    told.answers["GET /api/memory"] = MemorySample(ram_total=4 * GIB, ram_available=GIB, ram_ours=GIB)
    qtbot.waitUntil(lambda: "4.0 GiB" in texts(shown), timeout=5000)


def test_faults_stand_first_and_what_is_well_is_folded(shown: MachineView) -> None:
    said = texts(shown.checks)
    assert said.index("/x") < said.index("Cut")
    assert "32.0 GiB" not in said
    fold = button(shown.checks, "What is well (1)")
    fold.click()
    assert "Memory: 20.0 GiB of 32.0 GiB free" in texts(shown.checks)
    assert fold.text() == "Hide what is well"
    names = [each.accessibleName() for each in shown.checks.findChildren(QLabel)]
    assert {"Works", "Worth knowing", "Does not work"} <= set(names)


def test_nothing_wrong_is_said(view: MachineView, told: FakeClient, qtbot: QtBot) -> None:
    told.answers["GET /api/doctor"] = [check for check in CHECKS if check.state is CheckState.GOOD]
    view.fetch()
    qtbot.waitUntil(lambda: "Everything works." in texts(view))


def test_parts_of_loaded_models_stand_beside_their_prediction(shown: MachineView) -> None:
    first, second = (table for table in shown.findChildren(Table) if table.isVisibleTo(shown))
    assert first.rows == [
        ["weights", "4.0 GiB", "4.0 GiB", "0 %"],
        ["KV cache", "500 MiB", "400 MiB", "+25 %"],
        ["in all", "4.5 GiB", "4.4 GiB", "+2 %"],
    ]
    assert second.rows[0] == ["weights", "300 MiB", "300 MiB", "0 %"]


def test_an_error_stands_on_the_page_with_a_way_out(view: MachineView, told: FakeClient, qtbot: QtBot) -> None:
    told.answers["GET /api/hardware"] = told.answers["GET /api/doctor"] = AppError("backend_gone")
    view.show()
    view.fetch()
    qtbot.waitUntil(lambda: view.findChild(ErrorCard) is not None)
    told.answers["GET /api/hardware"] = KNOWN
    told.answers["GET /api/doctor"] = CHECKS
    card = child(view, ErrorCard)
    button(card, "Try again").click()
    qtbot.waitUntil(lambda: "Ryzen" in texts(view))
    assert not card.isVisibleTo(view)


def test_it_speaks_the_language_of_the_window(shown: MachineView, qtbot: QtBot) -> None:
    translations().use(LanguageChoice.CHINESE)
    qtbot.waitUntil(lambda: "8 核，16 线程" in texts(shown))
    said = texts(shown)
    for words in ("主内存", "空闲", "权重", "运行情况"):
        assert words in said
    assert "8 cores" not in said


def test_the_sample_knows_nothing_of_the_machine_before_it_was_found(view: MachineView) -> None:
    view._on_sample(SAMPLE)
    assert "32.0 GiB" in texts(memories(view)[0])
