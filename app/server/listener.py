"""An HTTP server on a socket of ours: uvicorn without its signal handlers and without its ten wake-ups a second."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from app.errors import AppError

_GRACE_S = 1


class _Server(uvicorn.Server):
    """Signals belong to the process, and there is nothing to do between requests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.closing = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self.closing.wait()


class Listener:
    """Serves an application on a bound socket from `open` to `close`, in the running loop."""

    def __init__(self, app: ASGIApp, bound: socket.socket) -> None:
        self._socket = bound
        self._server = _Server(
            uvicorn.Config(
                app,
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def open(self) -> None:
        """Begin to accept connections; those that came since the socket was bound have waited."""
        self._socket.listen(2048)
        self._task = asyncio.create_task(self._server.serve([self._socket]))

    async def close(self) -> None:
        """Stop accepting, end what is open (requests get a second), free the port."""
        self._server.closing.set()
        if self._task is not None:
            await self._task


def bind(host: str, port: int) -> socket.socket:
    """A bound TCP socket. Raises AppError("port_in_use") or AppError("port_not_allowed")."""
    if not 0 <= port <= 65535:
        raise AppError("port_not_allowed", host=host, port=port, reason="a port is a number from 0 to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise AppError("port_not_allowed", host=host, port=port, reason=str(error)) from error
    bound = socket.socket(family, kind, protocol)
    try:
        _make_exclusive(bound)
        bound.bind(address)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise _bind_error(error, host, port) from error
    return bound


def _make_exclusive(bound: socket.socket) -> None:
    """No other program may share the port; on POSIX that holds although a port just left may be taken again."""
    if os.name == "nt":
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def _bind_error(error: OSError, host: str, port: int) -> AppError:
    if error.errno == errno.EADDRINUSE:
        return AppError("port_in_use", host=host, port=port, next_port=_next_free(host, port))
    return AppError("port_not_allowed", host=host, port=port, reason=str(error))


def _next_free(host: str, port: int) -> int:
    """The nearest higher port that is free, as far as one can see; the next number where none is."""
    for candidate in range(port + 1, min(port + 50, 65536)):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe, contextlib.suppress(OSError):
            probe.bind((host, candidate))
            return candidate
    return min(port + 1, 65535)
