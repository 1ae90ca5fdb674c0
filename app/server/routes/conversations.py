"""The routes about conversations: their list, their messages, and search."""

import builtins
import time
from collections.abc import Callable

from starlette.routing import Route

from app.protocol import (
    Conversation,
    ConversationChange,
    ConversationChanged,
    ConversationRemoved,
    MessageChanged,
    MessagePage,
    MessageRemoved,
    NewConversation,
    SearchHit,
)
from app.server.endpoint import Call, endpoint
from app.server.services import Services
from app.store.store import Store


class ConversationRoutes:
    """What people do with conversations. Every change is told to all clients."""

    def __init__(self, services: Services) -> None:
        self._storage = services.storage
        self._answers = services.answers
        self._publish = services.events.publish
        self._services = services

    def routes(self) -> list[Route]:
        return [
            endpoint("GET", "/api/conversations", self.list),
            endpoint("POST", "/api/conversations", self.create, NewConversation),
            endpoint("GET", "/api/conversations/{id:int}", self.get),
            endpoint("PATCH", "/api/conversations/{id:int}", self.change, ConversationChange),
            endpoint("DELETE", "/api/conversations/{id:int}", self.delete),
            endpoint("POST", "/api/conversations/{id:int}/restore", self.restore),
            endpoint("GET", "/api/conversations/{id:int}/messages", self.messages),
            endpoint("POST", "/api/messages/{id:int}/show", self.show),
            endpoint("DELETE", "/api/messages/{id:int}", self.delete_message),
            endpoint("POST", "/api/messages/{id:int}/restore", self.restore_message),
            endpoint("GET", "/api/search", self.search),
        ]

    async def list(self, call: Call[None]) -> builtins.list[Conversation]:
        limit, before = call.limit(100), call.number("before")
        return await self._storage.do(lambda store: store.list(limit, before))

    async def create(self, call: Call[NewConversation]) -> Conversation:
        return self._tell(await self._storage.do(lambda store: store.create(call.body, time.time())))

    async def get(self, call: Call[None]) -> Conversation:
        return await self._storage.do(lambda store: store.get(call.id))

    async def change(self, call: Call[ConversationChange]) -> Conversation:
        return self._tell(await self._storage.do(lambda store: store.change(call.id, call.body)))

    async def delete(self, call: Call[None]) -> Conversation:
        removed = await self._in_silence(call.id, lambda store: store.delete(call.id, time.time()))
        await self._services.forget_state(call.id)
        self._publish(ConversationRemoved(conversation_id=call.id))
        return removed

    async def restore(self, call: Call[None]) -> Conversation:
        return self._tell(await self._storage.do(lambda store: store.restore(call.id)))

    async def messages(self, call: Call[None]) -> MessagePage:
        limit, before = call.limit(50), call.number("before")
        page = await self._storage.do(lambda store: store.page(call.id, limit, before))
        return self._answers.current_page(page)

    async def show(self, call: Call[None]) -> Conversation:
        return self._tell(await self._storage.do(lambda store: store.show(call.id)))

    async def delete_message(self, call: Call[None]) -> Conversation:
        message = await self._storage.do(lambda store: store.message(call.id))
        conversation = await self._in_silence(
            message.conversation_id, lambda store: store.delete_message(call.id, time.time())
        )
        self._publish(MessageRemoved(conversation_id=conversation.id, message_id=call.id))
        return self._tell(conversation)

    async def restore_message(self, call: Call[None]) -> Conversation:
        conversation = await self._storage.do(lambda store: store.restore_message(call.id))
        self._publish(MessageChanged(message=await self._storage.do(lambda store: store.message(call.id))))
        return self._tell(conversation)

    async def search(self, call: Call[None]) -> builtins.list[SearchHit]:
        return await self._storage.search(call.text("q"), call.limit(50, 200))

    async def _in_silence(self, conversation_id: int, work: Callable[[Store], Conversation]) -> Conversation:
        """Do what takes messages away. No answer is written there before it, and none that began meanwhile after it."""
        await self._answers.stop_conversation(conversation_id)
        conversation = await self._storage.do(work)
        await self._answers.stop_conversation(conversation_id)
        return conversation

    def _tell(self, conversation: Conversation) -> Conversation:
        self._publish(ConversationChanged(conversation=conversation))
        return conversation
