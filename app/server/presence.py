"""Who is here: a client is present while its event stream is open, and the backend ends when the last one has gone."""

import asyncio
import secrets

from app.errors import AppError

FIRST_GRACE_S = 10.0
"""How long a fresh backend waits for its first client."""
GRACE_S = 2.0
"""How long it waits after the last client has left: a stream that broke is opened again within that time."""


class Presence:
    """The clients that are here. `alone` is set once nobody has been here for the time of grace: the end begins."""

    def __init__(self, first_grace_s: float = FIRST_GRACE_S, grace_s: float = GRACE_S) -> None:
        self._clients: set[str] = set()
        self._grace_s = grace_s
        self.alone = asyncio.Event()
        self._timer = asyncio.get_running_loop().call_later(first_grace_s, self.alone.set)

    def __len__(self) -> int:
        return len(self._clients)

    def __contains__(self, client_id: str) -> bool:
        return client_id in self._clients

    def enter(self, name: str) -> str:
        """The id of a client that has come. Raises AppError("backend_gone") once the backend is ending."""
        if self.alone.is_set():
            raise AppError("backend_gone")
        self._timer.cancel()
        client_id = f"{name[:32] or 'client'}-{secrets.token_hex(6)}"
        self._clients.add(client_id)
        return client_id

    def leave(self, client_id: str) -> None:
        self._clients.discard(client_id)
        if not self._clients:
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(self._grace_s, self.alone.set)
