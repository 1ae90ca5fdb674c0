"""The gate in front of both ports: before any route it checks Host, Origin, the key, and the size and type of the body.

A web page cannot pass it: another site sends an Origin, a rebound DNS name its own Host, and a form is no JSON.
"""

import hmac
import ipaddress
import socket
from collections.abc import Callable, Mapping
from types import MappingProxyType

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import AppError

BODY_LIMIT = 8 * 1024**2
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

Headers = dict[bytes, list[bytes]]


class Gate:
    """ASGI middleware that refuses what may not pass and hands on the rest with its body already read.

    `key` empty lets everyone in who passes the other checks; `open_to_network` accepts, besides loopback,
    this machine's own name and literal addresses as Host (a rebound DNS name is neither). `uploads` are the paths to
    which pictures may be posted instead of JSON, with the most bytes each takes.
    """

    def __init__(
        self,
        app: ASGIApp,
        key: str,
        refuse: Callable[[AppError], Response],
        open_to_network: bool = False,
        uploads: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._app = app
        self._key = key.encode()
        self._refuse = refuse
        self._open_to_network = open_to_network
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            headers = _collect(scope["headers"])
            upload = self._uploads.get(scope["path"])
            self._check(headers, b"image/" if upload else b"application/json")
            body = await _read_body(headers, receive, upload or BODY_LIMIT)
        except AppError as error:
            await self._refuse(error)(scope, receive, send)
        except ConnectionAbortedError:
            return
        else:
            await self._app(scope, _replay(body, receive), send)

    def _check(self, headers: Headers, kind: bytes) -> None:
        host = headers.get(b"host", [])
        if len(host) != 1 or not self._host_allowed(host[0].decode("latin-1")):
            raise AppError("access_refused", reason="this Host is not served here")
        if b"origin" in headers or headers.get(b"sec-fetch-site", [b"none"]) not in ([b"none"], [b"same-origin"]):
            raise AppError("access_refused", reason="web pages may not use this port")
        if self._key and not self._key_fits(headers.get(b"authorization", [])):
            raise AppError("unauthorized")
        if _has_body(headers) and not _is_of_kind(headers, kind):
            raise AppError("not_json" if kind == b"application/json" else "image_unsupported")

    def _host_allowed(self, host: str) -> bool:
        name = _without_port(host.lower())
        if name in _LOOPBACK_NAMES:
            return True
        return self._open_to_network and (_is_address(name) or name == socket.gethostname().lower())

    def _key_fits(self, values: list[bytes]) -> bool:
        if len(values) != 1:
            return False
        scheme, _, given = values[0].partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(given.strip(), self._key)


def _collect(pairs: list[tuple[bytes, bytes]]) -> Headers:
    headers: Headers = {}
    for name, value in pairs:
        headers.setdefault(name.lower(), []).append(value)
    return headers


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isascii() and port.isdigit() else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _has_body(headers: Headers) -> bool:
    return b"transfer-encoding" in headers or headers.get(b"content-length", [b"0"]) != [b"0"]


def _is_of_kind(headers: Headers, kind: bytes) -> bool:
    """Whether the body is of that media type, or with a slash at its end of that family."""
    kinds = headers.get(b"content-type", [])
    if len(kinds) != 1:
        return False
    given = kinds[0].split(b";")[0].strip().lower()
    return given.startswith(kind) if kind.endswith(b"/") else given == kind


async def _read_body(headers: Headers, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises AppError("request_too_large"), or ConnectionAbortedError where the client left."""
    declared = headers.get(b"content-length", [b"0"])[0]
    if not declared.isdigit() or int(declared) > limit:
        raise AppError("request_too_large", limit_bytes=limit)
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionAbortedError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise AppError("request_too_large", limit_bytes=limit)
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body read before, then what really comes (in the end: that the client left)."""
    read = False

    async def replaying() -> Message:
        nonlocal read
        if read:
            return await receive()
        read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replaying
