import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.protocol import Check, CheckState, Device, Machine
from app.settings import LanguageChoice
from app.ui.hardware import HardwarePage
from app.ui.translate import translations
from app.ui.widgets import ErrorCard
from tests.ui.fake_client import FakeClient
from tests.ui.finding import button, child, texts

GIB = 1024**3
KNOWN = Machine(
    os="Debian 12",
    cpu_name="Ryzen",
    physical_cores=8,
    logical_cores=16,
    ram_total=32 * GIB,
    ram_available=20 * GIB,
    disk_free=100 * GIB,
    devices=(Device(name="RTX 4060", backend="CUDA", memory_total=8 * GIB, memory_free=7 * GIB),),
)
CHECKS = [
    Check(code="memory", state=CheckState.GOOD, values={"available_bytes": 20 * GIB, "total_bytes": 32 * GIB}),
    Check(code="broken_model", state=CheckState.WARN, values={"name": "Cut", "reason": "cut off"}),
    Check(code="disk_low", state=CheckState.BAD, values={"path": "/x", "free_bytes": 1000}),
]


@pytest.fixture
def page(qtbot: QtBot, client: FakeClient) -> HardwarePage:
    client.answers["GET /api/hardware"] = KNOWN
    client.answers["GET /api/doctor"] = CHECKS
    page = HardwarePage(client)
    qtbot.addWidget(page)
    page.resize(800, 600)
    return page


def test_it_asks_when_it_is_shown_and_tells_everything(page: HardwarePage, client: FakeClient, qtbot: QtBot) -> None:
    assert client.requests == []
    page.show()
    assert "Looking at the machine" in texts(page)
    qtbot.waitUntil(lambda: "Ryzen" in texts(page) and "Cut" in texts(page))
    for part in ("8 cores, 16 threads", "20.0 GiB of 32.0 GiB free", "RTX 4060", "CUDA", "7.0 GiB of 8.0 GiB free"):
        assert part in texts(page)
    assert "Looking at the machine" not in texts(page)


def test_unknown_is_said_to_be_unknown(page: HardwarePage, client: FakeClient, qtbot: QtBot) -> None:
    client.answers["GET /api/hardware"] = Machine(os="Plan 9")
    page.show()
    qtbot.waitUntil(lambda: bool(page.facts()))
    facts = dict(page.facts())
    for name in ("Processor", "Cores", "Memory", "Disk of the model folder"):
        assert facts[name] == "unknown"
    assert facts["Graphics card"] == "none the engine can use"


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (Machine(os="x", ram_total=8 * GIB), "8.0 GiB"),
        (Machine(os="x", ram_available=3 * GIB), "3.0 GiB free"),
    ],
)
def test_half_known_memory_is_not_made_up(page: HardwarePage, machine: Machine, said: str) -> None:
    page._on_machine(machine)
    assert dict(page.facts())["Memory"] == said


def test_signs_have_words(page: HardwarePage, qtbot: QtBot) -> None:
    page.show()
    qtbot.waitUntil(lambda: "Cut" in texts(page))
    names = [each.accessibleName() for each in page.findChildren(QLabel)]
    assert {"Works", "Worth knowing", "Does not work"} <= set(names)


def test_an_error_stands_on_the_page_with_a_way_out(page: HardwarePage, client: FakeClient, qtbot: QtBot) -> None:
    client.answers["GET /api/hardware"] = AppError("backend_gone")
    client.answers["GET /api/doctor"] = AppError("backend_gone")
    page.show()
    qtbot.waitUntil(lambda: page.findChild(ErrorCard) is not None)
    client.answers["GET /api/hardware"] = KNOWN
    client.answers["GET /api/doctor"] = CHECKS
    card = child(page, ErrorCard)
    button(card, "Try again").click()
    qtbot.waitUntil(lambda: "Ryzen" in texts(page))
    assert not card.isVisibleTo(page)


def test_checks_speak_the_language_of_the_window(page: HardwarePage, qtbot: QtBot) -> None:
    page.show()
    qtbot.waitUntil(lambda: "Cut" in texts(page))
    translations().use(LanguageChoice.CHINESE)
    qtbot.waitUntil(lambda: "8 核，16 线程" in texts(page))
    assert "内存：" in texts(page)
    assert "8 cores" not in texts(page)
