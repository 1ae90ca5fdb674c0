"""One answer while it is being written: all there is of it so far, and everyone who reads along."""

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
    AnswerQueued,
    AnswerSnapshot,
    AnswerToolCall,
    Delta,
    DeltaKind,
    Finished,
    GenerationStats,
    Message,
    Prefill,
    Queued,
    ToolCall,
    ToolCallDelta,
)
from app.server.engine import Engine
from app.server.feed import Feed
from app.server.figures import added_up
from app.server.prompts import Prompt

_encoder = msgspec.json.Encoder()


class Answer:
    """Collects the parts and passes them on. `ended` is set when the last event has been sent."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._earlier = message.stats
        self._pieces: dict[DeltaKind, list[str]] = {
            DeltaKind.TEXT: [message.text],
            DeltaKind.THINKING: [message.thinking],
        }
        self._calls: dict[int, ToolCall] = {}
        self._feeds: set[Feed] = set()
        self._waiting: AnswerQueued | AnswerPrefill | None = None
        """What is told of the time before the first word."""
        self.prompt: Prompt | None = None
        """What it was asked with, once that is known."""
        self.stats: GenerationStats | None = None
        """What this writing cost; a continued answer cost more before."""
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
        return replace(
            self._message,
            text=self._joined(DeltaKind.TEXT),
            thinking=self._joined(DeltaKind.THINKING),
            tool_calls=tuple(self._calls[index] for index in sorted(self._calls)),
            stats=added_up(self._earlier, self.stats),
        )

    def read(self) -> Feed:
        """A feed for a new reader: what is there, then what comes."""
        feed = Feed()
        feed.put(_event(AnswerSnapshot(message=self.snapshot())))
        if self._waiting is not None and self.stats is None:
            feed.put(_event(self._waiting))
        self._feeds.add(feed)
        return feed

    def forget(self, feed: Feed) -> None:
        self._feeds.discard(feed)

    def take(self, part: AnswerPart) -> None:
        """The next part of the answer."""
        match part:
            case Delta():
                self._pieces[part.kind].append(part.text)
                self.unsaved = True
                self._tell(AnswerDelta(text=part.text, kind=part.kind))
            case ToolCallDelta():
                self._take_call(part)
            case Queued():
                self._tell_waiting(AnswerQueued(position=part.position))
            case Prefill():
                self._tell_waiting(
                    AnswerPrefill(done=part.done, total=part.total, cached=part.cached, eta_s=part.eta_s)
                )
            case Finished():
                self.stats = part.stats
            case _:
                self._leave_out(part.turns)

    def end(self, message: Message) -> None:
        """Send the last event and close every reader's stream."""
        self._message = message
        self._tell(AnswerFinished(message=message))
        for feed in self._feeds:
            feed.close()
        self.ended.set()

    def _take_call(self, part: ToolCallDelta) -> None:
        call = self._calls.get(part.index, ToolCall(id="", name="", arguments=""))
        self._calls[part.index] = ToolCall(
            id=part.call_id or call.id, name=part.name or call.name, arguments=call.arguments + part.arguments
        )
        self._tell(AnswerToolCall(index=part.index, id=part.call_id, name=part.name, arguments=part.arguments))

    def _leave_out(self, turns: tuple[int, ...]) -> None:
        """Say at once, in a new snapshot, which message is the first that is read."""
        if self.prompt is not None:
            self._message = replace(self._message, context_from=self.prompt.first_kept(turns))
            self._tell(AnswerSnapshot(message=self.snapshot()))

    def _tell_waiting(self, event: AnswerQueued | AnswerPrefill) -> None:
        self._waiting = event
        self._tell(event)

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
