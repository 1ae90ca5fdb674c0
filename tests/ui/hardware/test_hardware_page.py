"""The page: three parts, made when they are wanted, silent while it is hidden."""

import pytest
from pytestqt.qtbot import QtBot

from app.ui.hardware import HardwarePage
from app.ui.hardware.advice_view import AdviceView
from app.ui.hardware.machine_view import MachineView
from app.ui.hardware.page import ADVICE, MACHINE, SPEED
from app.ui.hardware.speed_view import SpeedView
from app.ui.library import Library
from app.ui.measuring import Measuring
from tests.ui.fake_client import FakeClient
from tests.ui.finding import button, named, texts


@pytest.fixture
def page(qtbot: QtBot, told: FakeClient) -> HardwarePage:
    told.answers["GET /api/models"] = []
    page = HardwarePage(told, Library(told, told), Measuring(told, told))
    qtbot.addWidget(page)
    page.resize(800, 600)
    return page


def paths(client: FakeClient) -> set[str]:
    return {request.path.split("?")[0] for request in client.requests}


def test_it_asks_when_it_is_shown_and_only_for_what_is_in_front(
    page: HardwarePage, told: FakeClient, qtbot: QtBot
) -> None:
    assert told.requests == []
    page.show()
    qtbot.waitUntil(lambda: "Ryzen" in texts(page))
    assert paths(told) == {"/api/hardware", "/api/doctor", "/api/memory"}
    assert page.findChild(AdviceView) is None
    assert page.findChild(SpeedView) is None


def test_the_tabs_lead_to_the_parts_which_are_made_once(page: HardwarePage, told: FakeClient, qtbot: QtBot) -> None:
    page.show()
    machine = page.view
    assert isinstance(machine, MachineView)
    button(page, "What to run").click()
    qtbot.waitUntil(lambda: "Balanced" in texts(page))
    assert isinstance(page.view, AdviceView)
    assert not machine.isVisibleTo(page)
    assert not machine.sampling.active
    button(page, "Speed").click()
    assert isinstance(page.view, SpeedView)
    assert [each.isChecked() for each in page.tabs.buttons] == [False, False, True]
    button(page, "The machine").click()
    assert id(page.view) == id(machine)
    assert machine.sampling.active


@pytest.mark.parametrize(
    ("part", "path"), [(MACHINE, "/api/hardware"), (ADVICE, "/api/advice"), (SPEED, "/api/measurements")]
)
def test_looking_again_asks_for_the_part_in_front(page: HardwarePage, told: FakeClient, part: int, path: str) -> None:
    page.show()
    page.show_part(part)
    asked = len(told.asked("GET", path))
    named(page, "Look again").click()
    assert len(told.asked("GET", path)) == asked + 1


def test_no_sample_is_taken_once_the_page_is_hidden(page: HardwarePage, told: FakeClient, qtbot: QtBot) -> None:
    page.show()
    qtbot.waitUntil(lambda: "free 20.0 GiB" in texts(page))
    view = page.view
    assert isinstance(view, MachineView)
    page.hide()
    assert not view.sampling.active


def test_settings_are_asked_for_where_nothing_runs(page: HardwarePage, qtbot: QtBot) -> None:
    page.show_part(ADVICE)
    view = page.view
    assert isinstance(view, AdviceView)
    with qtbot.waitSignal(page.settings_wanted):
        view.settings_wanted.emit()
