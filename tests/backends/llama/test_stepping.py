"""What a step does when the engine refuses it, and who has to wait for room; real models, faults put in between."""

from collections import Counter
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


def refuse(running: Running, refuses: Callable[[dict[int, int]], bool]) -> list[int]:
    """Let llama_decode fail where `refuses` says so of the step's tokens by sequence; returns the sizes that failed."""
    context, failed = running.answering.context, list[int]()
    decode: Callable[[Any], int] = context.decode

    def decode_or_fail(batch: Any) -> int:
        count = batch.n_tokens
        tokens = Counter(batch.seq_id[index][0] for index in range(count))
        if refuses(tokens):
            failed.append(count)
            return -3
        return decode(batch)

    context.decode = decode_or_fail  # type: ignore[method-assign]
    return failed


def writing(running: Running, *texts: str, tokens: int = 12) -> list[int]:
    """Answers being written."""
    numbers = [running.ask(text, limit(tokens), speculate=False) for text in texts]
    running.until(lambda: all(running.deltas(number) for number in numbers))
    return numbers


def sequence_of(running: Running, number: int) -> int:
    [slot] = [answer.slot for answer in running.answering.scheduler._running if answer.id == number]
    assert slot is not None
    return slot.sequence


def test_only_those_fail_whose_fault_it_is(open_model: Open) -> None:
    running = open_model("endless")
    numbers = writing(running, "one", "two", "three", "four")
    culprit = sequence_of(running, numbers[2])
    refuse(running, lambda tokens: culprit in tokens)
    running.run()
    assert running.error(numbers[2]).error.code == "generation_failed"
    others = [number for number in numbers if number != numbers[2]]
    assert [running.stats(number).answer_tokens for number in others] == [12] * 3


def test_the_others_write_what_they_would_have_written(open_model: Open) -> None:
    running = open_model("starter")
    alone = {text: running.answered(text, limit(20), speculate=False) for text in ("Hello!", "Count to five.")}
    numbers = writing(running, "Hello!", "Tell me about the moon.", "Count to five.", tokens=20)
    culprit = sequence_of(running, numbers[1])
    refuse(running, lambda tokens: culprit in tokens)
    running.run()
    assert [running.text(numbers[0]), running.text(numbers[2])] == list(alone.values())


def test_what_fails_together_and_never_alone_comes_to_its_end(open_model: Open) -> None:
    running = open_model("endless")
    numbers = writing(running, "one", "two", "three", "four", tokens=40)
    failed = refuse(running, lambda tokens: len(tokens) > 1)
    before = [running.deltas(number) for number in numbers]
    running.step(8)
    shares = [running.deltas(number) - count for number, count in zip(numbers, before, strict=True)]
    assert shares == [2] * 4, "they take turns"
    running.run()
    assert [running.stats(number).answer_tokens for number in numbers] == [40] * 4
    assert len(failed) < 40, "what cannot be is tried now and then, not in every step"


def test_a_step_that_was_too_large_once_is_that_large_again(open_model: Open) -> None:
    running = open_model("endless")
    numbers = writing(running, "one", "two", tokens=40)
    answer_first(running, [-3])
    before = [running.deltas(number) for number in numbers]
    running.step(30)
    assert sum(running.deltas(number) for number in numbers) - sum(before) > 2 * 30 - 12


def test_a_prompt_that_is_too_much_at_once_is_read_in_smaller_pieces(open_model: Open) -> None:
    running = open_model("endless")
    failed = refuse(running, lambda tokens: sum(tokens.values()) > 20)
    number = running.ask(LONG, limit(3), speculate=False)
    running.run()
    assert running.stats(number).answer_tokens == 3
    assert failed


def test_a_prompt_with_a_fault_in_it_fails_alone(open_model: Open) -> None:
    running = open_model("endless")
    [writer] = writing(running, "one", tokens=60)
    sequence = sequence_of(running, writer)
    refuse(running, lambda tokens: set(tokens) != {sequence})
    number = running.ask(LONG, limit(3), speculate=False)
    running.run()
    assert running.error(number).error.code == "generation_failed"
    assert running.stats(writer).answer_tokens == 60


def test_in_a_small_step_one_may_wait_for_room(open_model: Open) -> None:
    running = open_model("hello")
    numbers = writing(running, "one", "two", tokens=4)
    answer_first(running, [-3, Outcome.NO_ROOM])
    running.run()
    assert [running.stats(number).answer_tokens for number in numbers] == [4, 4]


def test_a_drafter_that_breaks_costs_its_answer_nothing(open_model: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    running = open_model("endless", slots=2)
    other = running.ask("Hello", limit(30), speculate=False)
    plain = running.answered("Hi", limit(60), speculate=False)
    number = running.ask("Hi", limit(60), prediction=plain)
    running.until(lambda: running.deltas(number) > 3)
    [answer] = [answer for answer in running.answering.scheduler._running if answer.id == number]
    assert answer.speculator is not None

    def fail(_room: int, _beside: int) -> list[int]:
        raise RuntimeError("no draft")

    monkeypatch.setattr(answer.speculator, "draft", fail)
    drafted = answer.speculator.drafted_tokens
    running.run()
    assert running.text(number) == plain
    assert running.stats(number).drafted_tokens == drafted
    assert running.stats(other).answer_tokens == 30


def test_adapters_that_break_cost_those_who_want_them(open_model: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    running = open_model("endless")
    plain = running.ask("one", limit(20), speculate=False)
    wanting = [running.ask(text, limit(20), speculate=False) for text in ("two", "three")]
    for answer in running.answering.scheduler._waiting:
        answer.key = "" if answer.id == plain else "0:1"
    switch = stepper_of(running)._adapters
    use = switch.use

    def refuse_some(answer: Answer) -> None:
        if answer.key:
            raise OSError("no adapter")
        use(answer)

    monkeypatch.setattr(switch, "use", refuse_some)
    running.run()
    assert [running.error(number).error.code for number in wanting] == ["generation_failed"] * 2
    assert running.stats(plain).answer_tokens == 20


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

    def refuse(*values: Any) -> tuple[int, int]:
        code, done = read(*values)
        return (codes.pop(0) if codes else code), done

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


@pytest.fixture(scope="module")
def seeing_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose pictures can be read in parts."""
    folder = tmp_path_factory.mktemp("rows")
    write_tiny_model(folder / "model.gguf", TinyModel(seed=5, temperature=1.0, architecture="qwen2vl"))
    write_tiny_projector(folder / "mmproj.gguf", kind="qwen2vl_merger")
    return folder


@pytest.fixture
def wide(open_model: Open, seeing_rows: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    """Reads ten cells a step."""
    running = open_model(seeing_rows / "model.gguf", projector=str(seeing_rows / "mmproj.gguf"), slots=2)
    monkeypatch.setattr(stepper_of(running).pace, "chunk", lambda _writing: 10)
    return running


def looks_wide(running: Running, color: str = "red", **fields: Any) -> int:
    image = ImagePart(data=picture(color, width=300, height=200).data, at=0)
    turns = (ChatTurn(role=Role.USER, content="What?", images=(image,)),)
    return running.ask(sampling=limit(6), turns=turns, speculate=False, **fields)


def looking(running: Running, number: int) -> None:
    """Until a part of its picture is read."""
    running.until(lambda: any(slot.ahead for slot in running.answering._slots))
    assert not running.deltas(number)


def test_running_answers_go_on_between_the_parts_of_a_picture(wide: Running) -> None:
    writer = wide.ask("Hi", limit(60), speculate=False)
    wide.until(lambda: wide.deltas(writer) > 2)
    [writing] = wide.answering.scheduler._running
    number = looks_wide(wide, "blue")
    looking(wide, number)
    before = writing.written
    wide.until(lambda: wide.deltas(number))
    assert writing.written - before >= 8
    reports = [report.done for report in wide.prefills(number)]
    assert reports == sorted(reports)
    assert len(reports) > 5, "its reader is told"
    wide.run()


def test_what_a_picture_in_parts_says_is_what_it_says_as_a_whole(
    wide: Running, open_model: Open, seeing_rows: Path
) -> None:
    whole = open_model(seeing_rows / "model.gguf", projector=str(seeing_rows / "mmproj.gguf"), slots=2)
    numbers = looks_wide(wide), looks_wide(whole)
    wide.run()
    whole.run()
    assert wide.text(numbers[0]) == whole.text(numbers[1])


def test_cancelled_within_a_picture_nothing_of_it_is_left(wide: Running) -> None:
    alone = looks_wide(wide, "green")
    wide.run()
    for slot in wide.answering._slots:
        wide.answering._slots.clear(slot)
    number = looks_wide(wide)
    looking(wide, number)
    wide.ear.cancelled = {number}
    wide.run()
    assert wide.stats(number).finish_reason is FinishReason.CANCELLED
    context = wide.answering.context
    for slot in wide.answering._slots:
        assert context.can_resume(slot.sequence, slot.held.position(len(slot.held)))
        assert slot.ahead == 0
    again = looks_wide(wide, "green")
    wide.run()
    assert wide.text(again) == wide.text(alone)


def test_one_who_waits_within_a_picture_begins_it_again(wide: Running) -> None:
    alone = looks_wide(wide)
    wide.run()
    for slot in wide.answering._slots:
        wide.answering._slots.clear(slot)
    older = wide.ask("Hi", limit(60), speculate=False)
    wide.until(lambda: wide.deltas(older))
    number = looks_wide(wide)
    looking(wide, number)
    answer_first(wide, [Outcome.NO_ROOM])
    wide.run()
    assert wide.text(number) == wide.text(alone)
    assert wide.stats(older).answer_tokens == 60


def test_a_part_of_a_picture_is_shared_with_nobody(wide: Running) -> None:
    number = looks_wide(wide)
    looking(wide, number)
    second = looks_wide(wide)
    wide.run()
    assert wide.text(second) == wide.text(number)


def test_a_picture_that_breaks_the_reader_costs_its_own_answer(wide: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    vision = stepper_of(wide)._vision
    read = vision.read  # type: ignore[union-attr]
    writer = wide.ask("Hi", limit(30), speculate=False)
    number = looks_wide(wide)

    def read_or_break(*values: Any) -> tuple[int, int]:
        if values[4]:
            raise ValueError("no picture")
        return read(*values)

    monkeypatch.setattr(vision, "read", read_or_break)
    wide.run()
    assert wide.error(number).error.code == "generation_failed"
    assert wide.stats(writer).answer_tokens == 30
    monkeypatch.undo()
    again = looks_wide(wide)
    wide.run()
    assert wide.stats(again).answer_tokens == 6


def test_a_picture_has_the_threads_a_step_may_have(wide: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all before it is cached, nothing was computed in this context yet that would have set their number."""
    looks_wide(wide, "red")
    wide.run()
    stepper = stepper_of(wide)
    monkeypatch.setattr(stepper._governor, "threads_for", lambda _tokens: 1)
    monkeypatch.setattr(stepper, "_threads", 7)
    number = looks_wide(wide, "blue")
    wide.step()
    assert any(slot.ahead for slot in wide.answering._slots), "it began with the picture"
    assert stepper.threads == 1
    wide.run()
    assert wide.stats(number).cached_tokens > 0
