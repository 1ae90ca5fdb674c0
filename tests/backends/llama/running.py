"""A loaded model in this process, without pipes: requests go in, steps are taken by hand, events are collected."""

import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import msgspec

from app.backends.llama.answering import Answering
from app.backends.llama.session import Session
from app.backends.llama.templates.renderer import TemplateRenderer
from app.protocol import (
    ChatTurn,
    Delta,
    DeltaKind,
    Failed,
    Finished,
    Generate,
    GenerationStats,
    Load,
    LoadParams,
    Prefill,
    Role,
    Sampling,
    StateFolder,
    ToolCallDelta,
)

GREEDY = Sampling(temperature=0.0)
LONG = "The quick brown fox jumps over the lazy dog. " * 12


class Ear:
    """Hears all events, and says who is cancelled."""

    def __init__(self) -> None:
        self.events: list[msgspec.Struct] = []
        self.cancelled: set[int] = set()
        self.closed: list[int] = []

    def send(self, events: Sequence[msgspec.Struct]) -> None:
        self.events += events

    def is_cancelled(self, request_id: int) -> bool:
        return request_id in self.cancelled

    def close_request(self, request_id: int) -> None:
        self.closed.append(request_id)


class Running:
    """A session with what it says. Use `ask` or `add` and `step`."""

    def __init__(self, path: Path, params: LoadParams | None = None, states: StateFolder | None = None) -> None:
        self.ear = Ear()
        load = Load(path=str(path), params=params or LoadParams(context_length=2048), states=states)
        self._renderer = TemplateRenderer()
        self.session = Session(load, self._renderer, lambda _share: True, self.ear)
        self._numbers = count(1)

    @property
    def answering(self) -> Answering:
        assert self.session.answering is not None
        return self.session.answering

    def close(self) -> None:
        self.answering.flush(30.0)
        self.session.close()
        self._renderer.close()

    def request(self, text: str = "Hi", sampling: Sampling = GREEDY, **fields: object) -> Generate:
        turns = (ChatTurn(role=Role.USER, content=text),)
        request = Generate(request_id=next(self._numbers), turns=turns, sampling=sampling)
        return msgspec.structs.replace(request, **fields)

    def add(self, request: Generate) -> int:
        answer, dropped = self.answering.prepare(request, time.perf_counter())
        assert not dropped
        self.answering.look(answer)
        self.answering.scheduler.add(answer)
        return request.request_id

    def ask(self, text: str = "Hi", sampling: Sampling = GREEDY, **fields: object) -> int:
        return self.add(self.request(text, sampling, **fields))

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            self.answering.scheduler.step()

    def until(self, done: Callable[[], object]) -> None:
        while not done():
            assert not self.answering.scheduler.idle, "nothing is left to do"
            self.step()

    def run(self) -> None:
        """Until nothing is left."""
        while not self.answering.scheduler.idle:
            self.step()

    def of(self, number: int) -> list[msgspec.Struct]:
        return [event for event in self.ear.events if getattr(event, "request_id", None) == number]

    def text(self, number: int, kind: DeltaKind = DeltaKind.TEXT) -> str:
        return "".join(event.text for event in self.of(number) if isinstance(event, Delta) and event.kind is kind)

    def calls(self, number: int) -> list[tuple[str, str]]:
        """(name, arguments) of the calls in an answer."""
        found: dict[int, tuple[str, str]] = {}
        for event in self.of(number):
            if isinstance(event, ToolCallDelta):
                name, arguments = found.get(event.index, ("", ""))
                found[event.index] = (name + event.name, arguments + event.arguments)
        return list(found.values())

    def stats(self, number: int) -> GenerationStats:
        last = self.of(number)[-1]
        assert isinstance(last, Finished), last
        return last.stats

    def error(self, number: int) -> Failed:
        last = self.of(number)[-1]
        assert isinstance(last, Failed), last
        return last

    def prefills(self, number: int) -> list[Prefill]:
        return [event for event in self.of(number) if isinstance(event, Prefill)]

    def deltas(self, number: int) -> int:
        return sum(isinstance(event, Delta) for event in self.of(number))

    def answered(self, text: str = "Hi", sampling: Sampling = GREEDY, **fields: object) -> str:
        """The whole answer to one question."""
        number = self.ask(text, sampling, **fields)
        self.run()
        return self.text(number)
