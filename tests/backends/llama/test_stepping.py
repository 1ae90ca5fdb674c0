"""What a step does when the engine refuses it, and who has to wait for room; real models, faults put in between."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.backends.llama.context import Outcome
from app.backends.llama.requests import Answer
from app.backends.llama.speculation.length import DraftLength
from app.backends.llama.stepping import Stepper
from app.protocol import ChatTurn, Finished, FinishReason, ImagePart, Role, Sampling
from tests.backends.llama.conftest import Open
from tests.backends.llama.running import LONG, Running
from tests.backends.llama.vision.pictures import picture
from tests.gguf import TinyModel, write_tiny_model
from tests.gguf_parts import write_tiny_projector


def limit(tokens: int) -> Sampling:
    return Sampling(temperature=0.0, max_tokens=tokens, ignore_end=True)


def stepper_of(running: Running) -> Stepper:
    return running.answering._stepper


def answer_first(running: Running, codes: list[int]) -> None:
    """Let the next calls of llama_decode return these numbers, without computing anything."""
    context = running.answering.context
    decode: Callable[[Any], int] = context.decode
    context.decode = lambda batch: codes.pop(0) if codes else decode(batch)  # type: ignore[method-assign]


# ---------------------------------------------------------------- drafts and prompts


def drafting(running: Running, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """An answer that is drafted in every step."""
    plain = running.answered("Hi", limit(600), speculate=False)
    number = running.ask("Hi", limit(600), prediction=plain)
    running.until(lambda: running.deltas(number) > 3)
    monkeypatch.setattr(DraftLength, "next", lambda _self, _beside=0: 3)
    [answer] = running.answering.scheduler._running
    return answer


def test_prompts_earn_their_share_of_steps_with_drafts(open_model: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    running = open_model("endless", slots=2)
    speculator, pace = drafting(running, monkeypatch).speculator, stepper_of(running).pace
    assert speculator is not None
    pace._credit, before = -1000.0, speculator.drafted_tokens
    running.until(lambda: speculator.drafted_tokens > before)
    earned = pace._credit
    running.step()
    assert -1000.0 < earned < pace._credit


def test_drafts_leave_an_output_to_a_prompt_that_ends(open_model: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    running = open_model("endless", slots=2)
    speculator = drafting(running, monkeypatch).speculator
    assert speculator is not None
    rooms: list[int] = []

    def draft(room: int, _beside: int) -> list[int]:
        rooms.append(room)
        return []

    monkeypatch.setattr(speculator, "draft", draft)
    running.step()
    running.ask("Something else", limit(1))
    running.step()
    assert rooms == [stepper_of(running)._outputs - 1, stepper_of(running)._outputs - 2]


# ---------------------------------------------------------------- the cache is full


def test_the_one_whose_turn_comes_last_makes_room_even_if_it_is_not_in_the_step(
    open_model: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The younger one's prompt is paused while it holds nearly all there is."""
    running = open_model("endless", context_length=1024, slots=2)
    older = running.ask("Hi", limit(300), speculate=False)
    running.until(lambda: running.deltas(older) > 3)
    younger = running.ask(LONG + LONG[:400], limit(3), speculate=False)
    slots = running.answering._slots
    monkeypatch.setattr(
        stepper_of(running).pace, "chunk", lambda _writing: 64 if sum(len(slot.held) for slot in slots) < 900 else 0
    )
    running.until(lambda: isinstance(running.of(older)[-1], Finished))
    monkeypatch.undo()
    running.run()
    assert running.stats(older).answer_tokens == 300
    assert running.stats(younger).answer_tokens == 3


# ---------------------------------------------------------------- faults


def test_alone_only_those_fail_whose_fault_it_is(open_model: Open) -> None:
    running = open_model("hello")
    numbers = [running.ask(limit_text, limit(4), speculate=False) for limit_text in ("one", "two", "three")]
    running.until(lambda: all(running.deltas(number) for number in numbers))
    answer_first(running, [-3, Outcome.ABORTED, -3])
    running.run()
    assert isinstance(running.of(numbers[0])[-1], Finished)
    assert running.error(numbers[1]).error.code == "generation_failed"
    assert isinstance(running.of(numbers[2])[-1], Finished)
    assert running.text(numbers[0]) == running.text(numbers[2])


def test_alone_one_may_wait_for_room(open_model: Open) -> None:
    running = open_model("hello")
    numbers = [running.ask(text, limit(4), speculate=False) for text in ("one", "two")]
    running.until(lambda: all(running.deltas(number) for number in numbers))
    answer_first(running, [-3, Outcome.NO_ROOM])
    running.run()
    assert [running.stats(number).answer_tokens for number in numbers] == [4, 4]


def test_a_stray_abort_is_forgotten_before_the_next_step(open_model: Open) -> None:
    running = open_model("endless")
    number = running.ask(sampling=limit(5), speculate=False)
    running.until(lambda: running.deltas(number))
    before = running.deltas(number)
    running.answering.context.abort()
    running.step()
    assert running.deltas(number) == before + 1


# ---------------------------------------------------------------- pictures


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stepping")
    write_tiny_model(folder / "model.gguf", TinyModel(seed=5, temperature=1.0))
    write_tiny_projector(folder / "mmproj.gguf")
    return folder


def looks(running: Running) -> int:
    turns = (ChatTurn(role=Role.USER, content="What?", images=(ImagePart(data=picture("red").data, at=0),)),)
    return running.ask(sampling=limit(4), turns=turns)


def read_first(running: Running, codes: list[int]) -> None:
    """Let the next pictures be refused with these numbers after they were read."""
    vision = stepper_of(running)._vision
    assert vision is not None
    read = vision.read

    def refuse(*values: Any) -> int:
        code = read(*values)
        return codes.pop(0) if codes else code

    vision.read = refuse  # type: ignore[method-assign, assignment]


@pytest.fixture
def sight(open_model: Open, seeing: Path) -> Running:
    return open_model(seeing / "model.gguf", projector=str(seeing / "mmproj.gguf"))


def test_an_abort_meant_for_another_does_not_harm_a_picture(sight: Running) -> None:
    alone = looks(sight)
    sight.run()
    for slot in sight.answering._slots:
        sight.answering._slots.clear(slot)
    read_first(sight, [Outcome.ABORTED, Outcome.ABORTED])
    number = looks(sight)
    sight.step()
    sight.answering.context.abort()
    sight.run()
    assert sight.text(number) == sight.text(alone)


def test_a_picture_without_room_waits_for_those_who_write(sight: Running) -> None:
    writer = sight.ask(sampling=limit(40), speculate=False)
    sight.until(lambda: sight.deltas(writer))
    read_first(sight, [Outcome.NO_ROOM])
    number = looks(sight)
    sight.run()
    assert sight.stats(writer).answer_tokens == 40
    assert sight.stats(number).answer_tokens == 4


def test_a_picture_that_is_alone_and_has_no_room_fails_in_words(sight: Running) -> None:
    read_first(sight, [Outcome.NO_ROOM])
    number = looks(sight)
    sight.run()
    assert sight.error(number).error.values["reason"] == "cache_full"


def test_pictures_have_their_share_of_the_time_and_no_more(sight: Running) -> None:
    writer = sight.ask(sampling=limit(60), speculate=False)
    sight.until(lambda: sight.deltas(writer) > 2)
    pace = stepper_of(sight).pace
    pace._credit = -1000.0
    number = looks(sight)
    sight.until(lambda: isinstance(sight.of(writer)[-1], Finished))
    assert not any(slot.held.pictures for slot in sight.answering._slots)
    sight.run()
    assert sight.stats(number).finish_reason is FinishReason.LENGTH
