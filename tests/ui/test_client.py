"""The real client against a real backend, and against a server that sends badly cut chunks."""

import pytest
from PySide6.QtCore import QByteArray, QTimer
from PySide6.QtGui import QImage
from PySide6.QtNetwork import QHostAddress, QTcpServer, QTcpSocket
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.protocol import Conversation, Event, Handshake, Hello, NewConversation, SearchHit, Status
from app.settings import Settings
from app.ui.chat.pictures import PictureId, prepared
from app.ui.client import Client, Content
from tests.processes import RunningBackend


@pytest.fixture
def attached(qtbot: QtBot, fake_backend_process: RunningBackend) -> Client:
    client = Client()
    client.attach(fake_backend_process.handshake)
    return client


def test_answers_are_decoded(qtbot: QtBot, attached: Client, fake_backend_process: RunningBackend) -> None:
    got: list[Status] = []
    attached.get("/api/status", Status, got.append)
    assert got == []  # never before the event loop turns
    qtbot.waitUntil(lambda: bool(got))
    assert got[0].pid == fake_backend_process.handshake.pid


def test_bodies_are_encoded(qtbot: QtBot, attached: Client) -> None:
    made: list[Conversation] = []
    attached.post("/api/conversations", NewConversation(title="量化"), Conversation, made.append)
    qtbot.waitUntil(lambda: bool(made))
    assert made[0].title == "量化"
    changed: list[Settings] = []
    attached.patch("/api/settings", {"text_size": 110}, Settings, changed.append)
    qtbot.waitUntil(lambda: bool(changed))
    assert changed[0].text_size == 110
    gone: list[object] = []
    attached.delete(f"/api/conversations/{made[0].id}", object, gone.append)
    qtbot.waitUntil(lambda: bool(gone))
    found: list[list[SearchHit]] = []
    attached.get("/api/search?q=%E9%87%8F%E5%8C%96", list[SearchHit], found.append)
    qtbot.waitUntil(lambda: bool(found))
    assert found == [[]]


def test_an_error_arrives_as_the_same_error(qtbot: QtBot, attached: Client) -> None:
    errors: list[AppError] = []
    attached.get("/api/conversations/4711", Conversation, lambda _: None, errors.append)
    qtbot.waitUntil(lambda: bool(errors))
    assert errors[0].code == "conversation_not_found"
    assert errors[0].values == {"id": 4711}


def test_an_error_without_a_listener_is_told_by_the_client(qtbot: QtBot, attached: Client) -> None:
    with qtbot.waitSignal(attached.failed) as told:
        attached.get("/api/conversations/4711", Conversation, lambda _: None)
    assert told.args is not None
    assert told.args[0].code == "conversation_not_found"


def test_an_answer_of_another_shape_is_an_error(qtbot: QtBot, attached: Client) -> None:
    errors: list[AppError] = []
    attached.get("/api/status", list[int], lambda _: None, errors.append)
    qtbot.waitUntil(lambda: bool(errors))
    assert errors[0].code == "internal"


def test_without_a_backend_requests_and_streams_fail_kindly(qtbot: QtBot) -> None:
    client = Client()
    errors: list[AppError] = []
    client.get("/api/status", Status, lambda _: None, errors.append)
    client.stream("/api/events", Event).failed.connect(errors.append)
    qtbot.waitUntil(lambda: len(errors) == 2)
    assert {error.code for error in errors} == {"backend_gone"}


def test_a_refused_connection_is_a_lost_backend(qtbot: QtBot) -> None:
    server = QTcpServer()
    server.listen(QHostAddress.SpecialAddress.LocalHost)
    free = server.serverPort()
    server.close()
    client = Client()
    client.attach(Handshake(port=free, token="t", pid=1, version="", created=0))
    errors: list[AppError] = []
    client.get("/api/status", Status, lambda _: None, errors.append)
    qtbot.waitUntil(lambda: bool(errors))
    assert errors[0].code == "backend_gone"


def test_an_aborted_request_is_silent(qtbot: QtBot, attached: Client) -> None:
    answers: list[object] = []
    attached.get("/api/hardware", object, answers.append, answers.append).abort()
    done: list[Status] = []
    attached.get("/api/status", Status, done.append)
    qtbot.waitUntil(lambda: bool(done))
    assert answers == []


def test_the_event_stream_is_a_presence(qtbot: QtBot, attached: Client) -> None:
    stream = attached.stream("/api/events?client=test", Event)
    with qtbot.waitSignal(stream.received) as first:
        pass
    assert first.args is not None
    hello = first.args[0]
    assert isinstance(hello, Hello)
    assert hello.status.clients >= 1
    told: list[object] = []
    stream.ended.connect(lambda: told.append("ended"))
    stream.failed.connect(told.append)
    stream.abort()
    done: list[Status] = []
    attached.get("/api/status", Status, done.append)
    qtbot.waitUntil(lambda: bool(done))
    assert told == []


def test_a_refused_stream_tells_why(qtbot: QtBot, attached: Client) -> None:
    stream = attached.stream("/api/messages/4711/stream", Event)
    with qtbot.waitSignal(stream.failed) as told:
        pass
    assert told.args is not None
    assert told.args[0].code == "message_not_found"


def test_requests_do_not_starve_behind_streams(qtbot: QtBot, attached: Client) -> None:
    streams = [attached.stream(f"/api/events?client=test{number}", Event) for number in range(12)]
    greeted: list[object] = []
    for stream in streams:
        stream.received.connect(greeted.append)
    qtbot.waitUntil(lambda: len(greeted) == len(streams))
    done: list[Status] = []
    attached.get("/api/status", Status, done.append)
    qtbot.waitUntil(lambda: bool(done))
    for stream in streams:
        stream.abort()


class OneAnswer(QTcpServer):
    """Sends one response in given chunks, each in a turn of the event loop of its own, and closes."""

    def __init__(self, chunks: list[bytes]) -> None:
        super().__init__()
        self.chunks = chunks
        self.listen(QHostAddress.SpecialAddress.LocalHost)
        self.newConnection.connect(self._on_connection)
        self.socket: QTcpSocket | None = None

    def _on_connection(self) -> None:
        self.socket = self.nextPendingConnection()
        self.socket.readyRead.connect(self._send)

    def _send(self) -> None:
        assert self.socket is not None
        if self.chunks:
            self.socket.write(QByteArray(self.chunks.pop(0)))
            self.socket.flush()
            QTimer.singleShot(0, self, self._send)
        else:
            self.socket.disconnectFromHost()


def test_chunks_may_end_inside_a_character(qtbot: QtBot) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    body = 'data: "量化"\n\n: ping\n\ndata: "é"\n\n'.encode()
    server = OneAnswer([head, *(body[at : at + 1] for at in range(len(body)))])
    client = Client()
    client.attach(Handshake(port=server.serverPort(), token="t", pid=1, version="", created=0))
    received: list[str] = []
    stream = client.stream("/x", str)
    stream.received.connect(received.append)
    with qtbot.waitSignal(stream.ended):
        pass
    assert received == ["量化", "é"]


def test_a_listener_may_hang_up_in_the_middle(qtbot: QtBot) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    server = OneAnswer([head + b'data: "a"\n\ndata: "b"\n\n'])
    client = Client()
    client.attach(Handshake(port=server.serverPort(), token="t", pid=1, version="", created=0))
    received: list[str] = []
    stream = client.stream("/x", str)

    def hang_up(text: str) -> None:
        received.append(text)
        stream.abort()

    stream.received.connect(hang_up)
    with qtbot.waitSignal(stream.destroyed):
        pass
    assert received == ["a"]


def test_a_file_travels_as_it_is_both_ways(qtbot: QtBot, attached: Client) -> None:
    image = QImage(3, 2, QImage.Format.Format_RGB32)
    image.fill(0x2C6E60)
    content = prepared(image).content
    given: list[PictureId] = []
    attached.post("/api/images", content, PictureId, given.append)
    qtbot.waitUntil(lambda: bool(given))
    fetched: list[bytes] = []
    attached.get(f"/api/images/{given[0].id}", bytes, fetched.append)
    qtbot.waitUntil(lambda: bool(fetched))
    assert fetched == [content.data]


def test_a_file_that_is_no_picture_is_refused_in_words(qtbot: QtBot, attached: Client) -> None:
    errors: list[AppError] = []
    attached.post("/api/images", Content(b"no picture", "image/png"), PictureId, lambda _: None, errors.append)
    qtbot.waitUntil(lambda: bool(errors))
    assert errors[0].code == "image_unsupported"
