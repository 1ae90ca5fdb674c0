"""The parts of a running backend, as the routes use them."""

import os
import time
from dataclasses import dataclass, field

import app
from app.paths import Paths
from app.protocol import PortChanged, Status
from app.server.engines import Engines
from app.server.events import Broadcaster
from app.server.generation import Answers
from app.server.port import PublicPort
from app.server.preferences import Preferences
from app.server.presence import Presence
from app.server.shelf import Shelf
from app.server.storage import Storage


@dataclass(frozen=True)
class Services:
    paths: Paths
    preferences: Preferences
    storage: Storage
    shelf: Shelf
    engines: Engines
    answers: Answers
    events: Broadcaster
    presence: Presence
    port: PublicPort
    started: float = field(default_factory=time.monotonic)

    def status(self) -> Status:
        """What the backend is doing at this moment."""
        return Status(
            version=app.__version__,
            pid=os.getpid(),
            home=str(self.paths.data),
            uptime_s=time.monotonic() - self.started,
            clients=len(self.presence),
            answering=len(self.answers) + self.port.answering,
            loaded=self.engines.loaded,
            worker_pids=self.engines.worker_pids,
            port=self.port.state,
        )

    async def client_left(self, client_id: str) -> None:
        """What was held open for that client ends."""
        if self.port.belongs_to(client_id):
            await self.port.close()
            self.events.publish(PortChanged())
