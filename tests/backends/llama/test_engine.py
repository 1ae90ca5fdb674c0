"""The engine in this process: loading, the KV cache, and whole answers of real tiny models."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.backends.base import AnswerPart
from app.backends.llama.answer import Answer
from app.backends.llama.engine import BATCH, CPU_CHUNK, Engine, default_threads
from app.backends.llama.prompt import Prompt
from app.errors import AppError
from app.protocol import Delta, DeltaKind, Finished, FinishReason, Generate, LoadParams, Prefill, Sampling
from tests.backends.conftest import HELLO_TEXT
from tests.gguf import TinyModel, write_tiny_model

Open = Callable[..., Engine]


@pytest.fixture
def open_engine(models: Path) -> Iterator[Open]:
    """Opens a model by its name and closes it after the test."""
    engines: list[Engine] = []

    def open_named(name: str, context: int | None = 2048) -> Engine:
        engine = Engine(str(models / f"{name}.gguf"), LoadParams(context_length=context), lambda _share: True)
        engines.append(engine)
        return engine

    yield open_named
    for engine in engines:
        engine.close()


def never() -> bool:
    return False


def run(
    engine: Engine,
    text: str = "Hi\n",
    sampling: Sampling = Sampling(temperature=0.0),  # noqa: B008 (frozen)
    cancelled: Callable[[], bool] = never,
    opens_thinking: bool = False,
) -> list[AnswerPart]:
    prompt = Prompt(engine.vocabulary.tokenize(text, parse_special=True), opens_thinking)
    request = Generate(request_id=1, turns=(), sampling=sampling)
    return list(Answer(engine, request, prompt, time.perf_counter(), cancelled).parts())


def text_of(parts: list[AnswerPart], kind: DeltaKind = DeltaKind.TEXT) -> str:
    return "".join(part.text for part in parts if isinstance(part, Delta) and part.kind is kind)


def reason_of(parts: list[AnswerPart]) -> FinishReason:
    last = parts[-1]
    assert isinstance(last, Finished)
    return last.stats.finish_reason


# ---------------------------------------------------------------- loading


def test_the_context_is_what_was_asked_for_within_what_was_trained(open_engine: Open, tmp_path: Path) -> None:
    assert open_engine("hello", None).context_length == 8192
    assert open_engine("hello", 1024).context_length == 1024
    short = write_tiny_model(tmp_path / "short.gguf", TinyModel(context=1000, script=("a",)))
    for asked in (None, 5000):
        engine = Engine(str(short), LoadParams(context_length=asked), lambda _share: True)
        assert engine.context_length == 1000
        engine.close()


def test_loading_can_be_stopped(models: Path) -> None:
    with pytest.raises(AppError) as caught:
        Engine(str(models / "hello.gguf"), LoadParams(), lambda _share: False)
    assert caught.value.code == "load_cancelled"


def test_a_broken_file_says_what_llama_cpp_said(broken: Path) -> None:
    with pytest.raises(AppError) as caught:
        Engine(str(broken), LoadParams(), lambda _share: True)
    assert caught.value.code == "model_load_failed"
    assert "not within the file bounds" in str(caught.value.values["reason"])


def test_what_the_file_says_about_itself(open_engine: Open) -> None:
    assert "im_start" in open_engine("hello").template
    assert open_engine("bare").template == ""
    assert open_engine("hello").device == "CPU"


def test_there_is_at_least_one_thread() -> None:
    assert default_threads() >= 1


# ---------------------------------------------------------------- answers


def test_an_answer_is_the_text_of_its_tokens(open_engine: Open) -> None:
    parts = run(open_engine("hello"))
    assert text_of(parts) == HELLO_TEXT
    assert reason_of(parts) is FinishReason.STOP
    assert [part.text for part in parts if isinstance(part, Delta)] == ["Hel", "lo", " wor", "ld ", "量", "化", "!"]


@pytest.mark.parametrize(
    ("stop", "shown"),
    [
        (("world",), "Hello "),
        (("o w",), "Hell"),
        (("量",), "Hello world "),
        (("nothing", "化!"), "Hello world 量"),
        (("Hello world 量化!?",), HELLO_TEXT),
    ],
)
def test_stop_strings_work_across_tokens(open_engine: Open, stop: tuple[str, ...], shown: str) -> None:
    parts = run(open_engine("hello"), sampling=Sampling(temperature=0.0, stop=stop))
    assert text_of(parts) == shown
    assert reason_of(parts) is FinishReason.STOP


def test_thinking_is_split_off_even_as_special_tokens(open_engine: Open) -> None:
    parts = run(open_engine("thinking"))
    assert text_of(parts, DeltaKind.THINKING) == "Let me see."
    assert text_of(parts) == "It is four."


def test_a_prompt_may_have_opened_the_thinking(open_engine: Open) -> None:
    parts = run(open_engine("hello"), opens_thinking=True)
    assert text_of(parts, DeltaKind.THINKING) == HELLO_TEXT
    assert text_of(parts) == ""


def test_a_full_context_is_said_and_never_cut(open_engine: Open) -> None:
    engine = open_engine("endless", 512)
    parts = run(engine)
    assert reason_of(parts) is FinishReason.CONTEXT_FULL
    last = parts[-1]
    assert isinstance(last, Finished)
    assert last.stats.context_used == engine.context_length == 512


def test_a_prompt_that_fills_the_context_is_refused(open_engine: Open) -> None:
    engine = open_engine("endless", 512)
    with pytest.raises(AppError) as caught:
        run(engine, "x" * 512)
    assert caught.value.values == {"prompt_tokens": 512, "context_length": 512}
    assert reason_of(run(engine, "x" * 511)) is FinishReason.CONTEXT_FULL


def test_tokens_of_the_deltas_add_up(open_engine: Open) -> None:
    parts = run(open_engine("hello"), sampling=Sampling(temperature=0.0, stop=("zzz",)))
    assert sum(part.tokens for part in parts if isinstance(part, Delta)) == 8


# ---------------------------------------------------------------- sampling


def sample(engine: Engine, **values: float) -> str:
    return text_of(run(engine, sampling=Sampling(max_tokens=24, **values)))  # type: ignore[arg-type]


def test_the_same_seed_writes_the_same_text_and_another_another(open_engine: Open) -> None:
    engine = open_engine("random")
    values = {"temperature": 1.5, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
    first = sample(engine, seed=11, **values)
    assert sample(engine, seed=11, **values) == first
    assert sample(engine, seed=12, **values) != first
    assert sample(engine, seed=11 - (2**32 - 1), **values) == first


def test_without_a_seed_texts_differ(open_engine: Open) -> None:
    engine = open_engine("random")
    assert len({sample(engine, temperature=2.0, top_k=0, top_p=1.0, min_p=0.0) for _ in range(4)}) > 1


def test_temperature_zero_and_top_k_one_take_the_likeliest(open_engine: Open) -> None:
    engine = open_engine("random")
    greedy = sample(engine, temperature=0.0)
    assert sample(engine, temperature=2.0, top_k=1, seed=3) == greedy
    assert sample(engine, temperature=2.0, top_k=0, top_p=0.0, seed=3) == greedy
    assert sample(engine, temperature=2.0, top_k=0, top_p=1.0, min_p=1.0, seed=3) == greedy


def test_a_file_may_recommend_its_sampling(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "cool.gguf", TinyModel(recommends={"temp": 0.0, "top_k": 7}))
    engine = Engine(str(path), LoadParams(context_length=512), lambda _share: True)
    try:
        assert engine.recommended_sampling == {"temperature": 0.0, "top_k": 7.0}
        assert sample(engine) == sample(engine, temperature=0.0)
    finally:
        engine.close()


def test_a_repeat_penalty_makes_repetition_rarer(open_engine: Open) -> None:
    def distinct(penalty: float) -> int:
        """How many different tokens the model would have liked among 60: those sent to its cache."""
        engine = open_engine("random")
        run(engine, sampling=Sampling(temperature=0.0, max_tokens=60, repeat_penalty=penalty))
        return len(set(engine._held))

    assert distinct(10.0) > distinct(1.0)


# ---------------------------------------------------------------- the KV cache


def test_a_shared_beginning_is_not_read_again(open_engine: Open) -> None:
    engine = open_engine("random")
    tokens = engine.vocabulary.tokenize("The same beginning and " * 20, parse_special=False)
    assert next(iter(engine.prefill(tokens, never))) == 0
    list(engine.prefill(tokens, never))
    assert list(engine.prefill(tokens, never)) == [len(tokens) - 1, len(tokens)]
    longer = [*tokens, *tokens[:10]]
    assert list(engine.prefill(longer, never)) == [len(tokens), len(longer)]
    other = [*tokens[:50], 1, 2, 3]
    assert list(engine.prefill(other, never)) == [50, 53]


def test_reuse_does_not_change_what_is_written(open_engine: Open) -> None:
    engine = open_engine("random")
    fresh = text_of(run(engine, "abc def\n", Sampling(temperature=0.0, max_tokens=20)))
    run(engine, "abc something else\n", Sampling(temperature=0.0, max_tokens=20))
    assert text_of(run(engine, "abc def\n", Sampling(temperature=0.0, max_tokens=20))) == fresh


def test_reading_is_reported_in_steps(open_engine: Open) -> None:
    steps = list(open_engine("random").prefill([5] * 300, never))
    assert steps == [0, CPU_CHUNK, 2 * CPU_CHUNK, 300]
    assert CPU_CHUNK <= BATCH


def test_cancel_between_two_steps_of_reading_and_again(open_engine: Open) -> None:
    engine = open_engine("random")
    stopped = False
    reading = engine.prefill([5] * 1000, lambda: stopped)
    assert [next(reading), next(reading)] == [0, CPU_CHUNK]
    stopped = True
    assert list(reading) == []
    assert list(engine.prefill([5] * 200, never)) == [CPU_CHUNK, 200]


def test_cancel_in_the_middle_of_a_step_forgets_that_step(open_engine: Open) -> None:
    engine = open_engine("random")
    asked = 0

    def after_some_nodes() -> bool:
        nonlocal asked
        asked += 1
        return asked > 20

    assert list(engine.prefill([5] * 100, after_some_nodes)) == [0]
    assert list(engine.prefill([5] * 100, never)) == [0, 100]


def test_cancelled_while_reading_is_a_cancelled_answer(open_engine: Open) -> None:
    parts = run(open_engine("hello"), "word " * 200, cancelled=lambda: True)
    assert reason_of(parts) is FinishReason.CANCELLED
    assert text_of(parts) == ""
    assert isinstance(parts[0], Prefill)
