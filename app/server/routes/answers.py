"""The routes about answers: asking for one, going on with it, its tools, its stream, its prompt, stopping it."""

from starlette.responses import Response
from starlette.routing import Route

from app.protocol import (
    Message,
    NewMessage,
    PromptPreview,
    PromptRequest,
    Regenerate,
    Started,
    ToolConsent,
    ToolSpec,
)
from app.server.endpoint import Call, endpoint
from app.server.feed import FeedResponse
from app.server.services import Services


class AnswerRoutes:
    """What people do with answers."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._answers = services.answers

    def routes(self) -> list[Route]:
        return [
            endpoint("POST", "/api/conversations/{id:int}/messages", self.ask, NewMessage),
            endpoint("POST", "/api/messages/{id:int}/regenerate", self.regenerate, Regenerate),
            endpoint("POST", "/api/messages/{id:int}/continue", self.go_on),
            endpoint("POST", "/api/messages/{id:int}/tools", self.consent, ToolConsent),
            endpoint("GET", "/api/messages/{id:int}/stream", self.stream),
            endpoint("POST", "/api/messages/{id:int}/stop", self.stop),
            endpoint("POST", "/api/conversations/{id:int}/preview", self.preview, PromptRequest),
            endpoint("POST", "/api/preview", self.preview_new, PromptRequest),
            endpoint("GET", "/api/tools", self.tools),
        ]

    async def ask(self, call: Call[NewMessage]) -> Started:
        return await self._answers.ask(call.id, call.body)

    async def regenerate(self, call: Call[Regenerate]) -> Started:
        return await self._answers.regenerate(call.id, call.body)

    async def go_on(self, call: Call[None]) -> Started:
        return await self._answers.go_on(call.id)

    async def consent(self, call: Call[ToolConsent]) -> Started:
        return await self._answers.consent(call.id, call.body)

    async def stream(self, call: Call[None]) -> Response:
        """The answer's stream. The owner's leaving stops the answer."""
        message_id, owns = call.id, call.flag("owner")
        feed = await self._answers.read(message_id)

        def leave() -> None:
            self._answers.leave(message_id, feed)
            if owns:
                self._answers.stop_soon(message_id)

        return FeedResponse(feed, leave)

    async def stop(self, call: Call[None]) -> Message:
        return await self._answers.stop(call.id)

    async def preview(self, call: Call[PromptRequest]) -> PromptPreview:
        conversation = await self._services.storage.do(lambda store: store.get(call.id))
        return await self._services.asking.preview(conversation, call.body)

    async def preview_new(self, call: Call[PromptRequest]) -> PromptPreview:
        return await self._services.asking.preview(None, call.body)

    async def tools(self, call: Call[None]) -> list[ToolSpec]:
        return self._services.tools.specs
