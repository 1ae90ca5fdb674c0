"""What one conversation is waiting for: an answer, and where that calls tools which may run, the answers after it."""

import asyncio
from dataclasses import dataclass, field

from msgspec.structs import replace

from app.errors import AppError
from app.protocol import FinishReason, Message, MessageState, ModelEntry, Started
from app.server.answer import Answer
from app.server.endpoint import told
from app.server.prompts import Wish

STOP_S = 1.0
"""How long an engine gets to stop an answer before it is stopped without it."""


@dataclass(frozen=True)
class Begun:
    """An answer that is stored and now to be written, by whom and with what wish."""

    started: Started
    entry: ModelEntry
    wish: Wish
    continues: bool = False
    """It has text already, and goes on where that ends."""


@dataclass(eq=False)
class Exchange:
    """From the question to the last of its answers; while it lasts its conversation is taken."""

    conversation_id: int
    answer: Answer | None = None
    """The one being written, or the last one while its tools run."""
    tools: "asyncio.Task[list[tuple[str, str]]] | None" = None
    rounds: int = 0
    """How often tools have run without anybody being asked."""
    stopping: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def stop(self) -> None:
        """Ask the engine to stop; where it does not in time, or has not begun, drop the answer where it stands."""
        self.stopping = True
        if self.tools is not None:
            self.tools.cancel()
        if self.answer is not None:
            await _stop(self.answer)
            await self.ended.wait()


async def _stop(answer: Answer) -> None:
    answer.stopping = True
    if answer.writing_at is not None and not answer.ended.is_set():
        engine, request_id = answer.writing_at
        await engine.backend.cancel(request_id)
        try:
            async with asyncio.timeout(STOP_S):
                await answer.ended.wait()
        except TimeoutError:
            pass  # It is dropped below.
    if answer.task is not None:
        answer.task.cancel()
    await answer.ended.wait()


def ended(answer: Answer, writing: "asyncio.Task[None]") -> Message:
    """The message as it ended: complete, stopped, or failed with its reason. Calls of tools that are not whole go."""
    message = answer.snapshot()
    if answer.stats is None or answer.stats.finish_reason is not FinishReason.TOOL_CALLS:
        message = replace(message, tool_calls=())
    if writing.cancelled():
        return replace(message, state=MessageState.STOPPED)
    error = writing.exception()
    if error is None:
        cut = answer.stats is None or answer.stats.finish_reason is FinishReason.CANCELLED
        return replace(message, state=MessageState.STOPPED if cut else MessageState.COMPLETE)
    reason = told(error, f"answer {message.id}")
    if reason.code == "load_cancelled" or (answer.stopping and isinstance(error, AppError)):
        return replace(message, state=MessageState.STOPPED)
    return replace(message, state=MessageState.FAILED, error=reason.info)
