import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.protocol import Hello, PortChanged, PortRequest, PortState, Status
from app.ui.server.page import ServerPage
from app.ui.server.port import Port
from app.ui.widgets import ErrorCard
from tests.ui.fake_client import FakeClient
from tests.ui.finding import button, child, texts

OPEN = PortState(host="127.0.0.1", port=8484)


def hello(port: PortState | None) -> Hello:
    return Hello(
        client_id="x", status=Status(version="1", pid=1, home="", uptime_s=0, clients=1, answering=0, port=port)
    )


@pytest.fixture
def port(client: FakeClient) -> Port:
    client.answers["POST /api/port"] = OPEN
    client.answers["DELETE /api/port"] = OPEN
    return Port(client)


@pytest.fixture
def page(qtbot: QtBot, port: Port) -> ServerPage:
    page = ServerPage(port)
    qtbot.addWidget(page)
    page.resize(800, 600)
    page.show()
    return page


def test_the_switch_opens_and_closes(page: ServerPage, port: Port, client: FakeClient, qtbot: QtBot) -> None:
    assert not page.switch.isChecked()
    page.number.setText("9000")
    client.answers["POST /api/port"] = PortState(host="127.0.0.1", port=9000)
    page.switch.click()
    qtbot.waitUntil(lambda: port.state is not None)
    assert client.asked("POST", "/api/port") == [{"port": 9000}]
    assert page.switch.isChecked()
    assert not page.number.isEnabled()
    assert "http://127.0.0.1:9000/v1" in [each.text() for each in page.findChildren(QLineEdit)]
    page.switch.click()
    qtbot.waitUntil(lambda: port.state is None)
    assert not page.switch.isChecked()


def test_the_address_and_the_example_are_copied(page: ServerPage, port: Port) -> None:
    port.take_event(PortChanged(port=OPEN))
    buttons = {each.accessibleName(): each for each in page.findChildren(QPushButton)}
    buttons["Copy address"].click()
    assert QGuiApplication.clipboard().text() == "http://127.0.0.1:8484/v1"
    buttons["Copy example"].click()
    assert QGuiApplication.clipboard().text().startswith("curl http://127.0.0.1:8484/v1/chat/completions")


def test_a_port_in_use_is_explained_and_the_switch_goes_back(
    page: ServerPage, port: Port, client: FakeClient, qtbot: QtBot
) -> None:
    client.answers["POST /api/port"] = AppError("port_in_use", host="127.0.0.1", port=8484, next_port=8485)
    page.switch.click()
    qtbot.waitUntil(lambda: page.findChild(ErrorCard) is not None)
    assert "Port 8484 is in use" in texts(page)
    assert not page.switch.isChecked()
    client.answers["POST /api/port"] = OPEN
    button(page, "Try again").click()
    qtbot.waitUntil(page.switch.isChecked)
    assert not child(page, ErrorCard).isVisibleTo(page)


def test_a_port_that_another_client_opened_is_shown(page: ServerPage, port: Port) -> None:
    port.take_event(hello(PortState(host="0.0.0.0", port=8485, needs_key=True)))
    assert page.switch.isChecked()
    assert "A key is needed" in texts(page)
    port.take_event(PortChanged(port=None))
    assert not page.switch.isChecked()


def test_after_a_restart_the_port_is_opened_again(port: Port, client: FakeClient, qtbot: QtBot) -> None:
    port.open(PortRequest(port=8484))
    qtbot.waitUntil(lambda: port.state == OPEN)
    port.take_event(hello(None))
    qtbot.waitUntil(lambda: port.state == OPEN)
    assert len(client.asked("POST", "/api/port")) == 2


def test_a_port_that_was_closed_stays_closed(port: Port, client: FakeClient, qtbot: QtBot) -> None:
    port.open(PortRequest(port=8484))
    qtbot.waitUntil(lambda: port.state == OPEN)
    port.close()
    qtbot.waitUntil(lambda: port.state is None)
    port.take_event(hello(None))
    assert len(client.asked("POST", "/api/port")) == 1
