"""One answer while it is being written: its text so far, and everyone who reads along."""

import asyncio

import msgspec
from msgspec.structs import replace

from app import sse
from app.backends.base import AnswerPart
from app.protocol import (
    AnswerDelta,
    AnswerEvent,
    AnswerFinished,
    AnswerPrefill,
    AnswerSnapshot,
    Delta,
    DeltaKind,
    Finished,
    GenerationStats,
    Message,
)
from app.server.engines import Engine
from app.server.feed import Feed

_encoder = msgspec.json.Encoder()


class Answer:
    """Collects the parts and passes them on. `ended` is set when the last event has been sent."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._pieces: dict[DeltaKind, list[str]] = {
            DeltaKind.TEXT: [message.text],
            DeltaKind.THINKING: [message.thinking],
        }
        self._feeds: set[Feed] = set()
        self._prefill: AnswerPrefill | None = None
        self.stats: GenerationStats | None = None
        self.unsaved = False
        """Text has come since the last checkpoint."""
        self.stopping = False
        self.task: asyncio.Task[None] | None = None
        """The task that writes it."""
        self.writing_at: tuple[Engine, int] | None = None
        """The engine at work and the request's id there."""
        self.ended = asyncio.Event()

    @property
    def id(self) -> int:
        return self._message.id

    @property
    def conversation_id(self) -> int:
        return self._message.conversation_id

    def snapshot(self) -> Message:
        """The message with all that is there so far."""
        return replace(self._message, text=self._joined(DeltaKind.TEXT), thinking=self._joined(DeltaKind.THINKING))

    def read(self) -> Feed:
        """A feed for a new reader: what is there, then what comes."""
        feed = Feed()
        feed.put(_event(AnswerSnapshot(message=self.snapshot())))
        if self._prefill is not None and self.stats is None:
            feed.put(_event(self._prefill))
        self._feeds.add(feed)
        return feed

    def forget(self, feed: Feed) -> None:
        self._feeds.discard(feed)

    def take(self, part: AnswerPart) -> None:
        """The next part of the answer."""
        if isinstance(part, Delta):
            self._pieces[part.kind].append(part.text)
            self.unsaved = True
            self._tell(AnswerDelta(text=part.text, kind=part.kind))
        elif isinstance(part, Finished):
            self.stats = part.stats
        else:
            self._prefill = AnswerPrefill(done=part.done, total=part.total)
            self._tell(self._prefill)

    def end(self, message: Message) -> None:
        """Send the last event and close every reader's stream."""
        self._message = message
        self._tell(AnswerFinished(message=message))
        for feed in self._feeds:
            feed.close()
        self.ended.set()

    def _tell(self, event: AnswerEvent) -> None:
        chunk = _event(event)
        for feed in self._feeds:
            feed.put(chunk)

    def _joined(self, kind: DeltaKind) -> str:
        pieces = self._pieces[kind]
        pieces[:] = ["".join(pieces)]
        return pieces[0]


def finished_feed(message: Message) -> Feed:
    """The stream of an answer that ended before: its snapshot and its end."""
    feed = Feed()
    feed.put(_event(AnswerSnapshot(message=message)))
    feed.put(_event(AnswerFinished(message=message)))
    feed.close()
    return feed


def _event(event: AnswerEvent) -> bytes:
    return sse.encode(_encoder.encode(event))
