"""Writing answers into conversations: from the stored question to the stored end, whatever happens between."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterator

from msgspec.structs import replace

from app.errors import AppError
from app.protocol import (
    ChatTurn,
    ConversationChanged,
    Event,
    FinishReason,
    Message,
    MessageChanged,
    MessagePage,
    MessageState,
    NewMessage,
    Regenerate,
    Role,
    Started,
)
from app.server.answer import Answer, finished_feed
from app.server.endpoint import told
from app.server.engines import Engines
from app.server.feed import Feed
from app.server.storage import Storage

CHECKPOINT_EVERY_S = 0.5
STOP_S = 1.0
"""How long an engine gets to stop an answer before it is stopped without it."""
RETRY_EVERY_S = 5.0

_log = logging.getLogger(__name__)


class Answers:
    """The answers being written: at most one in each conversation."""

    def __init__(self, storage: Storage, engines: Engines, publish: Callable[[Event], None]) -> None:
        self._storage = storage
        self._engines = engines
        self._publish = publish
        self._running: dict[int, Answer] = {}
        self._taken: set[int] = set()
        """Conversations that are waiting for an answer."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._kept: dict[int, Message] = {}
        """Ended answers the disk had no room for; they are tried again."""
        self._retrying: asyncio.Task[None] | None = None
        self._closing = False

    def __len__(self) -> int:
        return len(self._running)

    async def ask(self, conversation_id: int, asked: NewMessage) -> Started:
        """Store the question and begin its answer. Raises AppError: "busy", "conversation_not_found", "no_model", …"""
        with self._taking(conversation_id):
            conversation = await self._storage.do(lambda store: store.get(conversation_id))
            entry = await self._engines.choose(asked.model or conversation.model)
            started = await self._storage.do(
                lambda store: store.begin_answer(conversation_id, asked, entry.name, time.time())
            )
            return self._begin(started, entry.id, asked)

    async def regenerate(self, message_id: int, asked: Regenerate) -> Started:
        """Begin another version of an answer. Raises AppError as `ask` does, and "message_not_found"."""
        message = await self._storage.do(lambda store: store.message(message_id))
        with self._taking(message.conversation_id):
            conversation = await self._storage.do(lambda store: store.get(message.conversation_id))
            entry = await self._engines.choose(asked.model or conversation.model)
            started = await self._storage.do(
                lambda store: store.begin_regeneration(message_id, entry.name, time.time())
            )
            return self._begin(started, entry.id, asked)

    async def read(self, message_id: int) -> Feed:
        """The stream of an answer, being written or not. Raises AppError("message_not_found")."""
        if answer := self._running.get(message_id):
            return answer.read()
        message = await self._storage.do(lambda store: store.message(message_id))
        if answer := self._running.get(message_id):
            return answer.read()
        return finished_feed(self.current(message))

    def leave(self, message_id: int, feed: Feed) -> None:
        """A reader has gone."""
        if answer := self._running.get(message_id):
            answer.forget(feed)

    async def stop(self, message_id: int) -> Message:
        """Stop an answer and return it as it was stored; an ended one is returned unchanged."""
        if answer := self._running.get(message_id):
            await self._stop(answer)
        return self.current(await self._storage.do(lambda store: store.message(message_id)))

    def stop_soon(self, message_id: int) -> None:
        """Stop an answer without waiting for its end."""
        if answer := self._running.get(message_id):
            self._spawn(self._stop(answer))

    async def stop_conversation(self, conversation_id: int) -> None:
        """Stop the answer a conversation is waiting for, if it is."""
        for answer in list(self._running.values()):
            if answer.conversation_id == conversation_id:
                await self._stop(answer)

    async def close(self) -> None:
        """Stop and store everything; nothing new begins."""
        self._closing = True
        await asyncio.gather(*(self._stop(answer) for answer in list(self._running.values())))
        if self._retrying is not None:
            self._retrying.cancel()
        await asyncio.gather(*self._tasks)
        await self._save_kept()

    def current(self, message: Message) -> Message:
        """The message as it is at this moment: what is stored may be half a second old."""
        if answer := self._running.get(message.id):
            return replace(answer.snapshot(), siblings=message.siblings)
        return self._kept.get(message.id, message)

    def current_page(self, page: MessagePage) -> MessagePage:
        return replace(page, messages=[self.current(message) for message in page.messages])

    @contextlib.contextmanager
    def _taking(self, conversation_id: int) -> Iterator[None]:
        """Take the conversation; it is given back at once on an error, otherwise at the end of the answer."""
        if self._closing:
            raise AppError("backend_gone")
        if conversation_id in self._taken:
            raise AppError("busy")
        self._taken.add(conversation_id)
        try:
            yield
        except BaseException:
            self._taken.discard(conversation_id)
            raise

    def _begin(self, started: Started, model_id: str, asked: NewMessage | Regenerate) -> Started:
        if self._closing:
            raise AppError("backend_gone")
        answer = Answer(started.answer)
        self._running[answer.id] = answer
        answer.task = asyncio.create_task(self._write(answer, started, model_id, asked))
        self._spawn(self._run(answer, answer.task))
        for message in (started.question, started.answer):
            if message is not None:
                self._publish(MessageChanged(message=message))
        self._publish(ConversationChanged(conversation=started.conversation))
        return started

    async def _run(self, answer: Answer, writing: "asyncio.Task[None]") -> None:
        """One answer from its first to its last event."""
        saving = asyncio.create_task(self._checkpoints(answer))
        await asyncio.wait([writing])
        saving.cancel()
        await self._finish(answer, _ended(answer, writing))

    async def _write(self, answer: Answer, started: Started, model_id: str, asked: NewMessage | Regenerate) -> None:
        branch = await self._storage.do(lambda store: store.branch(started.answer.id))
        turns = _turns(started.conversation.system_prompt, branch[:-1])
        async with self._engines.use(model_id) as engine:
            request = self._engines.request(turns, asked.sampling, asked.thinking)
            answer.writing_at = (engine, request.request_id)
            async with contextlib.aclosing(engine.generate(request)) as parts:
                async for part in parts:
                    answer.take(part)

    async def _checkpoints(self, answer: Answer) -> None:
        """Store the text so far twice a second. A full disk does not end the answer: its end tries again."""
        while True:
            await asyncio.sleep(CHECKPOINT_EVERY_S)
            if not answer.unsaved:
                continue
            answer.unsaved = False
            try:
                await self._checkpoint(answer.snapshot())
            except AppError as error:
                answer.unsaved = True
                _log.warning("message %d could not be stored for now: %s", answer.id, error.code)

    async def _checkpoint(self, message: Message) -> None:
        await self._storage.do(lambda store: store.checkpoint(message.id, message.text, message.thinking))

    async def _finish(self, answer: Answer, message: Message) -> None:
        """Store the end, tell everyone, give the conversation back."""
        try:
            message = await self._save(message)
        finally:
            del self._running[answer.id]
            self._taken.discard(answer.conversation_id)
            answer.end(message)
        self._publish(MessageChanged(message=message))
        with contextlib.suppress(AppError):
            conversation = await self._storage.do(lambda store: store.get(answer.conversation_id))
            self._publish(ConversationChanged(conversation=conversation))

    async def _save(self, message: Message) -> Message:
        """Store an ended answer. Where the disk refuses it is kept here, marked with the reason, and tried again."""
        try:
            return await self._store_end(message)
        except AppError as error:
            _log.warning("message %d could not be stored: %s", message.id, error.code)
            self._kept[message.id] = message
            if self._retrying is None or self._retrying.done():
                self._retrying = asyncio.create_task(self._retry())
            return message if message.error else replace(message, error=error.info)

    async def _retry(self) -> None:
        while self._kept:
            await asyncio.sleep(RETRY_EVERY_S)
            await self._save_kept()

    async def _save_kept(self) -> None:
        for message in list(self._kept.values()):
            with contextlib.suppress(AppError):
                stored = await self._store_end(message)
                del self._kept[message.id]
                self._publish(MessageChanged(message=stored))

    async def _store_end(self, message: Message) -> Message:
        return await self._storage.do(lambda store: store.finish(message))

    async def _stop(self, answer: Answer) -> None:
        """Ask the engine to stop; where it does not in time, or has not begun, drop the answer where it stands."""
        answer.stopping = True
        if answer.writing_at is not None:
            engine, request_id = answer.writing_at
            await engine.backend.cancel(request_id)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await answer.ended.wait()
        if answer.task is not None:
            answer.task.cancel()
        await answer.ended.wait()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _turns(system_prompt: str, branch: list[Message]) -> tuple[ChatTurn, ...]:
    """The prompt: the system prompt, then every message of the branch that says something."""
    system = [ChatTurn(role=Role.SYSTEM, content=system_prompt)] if system_prompt else []
    said = [ChatTurn(role=message.role, content=message.text) for message in branch if message.text]
    return tuple(system + said)


def _ended(answer: Answer, writing: "asyncio.Task[None]") -> Message:
    """The message as it ended: complete, stopped, or failed with its reason."""
    message = replace(answer.snapshot(), stats=answer.stats)
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
