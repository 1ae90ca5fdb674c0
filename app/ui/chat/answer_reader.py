"""Reads along while one answer is written, and passes on what has come in steps the eye can follow."""

import time

from msgspec.structs import replace
from PySide6.QtCore import QObject, QTimer, Signal

from app.errors import AppError
from app.protocol import (
    AnswerDelta,
    AnswerEvent,
    AnswerFinished,
    AnswerPrefill,
    AnswerQueued,
    AnswerSnapshot,
    AnswerToolCall,
    DeltaKind,
    Message,
    ToolCall,
)
from app.ui.client import Client, Stream

COALESCE_MS = 50
"""Tokens are shown together that often."""


class AnswerReader(QObject):
    """Follows one answer at a time. Silent after `leave()`."""

    advanced = Signal(object)
    """The message as it is now."""
    progressed = Signal(object)
    """An `AnswerQueued` or `AnswerPrefill`; None once something is being written."""
    finished = Signal(object)
    failed = Signal(object)
    """The stream broke: an AppError."""

    def __init__(self, client: Client, parent: QObject) -> None:
        super().__init__(parent)
        self._client = client
        self._stream: Stream | None = None
        self._message: Message | None = None
        self._thinking_began: float | None = None
        self._waits = False
        self._coalesce = QTimer(self, singleShot=True, interval=COALESCE_MS)
        self._coalesce.timeout.connect(self._show)
        self.thought_s: dict[int, float] = {}
        """How long the answers read here were thought about, in seconds, by message id."""

    @property
    def message_id(self) -> int | None:
        """The answer being read, if there is one."""
        return self._message.id if self._message is not None else None

    def follow(self, message: Message) -> None:
        """Read this answer from now on."""
        self.leave()
        self._message = message
        self._stream = self._client.stream(f"/api/messages/{message.id}/stream", AnswerEvent)
        self._stream.received.connect(self._on_event)
        self._stream.failed.connect(self._on_failed)
        self._stream.ended.connect(self._on_ended)

    def leave(self) -> None:
        """Hang up; the answer goes on being written. What has come is passed on first."""
        if self._coalesce.isActive():
            self._show()
        stream, self._stream = self._stream, None
        self._message = self._thinking_began = None
        self._waits = False
        if stream is not None:
            stream.abort()

    def _on_event(self, event: AnswerEvent) -> None:
        if self._message is None:
            return
        if isinstance(event, AnswerDelta | AnswerToolCall):
            grown = (
                self._extended(self._message, event) if isinstance(event, AnswerDelta) else called(self._message, event)
            )
            self._message = grown
            self._set_progress(None)
            if not self._coalesce.isActive():
                self._coalesce.start()
        elif isinstance(event, AnswerSnapshot):
            self._message = event.message
            self.advanced.emit(event.message)
        elif isinstance(event, AnswerQueued | AnswerPrefill):
            self._set_progress(event)
        elif isinstance(event, AnswerFinished):
            self._coalesce.stop()
            self.leave()
            self.finished.emit(event.message)

    def _set_progress(self, progress: AnswerQueued | AnswerPrefill | None) -> None:
        if progress is not None or self._waits:
            self._waits = progress is not None
            self.progressed.emit(progress)

    def _extended(self, message: Message, delta: AnswerDelta) -> Message:
        if delta.kind is DeltaKind.THINKING:
            if self._thinking_began is None:
                self._thinking_began = time.monotonic()
            return replace(message, thinking=message.thinking + delta.text)
        if self._thinking_began is not None and not message.text:
            self.thought_s[message.id] = time.monotonic() - self._thinking_began
        return replace(message, text=message.text + delta.text)

    def _show(self) -> None:
        self._coalesce.stop()
        if self._message is not None:
            self.advanced.emit(self._message)

    def _on_ended(self) -> None:
        """The stream was cut off: after `finished` nobody listens to it any more."""
        self._on_failed(AppError("backend_gone"))

    def _on_failed(self, error: AppError) -> None:
        self.leave()
        self.failed.emit(error)


def called(message: Message, piece: AnswerToolCall) -> Message:
    """The message with a piece of one of its tool calls added."""
    calls = list(message.tool_calls)
    while len(calls) <= piece.index:
        calls.append(ToolCall(id="", name="", arguments=""))
    known = calls[piece.index]
    calls[piece.index] = ToolCall(
        id=piece.id or known.id, name=piece.name or known.name, arguments=known.arguments + piece.arguments
    )
    return replace(message, tool_calls=tuple(calls))
