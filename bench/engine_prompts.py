"""Figures of prompts: what is not computed twice, and what reading a long one costs those who are being answered."""

import asyncio
from itertools import pairwise
from pathlib import Path

from app.protocol import ChatTurn, Generate, LoadParams, Role, StateFolder
from bench.workers import Answer, Bench, answer, ask, middle, question, rate_between, words, worker, write_for

CONTEXT = 8192
CONVERSATION = 2500
"""Tokens of a conversation's first turn."""
NEW = 20
"""Tokens of its second."""
REPLY = 8
STATES_BYTES = 1 << 30
PROMPT = 2000
"""Tokens that are read while others are answered."""
RUNNING = 2
BEFORE_S = 3.0
MANY = 4000
LONG_S = 3600.0
"""Longer than any prompt is read: the running streams are cancelled, they do not end."""


async def second_turn(bench: Bench) -> dict[str, object]:
    """Times to first token as shares of a long first turn's: the next turn (wanted: 0.023), the same prompt again
    (0.005), the next turn after a restart, from disk (0.05)."""
    firsts, nexts, agains, restarts = [], [], [], []
    states = StateFolder(path=str(Path(bench.scratch) / "states"), limit_bytes=STATES_BYTES)
    params = LoadParams(context_length=CONTEXT)
    cached: list[int] = []
    for number in range(bench.rounds):
        async with worker(bench.model, params, states) as backend:
            opening = ask((_user(words(CONVERSATION, number)),), REPLY, keep_as=f"conversation-{number}")
            first = await answer(backend, opening)
            firsts.append(first.ttft)
            agains.append((await answer(backend, ask(opening.turns, REPLY, keep_as=opening.keep_as))).ttft)
            nexts.append((await answer(backend, _next_turn(opening, first, 1))).ttft)
        async with worker(bench.model, params, states) as backend:
            resumed = await answer(backend, _next_turn(opening, first, 2))
            restarts.append(resumed.ttft)
            cached.append(resumed.figures.cached_tokens)
    found: dict[str, object] = {"first_s": middle(firsts), "prompt_tokens": first.figures.prompt_tokens}
    for name, times in (("next_turn", nexts), ("same_again", agains), ("after_restart", restarts)):
        found[f"{name}_s"] = middle(times)
        found[f"{name}_share"] = middle((one / whole for one, whole in zip(times, firsts, strict=True)), 4)
    return found | {"cached_after_restart": min(cached)}


async def prefill_share(bench: Bench) -> dict[str, object]:
    """The speed of running streams while a long prompt is read, as a share of theirs before (wanted: 0.6)."""
    shares, pauses, reading = [], [], []
    async with worker(bench.model, LoadParams(context_length=CONTEXT, slots=RUNNING + 1)) as backend:
        for number in range(bench.rounds):
            requests = [question(words(NEW, 10 * number + one), MANY, speculate=False) for one in range(RUNNING)]
            writing = [asyncio.create_task(write_for(backend, LONG_S, request)) for request in requests]
            await asyncio.sleep(BEFORE_S)
            newcomer = await answer(backend, question(words(PROMPT, number), 1))
            for request in requests:
                await backend.cancel(request.request_id)
            answers = await asyncio.gather(*writing)
            before = rate_between(answers, max(one.first for one in answers), newcomer.begun)
            shares.append(rate_between(answers, newcomer.begun, newcomer.first) / before)
            pauses.append(max(_longest_pause(one, newcomer.begun, newcomer.first) for one in answers))
            reading.append(newcomer.ttft)
    return {"share": middle(shares), "longest_pause_s": middle(pauses), "read_in_s": middle(reading)}


def _user(text: str) -> ChatTurn:
    return ChatTurn(role=Role.USER, content=text)


def _next_turn(opening: Generate, first: Answer, seed: int) -> Generate:
    """The conversation goes on with a short turn."""
    reply = ChatTurn(role=Role.ASSISTANT, content=first.text)
    return ask((*opening.turns, reply, _user(words(NEW, seed))), REPLY, keep_as=opening.keep_as)


def _longest_pause(one: Answer, begun: float, ended: float) -> float:
    times = [begun, *(at for at, _ in one.arrivals if begun < at <= ended), ended]
    return max(after - before for before, after in pairwise(times))
