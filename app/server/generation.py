"""What can be asked of answers: to begin, to go on, to be read and to be stopped."""

import time
from collections.abc import Callable

from msgspec.structs import replace

from app.protocol import Event, Message, MessagePage, NewMessage, Regenerate, Started, ToolCall, ToolConsent
from app.server.answer import finished_feed
from app.server.asking import Asking
from app.server.engines import Engines
from app.server.exchange import Begun
from app.server.exchanges import Exchanges
from app.server.feed import Feed
from app.server.prompts import Wish
from app.server.safekeeping import Safekeeping
from app.server.storage import Storage
from app.server.tools import Tools


class Answers:
    """The answers being written: at most one in each conversation."""

    def __init__(
        self, storage: Storage, engines: Engines, tools: Tools, asking: Asking, publish: Callable[[Event], None]
    ) -> None:
        self._storage = storage
        self._engines = engines
        self._tools = tools
        self._safekeeping = Safekeeping(storage, publish)
        self._exchanges = Exchanges(storage, tools, asking, self._safekeeping, publish)

    def __len__(self) -> int:
        return len(self._exchanges)

    async def ask(self, conversation_id: int, asked: NewMessage) -> Started:
        """Store the question and begin its answer. Raises AppError: "busy", "conversation_not_found", "no_model", …"""
        with self._exchanges.taking(conversation_id) as exchange:
            conversation = await self._storage.do(lambda store: store.get(conversation_id))
            entry = await self._engines.choose(asked.model or conversation.model)
            started = await self._storage.do(
                lambda store: store.begin_answer(conversation_id, asked, entry.name, time.time())
            )
            return self._exchanges.begin(exchange, Begun(started, entry, Wish(asked.sampling, asked.thinking)))

    async def regenerate(self, message_id: int, asked: Regenerate) -> Started:
        """Begin another version of an answer. Raises AppError as `ask` does, and "message_not_found"."""
        message = await self._storage.do(lambda store: store.message(message_id))
        with self._exchanges.taking(message.conversation_id) as exchange:
            conversation = await self._storage.do(lambda store: store.get(message.conversation_id))
            entry = await self._engines.choose(asked.model or conversation.model)
            started = await self._storage.do(
                lambda store: store.begin_regeneration(message_id, entry.name, time.time())
            )
            return self._exchanges.begin(exchange, Begun(started, entry, Wish(asked.sampling, asked.thinking)))

    async def go_on(self, message_id: int) -> Started:
        """Go on writing an answer that was cut off, in the same message. Raises AppError, also "bad_request"."""
        message = await self._storage.do(lambda store: store.message(message_id))
        with self._exchanges.taking(message.conversation_id) as exchange:
            conversation = await self._storage.do(lambda store: store.get(message.conversation_id))
            entry = await self._engines.choose(conversation.model)
            started = await self._storage.do(
                lambda store: store.begin_continuation(message_id, entry.name, time.time())
            )
            wish = Wish(thinking=bool(message.thinking))
            return self._exchanges.begin(exchange, Begun(started, entry, wish, continues=True))

    async def consent(self, message_id: int, consent: ToolConsent) -> Started:
        """Run the tools an answer calls, as far as they are allowed, and begin the answer after them."""
        message = await self._storage.do(lambda store: store.message(message_id))
        with self._exchanges.taking(message.conversation_id) as exchange:
            conversation = await self._storage.do(lambda store: store.get(message.conversation_id))
            entry = await self._engines.choose(conversation.model)
            allowed = conversation.options.allowed_tools

            def may_run(call: ToolCall) -> bool:
                return call.id in consent.allowed or not self._tools.needs_consent(call, allowed)

            results = await self._tools.results(message.tool_calls, may_run)
            wish = Wish(thinking=bool(message.thinking))
            return self._exchanges.begin(exchange, await self._exchanges.begin_after(message, results, entry, wish))

    async def read(self, message_id: int) -> Feed:
        """The stream of an answer, being written or not. Raises AppError("message_not_found")."""
        if answer := self._exchanges.written(message_id):
            return answer.read()
        message = await self._storage.do(lambda store: store.message(message_id))
        if answer := self._exchanges.written(message_id):
            return answer.read()
        return finished_feed(self.current(message))

    def leave(self, message_id: int, feed: Feed) -> None:
        """A reader has gone."""
        if answer := self._exchanges.written(message_id):
            answer.forget(feed)

    async def stop(self, message_id: int) -> Message:
        """Stop an answer, or the tools it called, and return it as it was stored; an ended one stays unchanged."""
        message = await self._storage.do(lambda store: store.message(message_id))
        exchange = self._exchanges.of(message.conversation_id)
        if exchange is not None and exchange.answer is not None and exchange.answer.id == message_id:
            await exchange.stop()
            message = await self._storage.do(lambda store: store.message(message_id))
        return self.current(message)

    def stop_soon(self, message_id: int) -> None:
        """Stop an answer that is being written, without waiting for its end."""
        answer = self._exchanges.written(message_id)
        if answer is not None and (exchange := self._exchanges.of(answer.conversation_id)) is not None:
            self._exchanges.spawn(exchange.stop())

    async def stop_conversation(self, conversation_id: int) -> None:
        """Stop the answer a conversation is waiting for, if it is."""
        if exchange := self._exchanges.of(conversation_id):
            await exchange.stop()

    async def close(self) -> None:
        """Stop and store everything; nothing new begins."""
        await self._exchanges.close()
        await self._safekeeping.close()

    def current(self, message: Message) -> Message:
        """The message as it is at this moment: what is stored may be half a second old."""
        if answer := self._exchanges.written(message.id):
            return replace(answer.snapshot(), siblings=message.siblings)
        return self._safekeeping.current(message)

    def current_page(self, page: MessagePage) -> MessagePage:
        return replace(page, messages=[self.current(message) for message in page.messages])
