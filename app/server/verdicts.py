"""Where each model of the library would run as things are now: judged beside everything else, told when it is known."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from app.protocol import LoadParams, ModelEntry, ModelState, Plan
from app.server.planning import Planning


class Verdicts:
    """`tell` is called with each model whose verdict is new or another. Listing models never waits for this."""

    def __init__(self, planning: Planning, tell: Callable[[ModelEntry], None]) -> None:
        self._planning = planning
        self._tell = tell
        self._plans: dict[str, Plan] = {}
        self._judging: asyncio.Task[None] | None = None

    def of(self, entry: ModelEntry) -> Plan | None:
        """How it would be loaded; None while that is not known."""
        return self._plans.get(entry.id)

    def judge(self, entries: Sequence[ModelEntry], freed: Callable[[], Awaitable[Mapping[str, int]]]) -> None:
        """Look at them soon, unless that is being done; `freed`: bytes by device the present model would give back."""
        if self._judging is None or self._judging.done():
            self._judging = asyncio.create_task(self._judge(entries, freed))

    async def close(self) -> None:
        if self._judging is not None:
            self._judging.cancel()
            await asyncio.gather(self._judging, return_exceptions=True)

    async def _judge(self, entries: Sequence[ModelEntry], freed: Callable[[], Awaitable[Mapping[str, int]]]) -> None:
        usable = [entry for entry in entries if entry.state is not ModelState.BROKEN]
        before = self._plans
        self._plans = await self._planning.look(usable, LoadParams(), await freed())
        for entry in usable:
            if _verdict(self._plans.get(entry.id)) != _verdict(before.get(entry.id)):
                self._tell(entry)


def _verdict(plan: Plan | None) -> object:
    """What a person is told of it; that some bytes more are free is no news."""
    return None if plan is None else (plan.verdict, [reason.code for reason in plan.given_up])
