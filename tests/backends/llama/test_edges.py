"""A fault in one answer ends that one: the others go on, what it held is given back, and the next ones are right."""

from collections.abc import Iterator
from typing import NoReturn

import pytest

from app.backends.llama import preparing
from app.backends.llama.context import Context
from app.backends.llama.sampling.sampler import TokenSampler
from app.backends.llama.templates.prompt import Picture, Prompt
from app.errors import AppError
from app.protocol import DeltaKind, FinishReason, FormatKind, OutputFormat, Sampling
from tests.backends.llama.conftest import Open
from tests.backends.llama.running import LONG, Running

FIVE = Sampling(temperature=0.0, max_tokens=5, ignore_end=True)
JSON = OutputFormat(kind=FormatKind.JSON)


@pytest.fixture
def running(open_model: Open) -> Iterator[Running]:
    """A model with one answer that is being written; it must not notice anything."""
    running = open_model("random", slots=4)
    expected = running.answered("other", FIVE, speculate=False)
    other = running.ask("other", FIVE, speculate=False)
    running.until(lambda: running.deltas(other))
    yield running
    running.run()
    assert running.text(other) == expected


def fail(*_values: object, **_named: object) -> NoReturn:
    raise ZeroDivisionError


def has_failed(running: Running, number: int) -> bool:
    return running.error(number).error.values["reason"] == "ZeroDivisionError" and number in running.ear.closed


def test_a_fault_in_finding_a_slot(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running.answering.scheduler._placement, "place", fail)
    number = running.ask(LONG, FIVE)
    running.step()
    assert has_failed(running, number)
    monkeypatch.undo()
    assert running.answered(LONG, FIVE)


def test_a_fault_in_marking_what_was_read(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running.answering._slots, "mark_due", fail)
    monkeypatch.setattr(running.answering._stepper.pace, "chunk", lambda _writing: 64)
    number = running.ask(LONG, FIVE)
    running.run()
    assert has_failed(running, number)


def test_a_fault_in_the_end_of_an_answer(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    number = running.ask("Hi", FIVE)
    [answer] = running.answering.scheduler._waiting
    monkeypatch.setattr(answer.writing, "finish", fail)
    running.run()
    assert has_failed(running, number)


def test_a_fault_in_settling_a_draft(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    number = running.ask("Hi", FIVE)
    running.until(lambda: running.deltas(number))
    answer = next(one for one in running.answering.scheduler._running if one.id == number)
    assert answer.speculator is not None
    monkeypatch.setattr(answer.speculator, "observe", fail)
    running.run()
    assert has_failed(running, number)


def test_a_checkpoint_for_which_there_is_no_memory_is_done_without(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lack(*_values: object, **_named: object) -> NoReturn:
        raise MemoryError

    slots = running.answering._slots
    monkeypatch.setattr(slots, "wants_marks", lambda _length: True)
    monkeypatch.setattr(Context, "save", lack)
    number = running.ask(LONG, FIVE)
    running.run()
    assert running.stats(number).answer_tokens == 5


def test_what_cannot_be_prepared_holds_no_sampler(open_model: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    running = open_model("hello")
    made: list[TokenSampler] = []

    class Counted(TokenSampler):
        def __init__(self, *values: object) -> None:
            super().__init__(*values)  # type: ignore[arg-type]
            made.append(self)

    def refuse(*_values: object) -> NoReturn:
        raise AppError("bad_request", reason="the drafts")

    monkeypatch.setattr(preparing, "TokenSampler", Counted)
    monkeypatch.setattr(running.answering.preparer, "_lookup", refuse)
    with pytest.raises(AppError):
        running.ask()
    assert not made


def test_a_prompt_that_ends_with_a_picture_is_refused(open_model: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    running = open_model("hello")
    prompt = Prompt((1, 2, Picture(b"", "")))
    monkeypatch.setattr(running.answering.preparer, "_fit", lambda _request: (prompt, ()))
    with pytest.raises(AppError, match="ends with a picture"):
        running.ask()


# ---------------------------------------------------------------- a format that was not kept to


def test_thinking_that_leaves_no_room_for_the_format_is_said(open_model: Open) -> None:
    running = open_model("endless")
    number = running.ask(sampling=FIVE, thinking=True, format=JSON)
    running.run()
    assert (running.text(number), bool(running.text(number, DeltaKind.THINKING))) == ("", True)
    assert running.stats(number).format_cut


def test_a_stop_string_within_the_format_is_said(open_model: Open) -> None:
    running = open_model("random")
    schema = '{"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}'
    form = OutputFormat(kind=FormatKind.JSON_SCHEMA, source=schema)
    number = running.ask(sampling=Sampling(temperature=0.0, max_tokens=60, stop=('"',)), format=form)
    running.run()
    assert running.stats(number).finish_reason is FinishReason.STOP
    assert running.text(number).strip() == "{"
    assert running.stats(number).format_cut
