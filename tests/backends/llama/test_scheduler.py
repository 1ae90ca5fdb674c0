"""Many answers at once, of real tiny models, a step at a time."""

import json

import pytest

from app.errors import AppError
from app.protocol import (
    ChatTurn,
    DeltaKind,
    Finished,
    FinishReason,
    FormatKind,
    OutputFormat,
    Prefill,
    Priority,
    Queued,
    Role,
    Sampling,
    ToolChoice,
    ToolSpec,
)
from tests.backends.conftest import HELLO_TEXT
from tests.backends.llama.conftest import Open
from tests.backends.llama.running import LONG

WEATHER = ToolSpec(
    name="weather",
    description="The weather of a place",
    parameters={"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
)


def limit(tokens: int, **fields: object) -> Sampling:
    return Sampling(temperature=0.0, max_tokens=tokens, **fields)  # type: ignore[arg-type]


# ---------------------------------------------------------------- several at once


def test_answers_take_turns_within_each_step(open_model: Open) -> None:
    running = open_model("endless")
    numbers = [running.ask(sampling=limit(20)) for _ in range(4)]
    running.until(lambda: all(running.deltas(number) for number in numbers))
    before = [running.deltas(number) for number in numbers]
    running.step(5)
    assert [running.deltas(number) - count for number, count in zip(numbers, before, strict=True)] == [5] * 4


def test_side_by_side_they_write_what_they_write_alone(open_model: Open) -> None:
    running = open_model("starter")
    questions = ["Hello!", "What is the capital of France?", "Count to five.", "你好"]
    alone = [running.answered(text, limit(30), speculate=False) for text in questions]
    numbers = [running.ask(text, limit(30), speculate=False) for text in questions]
    running.run()
    assert [running.text(number) for number in numbers] == alone
    assert all(alone)


def test_a_newcomer_joins_and_one_who_ends_leaves(open_model: Open) -> None:
    running = open_model("endless")
    first = running.ask(sampling=limit(10))
    running.until(lambda: running.deltas(first) >= 5)
    second = running.ask(sampling=limit(10))
    running.until(lambda: running.deltas(second) >= 1)
    assert not isinstance(running.of(first)[-1], Finished)
    running.run()
    assert running.stats(first).answer_tokens == running.stats(second).answer_tokens == 10


def test_who_finds_no_slot_waits_by_priority_then_arrival(open_model: Open) -> None:
    running = open_model("endless", slots=1)
    first = running.ask(sampling=limit(5))
    running.step()
    port = running.ask(sampling=limit(5), priority=Priority.PORT)
    window = running.ask(sampling=limit(5))
    running.step()
    assert running.of(port) == [Queued(request_id=port, position=2)]
    assert running.of(window) == [Queued(request_id=window, position=1)]
    running.run()
    order = [event.request_id for event in running.ear.events if isinstance(event, Finished)]
    assert order == [first, window, port]
    assert running.of(port)[1] == Queued(request_id=port, position=1)
    assert running.stats(port).queue_s > running.stats(window).queue_s  # it came first and was answered last


def test_prompts_are_read_in_pieces_while_others_write(open_model: Open) -> None:
    running = open_model("endless", context_length=8192)
    writer = running.ask(sampling=limit(4000))
    running.until(lambda: running.deltas(writer))
    reader = running.ask(LONG * 8, limit(1))
    running.until(lambda: running.prefills(reader))
    before = running.deltas(writer)
    running.until(lambda: running.deltas(reader))
    reports = running.prefills(reader)
    assert running.deltas(writer) - before >= len(reports) - 1
    assert len(reports) > 3
    assert [report.done for report in reports] == sorted(report.done for report in reports)
    assert reports[0].done < reports[-1].done == reports[-1].total
    assert reports[-1].eta_s == 0.0


# ---------------------------------------------------------------- cancelling


def test_cancelled_ones_end_with_what_they_wrote(open_model: Open) -> None:
    running = open_model("endless", slots=1)
    first, second = running.ask(), running.ask(sampling=limit(3))
    running.until(lambda: running.deltas(first) >= 3)
    running.ear.cancelled = {first}
    running.run()
    assert running.stats(first).finish_reason is FinishReason.CANCELLED
    assert running.stats(first).answer_tokens >= 3
    assert running.stats(second).finish_reason is FinishReason.LENGTH
    assert sorted(running.ear.closed) == [first, second]


def test_cancelled_while_waiting_it_never_begins(open_model: Open) -> None:
    running = open_model("endless", slots=1)
    first, second = running.ask(sampling=limit(5)), running.ask()
    running.step()
    running.ear.cancelled = {second}
    running.run()
    assert running.stats(first).answer_tokens == 5
    assert running.stats(second).finish_reason is FinishReason.CANCELLED
    assert running.stats(second).answer_tokens == 0


def test_an_aborted_step_harms_nobody(open_model: Open) -> None:
    running = open_model("starter")
    alone = running.answered("Hello!", limit(24), speculate=False)
    running.answering.context.abort()
    number = running.ask("Hello!", limit(24), speculate=False)
    running.run()
    assert running.text(number) == alone


# ---------------------------------------------------------------- the beginning is there already


def test_the_same_prompt_again_is_not_read_again(open_model: Open) -> None:
    running = open_model("random")
    first = running.answered(LONG, limit(8))
    number = running.ask(LONG, limit(8))
    running.run()
    stats = running.stats(number)
    assert stats.cached_tokens == stats.prompt_tokens - 1
    assert running.prefills(number)[0].cached == stats.cached_tokens
    assert running.text(number) == first


def test_a_branch_shares_the_beginning_of_a_running_answer(open_model: Open) -> None:
    running = open_model("endless")
    first = running.ask(LONG + "one", limit(50))
    running.until(lambda: running.deltas(first))
    second = running.ask(LONG + "two", limit(5))
    running.run()
    assert running.stats(second).cached_tokens > 400
    assert running.stats(first).answer_tokens == 50


def test_two_that_begin_alike_are_read_once(open_model: Open) -> None:
    running = open_model("endless")
    first, second = running.ask(LONG + "one", limit(5)), running.ask(LONG + "two", limit(5))
    running.run()
    assert running.stats(first).cached_tokens == 0
    assert running.stats(second).cached_tokens > 400


def test_a_prompt_that_left_its_slot_comes_back_from_memory(open_model: Open) -> None:
    running = open_model("random", slots=1)
    first = running.answered(LONG, limit(8))
    running.answered("Something else entirely, which takes the only slot there is and fills it.", limit(8))
    assert running.answering.memory.size > 0
    number = running.ask(LONG, limit(8))
    running.run()
    assert running.stats(number).cached_tokens == running.stats(number).prompt_tokens - 1
    assert running.text(number) == first


def test_without_memory_it_is_read_again(open_model: Open) -> None:
    running = open_model("random", slots=1, state_memory=0)
    first = running.answered(LONG, limit(8))
    running.answered("Something else entirely, which takes the only slot there is and fills it.", limit(8))
    number = running.ask(LONG, limit(8))
    running.run()
    assert running.stats(number).cached_tokens < 30
    assert running.text(number) == first


# ---------------------------------------------------------------- the context is full


def test_an_answer_that_fills_the_context_says_so(open_model: Open) -> None:
    running = open_model("endless", context_length=512)
    number = running.ask()
    running.run()
    assert running.stats(number).finish_reason is FinishReason.CONTEXT_FULL
    assert running.stats(number).context_used == 512


def test_answers_that_do_not_fit_together_take_turns(open_model: Open) -> None:
    running = open_model("endless", context_length=512, slots=4)
    numbers = [running.ask(sampling=limit(300)) for _ in range(4)]
    running.run()
    texts = {running.text(number) for number in numbers}
    assert [running.stats(number).answer_tokens for number in numbers] == [300] * 4
    assert len(texts) == 1
    assert running.answering.scheduler.figures.prompts == sum(running.stats(n).prompt_tokens for n in numbers)


def test_suspended_without_memory_it_is_computed_again(open_model: Open) -> None:
    running = open_model("random", context_length=512, slots=2, state_memory=0)
    alone = running.answered("A", limit(300, ignore_end=True), speculate=False)
    numbers = [running.ask("A", limit(300, ignore_end=True), speculate=False) for _ in range(2)]
    running.run()
    assert running.text(numbers[0]) == alone
    assert [running.stats(number).answer_tokens for number in numbers] == [300] * 2


def test_a_prompt_that_fills_the_context_is_refused(open_model: Open) -> None:
    running = open_model("endless", context_length=512)
    with pytest.raises(AppError) as caught:
        running.ask("x" * 2000)
    assert caught.value.code == "prompt_too_long"


# ---------------------------------------------------------------- what is written


def test_the_hello_model_says_hello(open_model: Open) -> None:
    assert open_model("hello").answered() == HELLO_TEXT


@pytest.mark.parametrize(("stop", "shown"), [("world", "Hello "), ("o w", "Hell"), ("量", "Hello world ")])
def test_stop_strings_are_not_shown(open_model: Open, stop: str, shown: str) -> None:
    running = open_model("hello")
    number = running.ask(sampling=Sampling(temperature=0.0, stop=(stop,)))
    running.run()
    assert running.text(number) == shown
    assert running.stats(number).finish_reason is FinishReason.STOP


def test_thinking_is_closed_when_its_budget_is_spent(open_model: Open) -> None:
    running = open_model("endless")
    number = running.ask(sampling=limit(40), thinking=True, thinking_budget=5)
    running.run()
    thought = running.text(number, DeltaKind.THINKING)
    assert thought
    assert len(thought.split()) <= 6
    assert running.stats(number).thinking_s is not None


def test_an_answer_that_goes_round_in_circles_is_ended(open_model: Open) -> None:
    running = open_model("endless", context_length=4096)
    number = running.ask(stop_repetition=True)
    running.run()
    assert running.stats(number).finish_reason is FinishReason.REPETITION


@pytest.mark.parametrize("tokens", [3, 7, 30, 200])
def test_json_always_parses_even_where_it_is_cut(open_model: Open, tokens: int) -> None:
    running = open_model("random")
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}
    form = OutputFormat(kind=FormatKind.JSON_SCHEMA, source=json.dumps(schema | {"required": ["name", "age"]}))
    sampling = Sampling(temperature=1.0, seed=tokens, max_tokens=tokens)
    number = running.ask(sampling=sampling, format=form)
    running.run()
    answer = json.loads(running.text(number))
    assert isinstance(answer["age"], int)
    cut = running.stats(number).finish_reason is FinishReason.LENGTH
    assert running.stats(number).format_cut == cut


def test_a_format_holds_after_the_thinking(open_model: Open) -> None:
    running = open_model("random")
    form = OutputFormat(kind=FormatKind.CHOICE, choices=("yes", "no"))
    number = running.ask(sampling=limit(60), format=form, thinking=True, thinking_budget=6)
    running.run()
    assert running.text(number) in ("yes", "no")


def test_a_demanded_call_is_made_even_by_random_weights(open_model: Open) -> None:
    running = open_model("random")
    sampling = Sampling(temperature=0.8, seed=3, max_tokens=400)
    required = ToolChoice.REQUIRED
    number = running.ask(sampling=sampling, tools=(WEATHER,), tool_choice=required, parallel_tool_calls=False)
    running.run()
    [(name, arguments)] = running.calls(number)[:1]
    assert name == "weather"
    assert "place" in json.loads(arguments)
    cut = running.stats(number).format_cut
    assert running.stats(number).finish_reason is (FinishReason.LENGTH if cut else FinishReason.TOOL_CALLS)


def test_logprobs_belong_to_the_tokens(open_model: Open) -> None:
    running = open_model("hello")
    number = running.ask(sampling=Sampling(temperature=0.0, logprobs=2))
    running.run()
    logprobs = [one for event in running.of(number) for one in getattr(event, "logprobs", ())]
    assert b"".join(one.raw for one in logprobs).decode() == HELLO_TEXT
    assert all(one.logprob <= 0 and len(one.top) == 2 for one in logprobs)


# ---------------------------------------------------------------- speculation


@pytest.mark.parametrize("prediction", ["", "right", "wrong"])
def test_speculation_changes_nothing_but_the_time(open_model: Open, prediction: str) -> None:
    running = open_model("starter")
    plain = running.answered("Tell me about the moon.", limit(80), speculate=False)
    text = {"": "", "right": plain, "wrong": "Nothing of this will ever be said. " * 20}[prediction]
    number = running.ask("Tell me about the moon.", limit(80), prediction=text)
    running.run()
    stats = running.stats(number)
    assert running.text(number) == plain
    assert stats.accepted_tokens <= stats.drafted_tokens


def test_a_conversation_goes_on_where_it_was(open_model: Open) -> None:
    running = open_model("starter")
    first = running.ask("Hello!", limit(30))
    running.run()
    turns = (
        ChatTurn(role=Role.USER, content="Hello!"),
        ChatTurn(role=Role.ASSISTANT, content=running.text(first)),
        ChatTurn(role=Role.USER, content="And you?"),
    )
    second = running.ask(sampling=limit(10), turns=turns)
    running.run()
    assert running.stats(second).cached_tokens >= running.stats(first).prompt_tokens - 2
    assert isinstance(running.of(second)[0], Prefill)
