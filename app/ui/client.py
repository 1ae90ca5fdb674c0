"""The window's half of the private API: requests and event streams over QNetworkAccessManager, decoded into structs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from PySide6.QtCore import QByteArray, QObject, QTimer, QUrl, Signal
from PySide6.QtNetwork import QHttp1Configuration, QNetworkAccessManager, QNetworkProxy, QNetworkReply, QNetworkRequest

from app import sse
from app.errors import AppError
from app.protocol import ErrorInfo, Handshake

T = TypeVar("T")
OnError = Callable[[AppError], None]

TIMEOUT_MS = 60_000
"""A backend that is silent for so long counts as gone."""
_CONNECTIONS = 32
"""Each open stream takes one; the default of six would let streams starve the requests."""


@dataclass(frozen=True)
class Content:
    """A body that is sent as it is: the bytes of a file, and their media type."""

    data: bytes
    kind: str


class Call(QObject):
    """A request under way. Nothing is called back after `abort()`."""

    def __init__(self, parent: QObject, reply: QNetworkReply | None = None) -> None:
        super().__init__(parent)
        self._reply = reply
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True
        if self._reply is not None:
            self._reply.abort()


class Stream(QObject):
    """An open event stream: `received` for each event, then `ended` or `failed` (AppError). Silent after `abort()`."""

    received = Signal(object)
    ended = Signal()
    failed = Signal(object)

    def __init__(self, parent: QObject, reply: QNetworkReply | None, decoder: "msgspec.json.Decoder[Any]") -> None:
        super().__init__(parent)
        self._reply = reply
        self._decoder = decoder
        self._parser = sse.Parser()
        if reply is not None:
            reply.readyRead.connect(self._on_ready)
            reply.finished.connect(self._on_finished)

    def abort(self) -> None:
        """Hang up; the object deletes itself."""
        reply, self._reply = self._reply, None
        if reply is not None:
            reply.abort()
            reply.deleteLater()
        self.deleteLater()

    def _on_ready(self) -> None:
        if self._reply is None or _status(self._reply) >= 400:
            return
        for data in self._parser.feed(bytes(self._reply.readAll().data())):
            if self._reply is None:
                return  # A listener hung up.
            self.received.emit(self._decoder.decode(data))

    def _on_finished(self) -> None:
        self._on_ready()
        reply, self._reply = self._reply, None
        if reply is None:
            return
        error = error_of(reply)
        reply.deleteLater()
        self.deleteLater()
        if error is None:
            self.ended.emit()
        else:
            self.failed.emit(error)


class Client(QObject):
    """Speaks to the backend it was attached to. Callbacks always come later, from the event loop.

    Errors go to the request's `on_error`, or to the signal `failed` where it has none.
    """

    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._network: QNetworkAccessManager | None = None
        self._handshake: Handshake | None = None
        self.client_id = ""
        """The presence id, sent as X-Alcove-Client."""

    def attach(self, handshake: Handshake | None) -> None:
        """Speak to this backend from now on; None for none."""
        self._handshake = handshake

    def get(self, path: str, type_: type[T], on_done: Callable[[T], None], on_error: OnError | None = None) -> Call:
        """Fetch `path` (with its query, percent-encoded) as that type."""
        return self.request(b"GET", path, None, type_, on_done, on_error)

    def post(
        self,
        path: str,
        body: object,
        type_: type[T],
        on_done: Callable[[T], None],
        on_error: OnError | None = None,
        limit_ms: int = TIMEOUT_MS,
    ) -> Call:
        """Post a struct, a file's `Content`, or None for an empty body; a `limit_ms` of 0 waits as long as it takes."""
        return self.request(b"POST", path, body, type_, on_done, on_error, limit_ms)

    def patch(
        self, path: str, body: object, type_: type[T], on_done: Callable[[T], None], on_error: OnError | None = None
    ) -> Call:
        return self.request(b"PATCH", path, body, type_, on_done, on_error)

    def delete(self, path: str, type_: type[T], on_done: Callable[[T], None], on_error: OnError | None = None) -> Call:
        return self.request(b"DELETE", path, None, type_, on_done, on_error)

    def request(
        self,
        verb: bytes,
        path: str,
        body: object,
        type_: type[T],
        on_done: Callable[[T], None],
        on_error: OnError | None,
        limit_ms: int = TIMEOUT_MS,
    ) -> Call:
        """What all verbs come down to; a client of another kind overrides this and `stream`."""
        fail: OnError = on_error or self.failed.emit
        if self._handshake is None:
            return self._unattached(fail)
        request = self._request(self._handshake, path)
        request.setTransferTimeout(limit_ms)
        content = _content(body)
        if content.kind:
            request.setHeader(QNetworkRequest.KnownHeaders.ContentTypeHeader, content.kind)
        reply = self._manager().sendCustomRequest(request, QByteArray(verb), QByteArray(content.data))
        call = Call(self, reply)
        reply.finished.connect(lambda: self._finish(call, reply, type_, on_done, fail))
        return call

    def stream(self, path: str, event_type: object) -> Stream:
        """Open an event stream whose events decode as that type (a union is fine)."""
        decoder = msgspec.json.Decoder(event_type)
        if self._handshake is None:
            stream = Stream(self, None, decoder)
            QTimer.singleShot(0, stream, lambda: stream.failed.emit(AppError("backend_gone")))
            return stream
        request = self._request(self._handshake, path)
        request.setTransferTimeout(0)
        request.setRawHeader(QByteArray(b"Accept"), QByteArray(b"text/event-stream"))
        return Stream(self, self._manager().get(request), decoder)

    def _unattached(self, fail: OnError) -> Call:
        call = Call(self)

        def refuse() -> None:
            if not call.aborted:
                fail(AppError("backend_gone"))

        QTimer.singleShot(0, call, refuse)
        return call

    def _manager(self) -> QNetworkAccessManager:
        if self._network is None:
            self._network = QNetworkAccessManager(self)
            self._network.setProxy(QNetworkProxy(QNetworkProxy.ProxyType.NoProxy))
        return self._network

    def _request(self, handshake: Handshake, path: str) -> QNetworkRequest:
        request = QNetworkRequest(QUrl(f"http://127.0.0.1:{handshake.port}{path}"))
        request.setRawHeader(QByteArray(b"Authorization"), QByteArray(f"Bearer {handshake.token}".encode()))
        if self.client_id:
            request.setRawHeader(QByteArray(b"X-Alcove-Client"), QByteArray(self.client_id.encode()))
        request.setAttribute(QNetworkRequest.Attribute.Http2AllowedAttribute, False)
        connections = QHttp1Configuration()
        connections.setNumberOfConnectionsPerHost(_CONNECTIONS)
        request.setHttp1Configuration(connections)
        return request

    def _finish(
        self, call: Call, reply: QNetworkReply, type_: type[T], on_done: Callable[[T], None], fail: OnError
    ) -> None:
        reply.deleteLater()
        call.deleteLater()
        if call.aborted:
            return
        error = error_of(reply)
        if error is not None:
            fail(error)
            return
        try:
            value = decode(bytes(reply.readAll().data()), type_)
        except msgspec.MsgspecError as fault:
            fail(AppError("internal", reason=str(fault), folder=""))
            return
        on_done(value)


def _content(body: object) -> Content:
    if isinstance(body, Content):
        return body
    return Content(b"", "") if body is None else Content(msgspec.json.encode(body), "application/json")


def decode(data: bytes, type_: type[T]) -> T:
    """An answer's body as that type; `bytes` takes it as it is, `object` anything, also nothing.

    Raises msgspec.MsgspecError.
    """
    if type_ is bytes:
        return data  # type: ignore[return-value] # that is what this type means here
    if not data and type_ in (object, type(None)):
        return None  # type: ignore[return-value] # that is what these types mean here
    return msgspec.json.decode(data, type=type_)


def error_of(reply: QNetworkReply) -> AppError | None:
    """Why a finished request failed; None where it did not."""
    if reply.error() is QNetworkReply.NetworkError.NoError:
        return None
    if _status(reply) < 400:
        return AppError("backend_gone")
    try:
        return AppError.from_info(msgspec.json.decode(bytes(reply.readAll().data()), type=ErrorInfo))
    except (msgspec.MsgspecError, KeyError):
        return AppError("internal", reason=reply.errorString(), folder="")


def _status(reply: QNetworkReply) -> int:
    value = reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute)
    return value if isinstance(value, int) else 0
