"""What the desk does first, and what it leaves undone: no model, just the order of things."""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from app.backends.llama.desk import Desk, Line
from app.backends.llama.pipes import Requests
from app.backends.llama.unwanted import UnwantedError
from app.errors import AppError
from app.protocol import (
    Embed,
    Embeddings,
    Failed,
    Finished,
    FinishReason,
    Generate,
    PreviewPrompt,
    Priority,
    PromptText,
    Queued,
)


class Said:
    """The pipe to the backend: what was sent can be waited for."""

    def __init__(self) -> None:
        self.messages: SimpleQueue[msgspec.Struct] = SimpleQueue()

    def send(self, *messages: msgspec.Struct) -> None:
        for message in messages:
            self.messages.put(message)


class Prepared(SimpleNamespace):
    """As much of an answer as the desk knows."""

    def close(self) -> None:
        self.closed = True


class Work:
    """What a session does for the desk: it says what it works on, and waits to be let on where pictures are."""

    def __init__(self) -> None:
        self.begun: SimpleQueue[str] = SimpleQueue()
        self.go_on: SimpleQueue[AppError | None] = SimpleQueue()
        self.answering = self.preparer = self.vectors = self
        self.context = SimpleNamespace(length=512)
        self.prepared: dict[int, Prepared] = {}

    def prepare(self, request: Generate, _arrived: float) -> tuple[Any, tuple[int, ...]]:
        self.begun.put(f"prepare {request.request_id}")
        unseen = list(range(int(request.prompt or 0)))
        number = request.request_id
        answer = Prepared(id=number, rank=(int(request.priority), number), unseen=unseen, closed=False)
        self.prepared[number] = answer
        return answer, ()

    def preview(self, request: Generate) -> PromptText:
        self.begun.put(f"preview {request.request_id}")
        assert self.go_on.get(timeout=30) is None
        return PromptText(request_id=request.request_id, text="", tokens=0)

    def look(self, answer: Prepared, is_wanted: Callable[[], bool]) -> None:
        for picture in answer.unseen:
            if is_wanted():
                self.begun.put(f"look {answer.id}.{picture}")
                if (error := self.go_on.get(timeout=30)) is not None:
                    raise error

    def answer(self, asked: Embed, is_wanted: Callable[[], bool]) -> Embeddings:
        self.begun.put(f"embed {asked.request_id}")
        assert self.go_on.get(timeout=30) is None
        if not is_wanted():
            raise UnwantedError
        return Embeddings(request_id=asked.request_id, vectors=(), tokens=0)

    def next(self) -> str:
        return self.begun.get(timeout=30)


class Bench:
    """A desk at work, and what comes of it."""

    def __init__(self) -> None:
        self.said, self.work = Said(), Work()
        self.answers: SimpleQueue[Any] = SimpleQueue()
        self.requests = Requests(self.said)  # type: ignore[arg-type]
        self.desk = Desk(self.said, self.requests, lambda _session: None, self.answers.put)  # type: ignore[arg-type]
        self.desk._session = self.work  # type: ignore[assignment]
        self.desk.start()

    def ask(self, number: int, priority: Priority = Priority.WINDOW, pictures: int = 0) -> None:
        self.requests.open(number)
        request = Generate(request_id=number, turns=(), priority=priority, prompt=str(pictures))
        self.desk.put(request, time.perf_counter())

    def preview(self, number: int) -> None:
        self.desk.put(PreviewPrompt(request=Generate(request_id=number, turns=())), time.perf_counter())


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_window_goes_first(bench: Bench) -> None:
    bench.preview(1)
    assert bench.work.next() == "preview 1"  # the desk is busy now
    for number, priority in ((2, Priority.PORT), (3, Priority.PORT), (4, Priority.WINDOW), (5, Priority.WINDOW)):
        bench.ask(number, priority)
    bench.work.go_on.put(None)
    assert [bench.work.next() for _ in range(4)] == [f"prepare {number}" for number in (4, 5, 2, 3)]


def test_pictures_of_one_hold_nobody_else_up(bench: Bench) -> None:
    bench.ask(1, Priority.PORT, pictures=2)
    assert [bench.work.next(), bench.work.next()] == ["prepare 1", "look 1.0"]
    bench.ask(2)
    assert bench.answers.get(timeout=30).id == 2
    bench.work.go_on.put(None)
    bench.work.go_on.put(None)
    assert bench.answers.get(timeout=30).id == 1


def test_the_windows_pictures_go_first(bench: Bench) -> None:
    bench.ask(1, Priority.PORT, pictures=1)
    assert [bench.work.next(), bench.work.next()] == ["prepare 1", "look 1.0"]
    bench.ask(2, Priority.PORT, pictures=1)
    bench.ask(3, Priority.WINDOW, pictures=1)
    assert {bench.work.next(), bench.work.next()} == {"prepare 2", "prepare 3"}
    bench.preview(4)  # behind them: once it begins both wait for the pictures' thread
    assert bench.work.next() == "preview 4"
    bench.work.go_on.put(None)
    bench.work.go_on.put(None)
    assert bench.work.next() == "look 3.0"
    for _ in range(2):
        bench.work.go_on.put(None)
    assert bench.work.next() == "look 2.0"


def test_who_is_cancelled_has_no_more_pictures_encoded(bench: Bench) -> None:
    bench.ask(1, pictures=3)
    assert [bench.work.next(), bench.work.next()] == ["prepare 1", "look 1.0"]
    bench.requests.cancel(1)
    bench.work.go_on.put(None)
    assert bench.answers.get(timeout=30).id == 1  # for the scheduler, which ends it
    assert bench.work.begun.empty()


def test_who_is_cancelled_before_its_turn_is_not_prepared(bench: Bench) -> None:
    bench.preview(1)
    assert bench.work.next() == "preview 1"
    bench.ask(2)
    bench.requests.cancel(2)
    bench.work.go_on.put(None)
    assert isinstance(bench.said.messages.get(timeout=30), PromptText)
    finished = bench.said.messages.get(timeout=30)
    assert isinstance(finished, Finished)
    assert (finished.request_id, finished.stats.finish_reason) == (2, FinishReason.CANCELLED)
    assert bench.work.begun.empty()
    assert not len(bench.requests)


def test_a_picture_that_cannot_be_encoded_ends_its_request_alone(bench: Bench) -> None:
    bench.ask(1, pictures=1)
    bench.work.go_on.put(AppError("picture_unreadable", reason="picture_damaged"))
    failed = bench.said.messages.get(timeout=30)
    assert isinstance(failed, Failed)
    assert failed.error.code == "picture_unreadable"
    assert bench.work.prepared[1].closed
    bench.ask(2, pictures=1)
    bench.work.go_on.put(None)
    assert bench.answers.get(timeout=30).id == 2


def test_who_waits_for_the_pictures_of_others_is_told_its_place(bench: Bench) -> None:
    bench.ask(1, Priority.PORT, pictures=1)
    assert [bench.work.next(), bench.work.next()] == ["prepare 1", "look 1.0"]
    bench.ask(2, Priority.PORT, pictures=1)
    assert bench.said.messages.get(timeout=30) == Queued(request_id=2, position=1)
    bench.ask(3, Priority.WINDOW, pictures=1)
    assert bench.said.messages.get(timeout=30) == Queued(request_id=3, position=1)
    assert bench.said.messages.get(timeout=30) == Queued(request_id=2, position=2)
    bench.work.go_on.put(None)
    assert bench.said.messages.get(timeout=30) == Queued(request_id=2, position=1)
    bench.work.go_on.put(None)
    bench.work.go_on.put(None)
    assert [bench.answers.get(timeout=30).id for _ in range(3)] == [1, 3, 2]
    assert bench.said.messages.empty()


def test_who_is_cancelled_need_not_wait_for_the_pictures_of_others(bench: Bench) -> None:
    bench.ask(1, pictures=1)
    assert [bench.work.next(), bench.work.next()] == ["prepare 1", "look 1.0"]
    for number in (2, 3):
        bench.ask(number, pictures=1)
        assert bench.said.messages.get(timeout=30) == Queued(request_id=number, position=number - 1)
    bench.requests.cancel(2)
    bench.desk.cancel(2)
    assert bench.answers.get(timeout=30).id == 2  # for the scheduler, which ends it
    assert bench.said.messages.get(timeout=30) == Queued(request_id=3, position=1)
    bench.desk.cancel(77)
    bench.work.go_on.put(None)
    bench.work.go_on.put(None)
    assert [bench.answers.get(timeout=30).id for _ in range(2)] == [1, 3]


def test_vectors_nobody_waits_for_are_not_made(bench: Bench) -> None:
    for number in (-1, -2):
        bench.requests.open(number)
        bench.desk.put(Embed(request_id=number, texts=("a",)), time.perf_counter())
    assert bench.work.next() == "embed -1"
    bench.requests.cancel(-1)
    bench.work.go_on.put(None)
    assert bench.work.next() == "embed -2"
    assert bench.said.messages.empty()
    bench.work.go_on.put(None)
    assert bench.said.messages.get(timeout=30) == Embeddings(request_id=-2, vectors=(), tokens=0)
    assert not len(bench.requests)


def test_a_line_never_compares_what_stands_in_it() -> None:
    line: Line[object] = Line()
    things = [object() for _ in range(20)]
    for thing in things:
        line.put(thing, 1)
    assert [line.get() for _ in things] == things
    threading.Timer(0.0, lambda: line.put(things[0], 0)).start()
    assert line.get() is things[0]
