"""Getting answers onto the disk: while they are written, at their end, and later where it had no room for them."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from msgspec.structs import replace

from app.errors import AppError
from app.protocol import Event, Message, MessageChanged
from app.server.answer import Answer
from app.server.storage import Storage

CHECKPOINT_EVERY_S = 0.5
RETRY_EVERY_S = 5.0

_log = logging.getLogger(__name__)


class Safekeeping:
    """Stores answers. A full disk loses nothing as long as the backend runs."""

    def __init__(self, storage: Storage, publish: Callable[[Event], None]) -> None:
        self._storage = storage
        self._publish = publish
        self._kept: dict[int, Message] = {}
        """Ended answers the disk had no room for; they are tried again."""
        self._retrying: asyncio.Task[None] | None = None

    def current(self, message: Message) -> Message:
        """The message as it ended, where the disk does not know that yet."""
        return self._kept.get(message.id, message)

    async def checkpoints(self, answer: Answer) -> None:
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

    async def save(self, message: Message) -> Message:
        """Store an ended answer. Where the disk refuses it is kept here, marked with the reason, and tried again."""
        self._kept.pop(message.id, None)
        try:
            return await self._store_end(message)
        except AppError as error:
            _log.warning("message %d could not be stored: %s", message.id, error.code)
            self._kept[message.id] = message
            if self._retrying is None or self._retrying.done():
                self._retrying = asyncio.create_task(self._retry())
            return message if message.error else replace(message, error=error.info)

    async def close(self) -> None:
        """Try once more what could not be stored."""
        if self._retrying is not None:
            self._retrying.cancel()
        await self._save_kept()

    async def _checkpoint(self, message: Message) -> None:
        await self._storage.do(
            lambda store: store.checkpoint(message.id, message.text, message.thinking, message.context_from)
        )

    async def _retry(self) -> None:
        while self._kept:
            await asyncio.sleep(RETRY_EVERY_S)
            await self._save_kept()

    async def _save_kept(self) -> None:
        for message in list(self._kept.values()):
            with contextlib.suppress(AppError):
                stored = await self._store_end(message)
                if self._kept.get(message.id) is message:
                    del self._kept[message.id]
                self._publish(MessageChanged(message=stored))

    async def _store_end(self, message: Message) -> Message:
        return await self._storage.do(lambda store: store.finish(message))
