"""Asking the engine: what is stored of a conversation becomes a request, and its parts an answer."""

import contextlib
from collections.abc import Sequence

from msgspec.structs import replace

from app.protocol import Conversation, Generate, Message, PromptPreview, PromptRequest, Role
from app.server.answer import Answer
from app.server.engines import Engines
from app.server.exchange import Begun
from app.server.prompts import Prompt, Wish, image_ids, prompt_of, request_of
from app.server.storage import Storage
from app.server.tools import Tools


class Asking:
    """Writes answers and shows the prompts they would be made of. Raises AppError as `Backend.generate` does."""

    def __init__(self, storage: Storage, engines: Engines, tools: Tools) -> None:
        self._storage = storage
        self._engines = engines
        self._tools = tools

    async def write(self, answer: Answer, begun: Begun) -> None:
        """Let the model write the answer, loading it where needed."""
        conversation = begun.started.conversation
        branch = await self._storage.do(lambda store: store.branch(answer.id))
        continues = begun.continues and bool(branch[-1].text or branch[-1].thinking)
        prompt = await self._prompt(conversation, branch if continues else branch[:-1], continues)
        answer.prompt = prompt
        async with self._engines.use(begun.entry.id) as engine:
            request = replace(self._request(conversation, prompt, begun.wish), continues=continues)
            answer.writing_at = (engine, request.request_id)
            async with contextlib.aclosing(engine.generate(request)) as parts:
                async for part in parts:
                    answer.take(part)

    async def preview(self, conversation: Conversation | None, asked: PromptRequest) -> PromptPreview:
        """The prompt the next message would make: of that conversation, or of a new one with the request's options."""
        branch: list[Message] = []
        if conversation is None:
            conversation = _imagined(asked)
        elif conversation.leaf_id is not None:
            leaf_id = conversation.leaf_id
            branch = await self._storage.do(lambda store: store.branch(leaf_id))
        question = Message(
            id=0, conversation_id=conversation.id, role=Role.USER, text=asked.text, images=asked.images, created=0.0
        )
        prompt = await self._prompt(conversation, [*branch, question], with_last=True)
        async with self._engines.use(asked.model or conversation.model) as engine:
            shown = await engine.preview(self._request(conversation, prompt, Wish(thinking=asked.thinking)))
            return PromptPreview(
                text=shown.text, tokens=shown.tokens, context_length=engine.entry.loaded_context or shown.tokens
            )

    async def _prompt(self, conversation: Conversation, said: Sequence[Message], with_last: bool) -> Prompt:
        wanted = image_ids(said)
        pictures = await self._storage.do(lambda store: {image_id: store.image(image_id).data for image_id in wanted})
        return prompt_of(conversation.system_prompt, said, pictures, with_last)

    def _request(self, conversation: Conversation, prompt: Prompt, wish: Wish) -> Generate:
        options = conversation.options
        offered = self._tools.offered(options.tools)
        return request_of(self._engines.request_id(), prompt, options, wish, offered, keep_as=str(conversation.id))


def _imagined(asked: PromptRequest) -> Conversation:
    """The conversation that would begin with that request."""
    return Conversation(id=0, created=0.0, updated=0.0, system_prompt=asked.system_prompt, options=asked.options)
