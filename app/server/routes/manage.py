"""The routes about the backend itself: status, events, settings, models, the machine, the public port."""

import asyncio

from msgspec.structs import replace
from starlette.responses import Response
from starlette.routing import Route

from app.errors import AppError
from app.protocol import (
    Check,
    Hello,
    LibraryChanged,
    LoadParams,
    Machine,
    MemorySample,
    ModelEntry,
    PortChanged,
    PortRequest,
    PortState,
    SettingsChanged,
    Status,
    Wire,
)
from app.server.checkup import checkup
from app.server.endpoint import Call, endpoint
from app.server.feed import Feed, FeedResponse
from app.server.services import Services
from app.settings import Settings


class Leaving(Wire, frozen=True, kw_only=True):
    """Whether the backend ends now."""

    leaves: bool


class ManageRoutes:
    """Everything that is not a conversation."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._leaving: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        return [
            endpoint("GET", "/api/status", self.status),
            endpoint("GET", "/api/events", self.events),
            endpoint("POST", "/api/leave", self.leave),
            endpoint("GET", "/api/settings", self.settings),
            endpoint("PATCH", "/api/settings", self.change_settings),
            endpoint("GET", "/api/models", self.models),
            endpoint("GET", "/api/models/{name}", self.model),
            endpoint("POST", "/api/models/{name}/load", self.load, LoadParams),
            endpoint("POST", "/api/models/{name}/unload", self.unload),
            endpoint("GET", "/api/hardware", self.hardware),
            endpoint("GET", "/api/memory", self.memory),
            endpoint("GET", "/api/doctor", self.doctor),
            endpoint("POST", "/api/port", self.open_port, PortRequest),
            endpoint("DELETE", "/api/port", self.close_port),
        ]

    async def status(self, call: Call[None]) -> Status:
        return self._services.status()

    async def events(self, call: Call[None]) -> Response:
        """The stream that is a client's presence: it is here as long as this response lasts."""
        client_id = self._services.presence.enter(call.text("client"))
        feed = self._services.events.subscribe(Hello(client_id=client_id, status=self._services.status()))
        return FeedResponse(feed, lambda: self._left(client_id, feed))

    async def leave(self, call: Call[None]) -> Leaving:
        """End where nobody is here: a client of another version starts a backend of its own."""
        presence = self._services.presence
        if not presence:
            presence.alone.set()
        return Leaving(leaves=presence.alone.is_set())

    async def settings(self, call: Call[None]) -> Settings:
        return self._services.preferences.settings

    async def change_settings(self, call: Call[None]) -> Settings:
        before = self._services.preferences.model_folder
        changed = await self._services.preferences.change(await call.request.body())
        self._services.events.publish(SettingsChanged())
        if self._services.preferences.model_folder != before:
            self._services.events.publish(LibraryChanged())
        return changed

    async def models(self, call: Call[None]) -> list[ModelEntry]:
        return await self._services.engines.entries()

    async def model(self, call: Call[None]) -> ModelEntry:
        return await self._services.engines.find(call.name)

    async def load(self, call: Call[LoadParams]) -> ModelEntry:
        return await self._services.engines.load(call.name, call.body, call.flag("wait"))

    async def unload(self, call: Call[None]) -> ModelEntry:
        return await self._services.engines.unload(call.name)

    async def hardware(self, call: Call[None]) -> Machine:
        return await self._services.shelf.machine()

    async def memory(self, call: Call[None]) -> MemorySample:
        """Who has the memory at this moment; cheap enough to be asked every second."""
        sample = await self._services.shelf.sample()
        return replace(sample, loaded=await self._services.engines.memory())

    async def doctor(self, call: Call[None]) -> list[Check]:
        return await checkup(self._services)

    async def open_port(self, call: Call[PortRequest]) -> PortState:
        port, presence = self._services.port, self._services.presence
        if call.client_id not in presence:
            raise AppError("bad_request", reason="X-Alcove-Client names no client that holds /api/events open")
        try:
            state = await port.open(call.body, call.client_id)
        finally:
            self._services.events.publish(PortChanged(port=port.state))  # also where opening anew closed it
        if call.client_id not in presence:
            await self._services.client_left(call.client_id)
        return state

    async def close_port(self, call: Call[None]) -> PortState | None:
        state = self._services.port.state
        await self._services.port.close()
        self._services.events.publish(PortChanged())
        return state

    def _left(self, client_id: str, feed: Feed) -> None:
        self._services.events.unsubscribe(feed)
        self._services.presence.leave(client_id)
        task = asyncio.create_task(self._services.client_left(client_id))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
