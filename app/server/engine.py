"""One model with the backend behind it, from the moment loading begins until it has ended."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from app.backends.base import AnswerPart, Backend
from app.errors import AppError
from app.protocol import (
    CPU,
    Finished,
    Generate,
    GenerationStats,
    Loaded,
    LoadedMemory,
    LoadParams,
    ModelEntry,
    ModelState,
    PromptText,
)
from app.server.planning import Prepared, compared, with_resident

STOP_ANSWERS_S = 0.5
"""How long an answer gets to end by itself when its model is unloaded; with the unloading two seconds in all."""


@dataclass(eq=False)
class Engine:
    """A backend and the answers it is writing."""

    entry: ModelEntry
    backend: Backend
    params: LoadParams
    memory: LoadedMemory | None = None
    """What was predicted and what was taken, once it is loaded."""
    prepared: Prepared | None = None
    """How it was planned, once it is loaded."""
    on_answer: Callable[["Engine", GenerationStats], None] | None = None
    """Told the figures of each answer that was written while no other was."""
    requests: set[int] = field(default_factory=set)
    _begun: int = 0
    """Answers begun so far: one that began meanwhile shared the engine."""
    _answer_ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def loaded(self) -> bool:
        return self.entry.state is ModelState.LOADED

    def settle(self, loaded: Loaded, prepared: Prepared) -> None:
        """Note what loading brought. Warnings of the steps that led to this plan stay."""
        plan, self.prepared = prepared.plan, prepared
        self.memory = compared(plan, self.entry.id, loaded)
        self.entry = replace(
            self.entry,
            state=ModelState.LOADED,
            progress=None,
            loaded_context=loaded.context_length,
            device=loaded.device,
            supports_thinking=loaded.supports_thinking,
            supports_tools=loaded.supports_tools,
            sees=loaded.sees,
            warnings=(*self.entry.warnings, *loaded.warnings),
            error=None,
        )

    async def generate(self, request: Generate) -> AsyncGenerator[AnswerPart, None]:
        """The parts of one answer. Raises AppError as `Backend.generate` does; closing it cancels the answer.

        Raises AppError("model_cannot_see") for pictures where only text is read.
        """
        self._check_sight(request)
        alone = not self.requests
        self._begun += 1
        number = self._begun
        self.requests.add(request.request_id)
        try:
            async with contextlib.aclosing(self.backend.generate(request)) as parts:
                async for part in parts:
                    if isinstance(part, Finished) and alone and number == self._begun and self.on_answer is not None:
                        self.on_answer(self, part.stats)
                    yield part
        finally:
            self.requests.discard(request.request_id)
            self._answer_ended.set()

    async def preview(self, request: Generate) -> PromptText:
        """The prompt of that request. Raises AppError as `generate` does."""
        self._check_sight(request)
        return await self.backend.preview(request)

    async def taken(self) -> dict[str, int]:
        """Bytes by device that are free again once it has ended; nothing where it is not loaded or cannot say."""
        found = {use.device: use.total for use in self.memory.measured if use.device != CPU} if self.memory else {}
        if self.loaded:
            with contextlib.suppress(AppError):
                found[CPU] = (await self.backend.stats()).resident
        return found

    async def memory_now(self) -> LoadedMemory | None:
        """What was predicted beside what it takes: llama.cpp's buffers, and whatever else its process holds."""
        if self.memory is None:
            return None
        resident = (await self.taken()).get(CPU, 0)
        return replace(self.memory, measured=with_resident(self.memory.measured, resident))

    async def end(self) -> None:
        """Stop what it is writing, then end it; its memory is free afterwards."""
        for request_id in list(self.requests):
            await self.backend.cancel(request_id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_ANSWERS_S):
                while self.requests:
                    self._answer_ended.clear()
                    await self._answer_ended.wait()
        await self.backend.unload()

    def _check_sight(self, request: Generate) -> None:
        if not self.entry.sees and any(turn.images for turn in request.turns):
            raise AppError("model_cannot_see", model=self.entry.name)
