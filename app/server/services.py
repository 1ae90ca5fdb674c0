"""The parts of a running backend, as the routes use them."""

import asyncio
import os
import time
from dataclasses import dataclass, field

import app
from app.paths import Paths
from app.protocol import PortChanged, Status
from app.server.asking import Asking
from app.server.benching import Benching
from app.server.calibrating import Calibrating
from app.server.engines import Engines
from app.server.events import Broadcaster
from app.server.generation import Answers
from app.server.measuring import Measuring
from app.server.port import PublicPort
from app.server.preferences import Preferences
from app.server.presence import Presence
from app.server.shelf import Shelf
from app.server.states import remove_states
from app.server.storage import Storage
from app.server.tools import Tools


@dataclass(frozen=True)
class Services:
    paths: Paths
    preferences: Preferences
    storage: Storage
    shelf: Shelf
    engines: Engines
    measuring: Measuring
    calibrating: Calibrating
    benching: Benching
    tools: Tools
    asking: Asking
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

    async def forget_state(self, conversation_id: int) -> None:
        """Remove what the engine keeps of that conversation on the disk; what it would write only now goes too."""
        await self.engines.forget(str(conversation_id))
        await asyncio.to_thread(remove_states, self.paths.states, lambda number: number == conversation_id)

    async def sweep_states(self) -> None:
        """Remove what is kept of conversations that are no longer there."""
        present = await self.storage.do(lambda store: store.conversation_ids())
        await asyncio.to_thread(remove_states, self.paths.states, lambda number: number not in present)
