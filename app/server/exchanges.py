"""The exchanges under way: each writes its answers one after the other, runs what tools it may, stores all of it."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence

from app.errors import AppError
from app.protocol import ConversationChanged, Event, Message, MessageChanged, MessageState, ModelEntry, Started
from app.server.answer import Answer
from app.server.asking import Asking
from app.server.exchange import Begun, Exchange, ended
from app.server.prompts import Wish
from app.server.safekeeping import Safekeeping
from app.server.storage import Storage
from app.server.tools import Tools

MOST_ROUNDS = 8
"""How often in a row tools run without anybody being asked."""

_log = logging.getLogger(__name__)


class Exchanges:
    """By conversation; each conversation is taken until the last answer of its exchange has ended."""

    def __init__(
        self,
        storage: Storage,
        tools: Tools,
        asking: Asking,
        safekeeping: Safekeeping,
        publish: Callable[[Event], None],
    ) -> None:
        self._storage = storage
        self._tools = tools
        self._asking = asking
        self._safekeeping = safekeeping
        self._publish = publish
        self._exchanges: dict[int, Exchange] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def __len__(self) -> int:
        """How many write."""
        return sum(exchange.answer is not None for exchange in self._exchanges.values())

    def of(self, conversation_id: int) -> Exchange | None:
        return self._exchanges.get(conversation_id)

    async def close(self) -> None:
        """Stop and store everything; nothing new begins."""
        self._closing = True
        await asyncio.gather(*(exchange.stop() for exchange in list(self._exchanges.values())))
        await asyncio.gather(*self._tasks)

    def written(self, message_id: int) -> Answer | None:
        """The answer of that id, if it is being written."""
        answers = (exchange.answer for exchange in self._exchanges.values())
        return next((each for each in answers if each and each.id == message_id and not each.ended.is_set()), None)

    @contextlib.contextmanager
    def taking(self, conversation_id: int) -> Iterator[Exchange]:
        """Take the conversation; it is given back at once on an error, otherwise at the end of its last answer."""
        if self._closing:
            raise AppError("backend_gone")
        if conversation_id in self._exchanges:
            raise AppError("busy")
        exchange = self._exchanges[conversation_id] = Exchange(conversation_id)
        try:
            yield exchange
        except BaseException:
            self._give_back(exchange)
            raise

    def begin(self, exchange: Exchange, begun: Begun) -> Started:
        """Write the answer, and those after it. Raises AppError("backend_gone") once the backend is ending."""
        if self._closing:
            raise AppError("backend_gone")
        self._open(exchange, begun)
        self.spawn(self._run(exchange, begun))
        return begun.started

    async def begin_after(
        self, message: Message, results: Sequence[tuple[str, str]], entry: ModelEntry, wish: Wish
    ) -> Begun:
        """Store what the tools answered and the answer that follows. Raises AppError("bad_request") without a call."""
        messages, started = await self._storage.do(
            lambda store: store.begin_after_tools(message.id, results, entry.name, time.time())
        )
        for result in messages:
            self._publish(MessageChanged(message=result))
        return Begun(started, entry, wish)

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Do it beside everything else; `close` waits for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _open(self, exchange: Exchange, begun: Begun) -> None:
        """From this moment on the answer is being written: readers find it, and it can be stopped."""
        answer = exchange.answer = Answer(begun.started.answer)
        answer.task = asyncio.create_task(self._asking.write(answer, begun))
        for message in (begun.started.question, begun.started.answer):
            if message is not None:
                self._publish(MessageChanged(message=message))
        self._publish(ConversationChanged(conversation=begun.started.conversation))

    async def _run(self, exchange: Exchange, begun: Begun) -> None:
        """One answer after the other, as long as they call tools that run without asking."""
        try:
            while True:
                message = await self._finish(exchange, begun)
                if exchange.ended.is_set() or (follower := await self._follow(exchange, begun, message)) is None:
                    return
                begun = follower
        except AppError as error:
            _log.warning("conversation %d goes no further: %s", exchange.conversation_id, error.code)
        finally:
            self._give_back(exchange)

    async def _finish(self, exchange: Exchange, begun: Begun) -> Message:
        """Wait for the end of the answer, store it, tell everyone; give the conversation back where nothing follows."""
        answer = exchange.answer
        assert answer is not None, "it was opened before"
        assert answer.task is not None, "it is being written"
        saving = asyncio.create_task(self._safekeeping.checkpoints(answer))
        await asyncio.wait([answer.task])
        saving.cancel()
        message = ended(answer, answer.task)
        try:
            message = await self._safekeeping.save(message)
        finally:
            if not self._goes_on(exchange, begun, message):
                self._give_back(exchange)
            answer.end(message)
        self._publish(MessageChanged(message=message))
        with contextlib.suppress(AppError):
            conversation = await self._storage.do(lambda store: store.get(message.conversation_id))
            self._publish(ConversationChanged(conversation=conversation))
        return message

    def _goes_on(self, exchange: Exchange, begun: Begun, message: Message) -> bool:
        """Whether the answer calls tools all of which may run without asking."""
        allowed = begun.started.conversation.options.allowed_tools
        asks = any(self._tools.needs_consent(call, allowed) for call in message.tool_calls)
        whole = message.state is MessageState.COMPLETE and bool(message.tool_calls) and not asks
        return whole and exchange.rounds < MOST_ROUNDS and not exchange.stopping and not self._closing

    async def _follow(self, exchange: Exchange, begun: Begun, message: Message) -> Begun | None:
        """Run the tools and open the next answer; None where somebody stopped that."""
        exchange.rounds += 1
        exchange.tools = asyncio.create_task(self._tools.results(message.tool_calls, lambda _call: True))
        await asyncio.wait([exchange.tools])
        if exchange.stopping or exchange.tools.cancelled():
            return None
        follower = await self.begin_after(message, exchange.tools.result(), begun.entry, begun.wish)
        self._open(exchange, follower)
        if exchange.stopping and exchange.answer is not None and exchange.answer.task is not None:
            exchange.answer.task.cancel()
        return follower

    def _give_back(self, exchange: Exchange) -> None:
        if self._exchanges.get(exchange.conversation_id) is exchange:
            del self._exchanges[exchange.conversation_id]
        exchange.ended.set()
