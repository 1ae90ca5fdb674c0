"""The public port: opened for a client that is here, closed when that client has gone."""

import asyncio
import ipaddress
import socket

from app.errors import AppError
from app.protocol import PortRequest, PortState
from app.server.access import Gate
from app.server.endpoint import application
from app.server.engines import Engines
from app.server.listener import Listener, bind
from app.server.openai.errors import response_of
from app.server.openai.routes import OpenAiRoutes


class PublicPort:
    """At most one open port. Its owner may open it anew with other values; anyone may close it."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._listener: Listener | None = None
        self._routes: OpenAiRoutes | None = None
        self._owner = ""
        self._changing = asyncio.Lock()
        self.state: PortState | None = None

    async def open(self, request: PortRequest, owner: str) -> PortState:
        """Listen there. Where that fails the owner's port stays as it was, if it is another one.

        Raises AppError: "key_required", "port_open" (for another client), "port_in_use", "port_not_allowed".
        """
        network = not _is_loopback(request.host)
        if network and not request.api_key:
            raise AppError("key_required", host=request.host)
        async with self._changing:
            if self.state is not None and owner != self._owner:
                raise AppError("port_open", host=self.state.host, port=self.state.port)
            if self.state is not None and request.port == self.state.port:
                await self._close()
            bound = bind(request.host, request.port)
            await self._close()
            return self._listen(bound, request, owner, network)

    async def close(self) -> None:
        """Stop listening and end the answers other programs are waiting for; nothing happens on a closed port."""
        async with self._changing:
            await self._close()

    def _listen(self, bound: socket.socket, request: PortRequest, owner: str, network: bool) -> PortState:
        self._routes = OpenAiRoutes(self._engines)
        app = application(self._routes.routes(), response_of)
        self._listener = Listener(Gate(app, request.api_key, response_of, open_to_network=network), bound)
        self._listener.open()
        self._owner = owner
        self.state = PortState(host=request.host, port=self._listener.port, needs_key=bool(request.api_key))
        return self.state

    async def _close(self) -> None:
        listener, routes = self._listener, self._routes
        self._listener = self._routes = self.state = None
        self._owner = ""
        if routes is not None:
            await routes.stop()
        if listener is not None:
            await listener.close()

    @property
    def answering(self) -> int:
        """Answers being written for other programs."""
        return 0 if self._routes is None else self._routes.answering

    def belongs_to(self, client_id: str) -> bool:
        return bool(client_id) and client_id == self._owner


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False
