"""A stream to one reader: chunks wait in a bounded feed until an HTTP response sends them as server-sent events."""

import asyncio
from collections.abc import Callable, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app import sse

LIMIT = 8 * 1024**2
PING_EVERY_S = 15.0


class Feed:
    """Bytes on their way to one reader. One who is more than `limit` bytes behind is dropped, and may come back."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._waiting: list[bytes] = []
        self._size = 0
        self._closed = False
        self._changed = asyncio.Event()

    @property
    def closed(self) -> bool:
        return self._closed

    def put(self, chunk: bytes) -> None:
        """Add a chunk; nothing happens on a closed feed. A feed that overflows is emptied and closed."""
        if self._closed:
            return
        self._size += len(chunk)
        if self._size > self._limit:
            self._waiting.clear()
            self._closed = True
        else:
            self._waiting.append(chunk)
        self._changed.set()

    def close(self) -> None:
        """End the stream; what was put before is still delivered."""
        self._closed = True
        self._changed.set()

    async def take(self, patience_s: float) -> bytes | None:
        """Everything that waits, joined; empty after `patience_s` of silence; None at the end."""
        if not self._waiting and not self._closed:
            try:
                async with asyncio.timeout(patience_s):
                    await self._changed.wait()
            except TimeoutError:
                return b""
        chunks, self._waiting, self._size = self._waiting, [], 0
        self._changed.clear()
        return b"".join(chunks) if chunks else None


class FeedResponse(Response):
    """Sends headers at once, then the feed; pings in silence; calls `on_leave` exactly once, whoever ended it."""

    media_type = "text/event-stream"

    def __init__(
        self,
        feed: Feed,
        on_leave: Callable[[], None] = lambda: None,
        headers: Mapping[str, str] | None = None,
        ping_every_s: float = PING_EVERY_S,
    ) -> None:
        self._feed = feed
        self._on_leave = on_leave
        self._ping_every_s = ping_every_s
        self.status_code = 200
        self.background = None
        self.init_headers({"cache-control": "no-store", **(headers or {})})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        leaving = asyncio.create_task(self._close_when_left(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._send_feed(send)
            await send({"type": "http.response.body", "body": b""})
        finally:
            leaving.cancel()
            self._on_leave()

    async def _send_feed(self, send: Send) -> None:
        while (chunk := await self._feed.take(self._ping_every_s)) is not None:
            await send({"type": "http.response.body", "body": chunk or sse.PING, "more_body": True})

    async def _close_when_left(self, receive: Receive) -> None:
        await disconnected(receive)
        self._feed.close()


async def disconnected(receive: Receive) -> None:
    """Return when the client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
