"""The loads that were asked for and have not ended, in their order."""

import asyncio
from dataclasses import dataclass

from app.errors import AppError
from app.protocol import LoadParams
from app.server.engine import Engine


@dataclass(eq=False)
class Loading:
    """One of them. `again`: the model was loaded, or about to be, with other values when it was asked for."""

    model_id: str
    params: LoadParams
    again: bool
    task: "asyncio.Task[Engine]"

    async def outcome(self) -> Engine:
        """What it brings; who waits may be cancelled without ending it. Raises what the load raises."""
        await asyncio.wait([self.task])
        if self.task.cancelled():
            raise AppError("load_cancelled", model=self.model_id)
        return self.task.result()


class Loadings:
    """A queue of loads, several of one model among them."""

    def __init__(self) -> None:
        self._queue: list[Loading] = []

    def add(self, loading: Loading) -> None:
        self._queue.append(loading)

    def remove(self, loading: Loading) -> None:
        self._queue.remove(loading)

    def first(self, model_id: str) -> Loading | None:
        return next((loading for loading in self._queue if loading.model_id == model_id), None)

    def last(self, model_id: str) -> Loading | None:
        return next((loading for loading in reversed(self._queue) if loading.model_id == model_id), None)

    async def let_pass(self, model_id: str) -> None:
        """Wait for those that take the place of that model, as others do and loads of it with other values."""
        while others := [each.task for each in self._queue if each.model_id != model_id or each.again]:
            await asyncio.wait(others)
            await asyncio.sleep(0)  # what was to be done at their end is done first

    async def cancel(self, model_id: str | None = None) -> None:
        """End those of one model, or all; returns when they have ended."""
        tasks = [each.task for each in self._queue if model_id in (None, each.model_id)]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
