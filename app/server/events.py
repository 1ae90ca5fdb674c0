"""What happens is told to every client: one feed of `Event`s per open event stream."""

import msgspec

from app import sse
from app.protocol import Event
from app.server.feed import Feed


class Broadcaster:
    """Hands each published event to every subscriber, encoded once."""

    def __init__(self) -> None:
        self._feeds: set[Feed] = set()
        self._encoder = msgspec.json.Encoder()

    def subscribe(self, first: Event) -> Feed:
        """A new feed that begins with that event and carries all that are published from now on."""
        feed = Feed()
        feed.put(self._encode(first))
        self._feeds.add(feed)
        return feed

    def unsubscribe(self, feed: Feed) -> None:
        self._feeds.discard(feed)

    def publish(self, event: Event) -> None:
        chunk = self._encode(event)
        for feed in self._feeds:
            feed.put(chunk)

    def close(self) -> None:
        """End every stream."""
        for feed in self._feeds:
            feed.close()

    def _encode(self, event: Event) -> bytes:
        return sse.encode(self._encoder.encode(event))
