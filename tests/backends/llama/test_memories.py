"""Models whose memory cannot be cut just anywhere: what is reused is right, and what cannot be is computed again."""

from pathlib import Path
from typing import Any

import pytest

from app.backends.llama.binding import llama
from app.backends.llama.context import Outcome
from app.backends.llama.session import Session
from app.backends.llama.templates.renderer import TemplateRenderer
from app.errors import AppError
from app.protocol import Load, LoadParams, Sampling, StateFolder
from tests.backends.llama.conftest import Open
from tests.backends.llama.running import LONG, Ear, Running
from tests.gguf_memories import WINDOW, write_recurrent_model, write_sliding_model

TWELVE = Sampling(temperature=0.0, max_tokens=12, ignore_end=True)


@pytest.fixture(scope="session")
def sliding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sliding_model(tmp_path_factory.mktemp("memories") / "sliding.gguf")


@pytest.fixture(scope="session")
def recurrent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recurrent_model(tmp_path_factory.mktemp("memories") / "recurrent.gguf")


@pytest.fixture(params=["sliding", "recurrent"])
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


def fresh(path: Path, text: str) -> str:
    """What the model writes when it has seen nothing before."""
    running = Running(path)
    try:
        return running.answered(text, TWELVE)
    finally:
        running.close()


def test_they_are_what_they_are_taken_for(open_model: Open, sliding: Path, recurrent: Path) -> None:
    assert open_model(sliding).session.model.window == WINDOW
    assert open_model(recurrent).session.model.recurrent


def test_the_same_prompt_again_goes_on_from_a_checkpoint(open_model: Open, path: Path) -> None:
    running = open_model(path)
    first = running.answered(LONG, TWELVE)
    number = running.ask(LONG, TWELVE)
    running.run()
    stats = running.stats(number)
    assert running.text(number) == first
    assert stats.cached_tokens == stats.prompt_tokens - 1


def test_a_longer_prompt_goes_on_where_the_answer_ended_or_is_read_again(open_model: Open, path: Path) -> None:
    running = open_model(path)
    running.answered(LONG, TWELVE)
    number = running.ask(LONG + " And more.", TWELVE)
    running.run()
    assert running.text(number) == fresh(path, LONG + " And more.")


def test_another_prompt_shares_only_what_can_be_shared(open_model: Open, path: Path) -> None:
    running = open_model(path)
    running.answered(LONG, TWELVE)
    text = LONG[:200] + "something else"
    number = running.ask(text, TWELVE)
    running.run()
    assert running.text(number) == fresh(path, text)


def test_a_short_prompt_within_the_window_is_cut_freely(open_model: Open, sliding: Path) -> None:
    running = open_model(sliding)
    running.answered("abc", Sampling(temperature=0.0, max_tokens=3, ignore_end=True))
    number = running.ask("abd", TWELVE)
    running.run()
    assert running.stats(number).cached_tokens > 5
    assert running.text(number) == fresh(sliding, "abd")


def test_a_full_window_cache_can_be_cut_anywhere(open_model: Open, sliding: Path) -> None:
    running = open_model(sliding, swa_full=True)
    running.answered(LONG, TWELVE)
    number = running.ask(LONG[:300] + "else", TWELVE)
    running.run()
    assert running.stats(number).cached_tokens > 200


def test_several_at_once_write_what_they_write_alone(open_model: Open, path: Path) -> None:
    running = open_model(path)
    texts = [LONG + end for end in ("one", "two", "three")]
    numbers = [running.ask(text, TWELVE) for text in texts]
    running.run()
    assert [running.text(number) for number in numbers] == [fresh(path, text) for text in texts]


def test_what_an_aborted_step_has_overwritten_is_read_again(
    open_model: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the prompt is read, and said not to have been: a window has moved on over what stood before."""
    running = open_model(path, slots=2, batch=256, micro_batch=32)
    context = running.answering.context
    decode, codes = context.decode, [Outcome.DONE, Outcome.ABORTED]

    def abort_second(batch: Any) -> int:
        code = decode(batch)
        return codes.pop(0) if codes else code

    monkeypatch.setattr(context, "decode", abort_second)
    monkeypatch.setattr(running.answering._stepper.pace, "chunk", lambda _writing: 200)
    number = running.ask(LONG, TWELVE)
    running.step(2)
    assert not codes
    for slot in running.answering._slots:
        assert context.can_resume(slot.sequence, slot.held.position(len(slot.held)))
    running.run()
    assert running.text(number) == fresh(path, LONG)


def test_states_that_left_come_back_with_their_checkpoints(open_model: Open, path: Path, tmp_path: Path) -> None:
    states = StateFolder(path=str(tmp_path / "states"), limit_bytes=10**8)
    running = open_model(path, slots=1, states=states)
    first = running.answered(LONG, TWELVE, keep_as="1")
    running.answered("Something else entirely, long enough to be worth it.", TWELVE)
    again = running.ask(LONG, TWELVE)
    running.run()
    assert running.text(again) == first
    assert running.stats(again).cached_tokens == running.stats(again).prompt_tokens - 1
    running.answering.flush(30)
    after = open_model(path, states=states)
    number = after.ask(LONG, TWELVE)
    after.run()
    assert after.text(number) == first
    assert after.stats(number).cached_tokens == after.stats(number).prompt_tokens - 1


def test_recurrent_answers_are_not_speculated_on(open_model: Open, recurrent: Path) -> None:
    running = open_model(recurrent)
    number = running.ask("aaaa", TWELVE, prediction="bbbb")
    running.run()
    assert running.stats(number).drafted_tokens == 0


def test_a_model_that_drafts_is_refused_where_it_could_not(recurrent: Path, models: Path) -> None:
    """It would take memory, and nothing would ever be drafted."""
    load = Load(path=str(recurrent), params=LoadParams(draft_model=str(models / "hello.gguf")))
    renderer = TemplateRenderer()
    with pytest.raises(AppError) as refused:
        Session(load, renderer, lambda _share: True, Ear())
    renderer.close()
    assert refused.value.code == "draft_model_unfit"
    assert refused.value.values["reason"] == "draft_target_not_rewindable"


def test_a_state_that_cannot_be_written_is_not_kept(open_model: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """llama.cpp says so by writing nothing, and would restore nothing as if it were all."""
    running = open_model("random", slots=1)
    first = running.answered(LONG, TWELVE)
    with monkeypatch.context() as patch:
        patch.setattr(llama, "llama_state_seq_get_data_ext", lambda *_values: 0)
        running.answered("Something else entirely, which takes the only slot there is and fills it.", TWELVE)
    assert running.answering.memory.size == 0
    number = running.ask(LONG, TWELVE)
    running.run()
    assert running.stats(number).cached_tokens < 30
    assert running.text(number) == first


def test_where_a_failure_costs_all_there_is_they_come_to_their_end_all_the_same(
    open_model: Open, recurrent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of them can never be computed together here, and each failure empties both."""
    running = open_model(recurrent, slots=2, state_memory=0)
    alone = [running.answered(text, TWELVE) for text in ("aaaa", "bbbb")]
    context = running.answering.context
    decode = context.decode

    def fail_together(batch: Any) -> int:
        sequences = {batch.seq_id[index][0] for index in range(batch.n_tokens)}
        return -3 if len(sequences) > 1 else decode(batch)

    monkeypatch.setattr(context, "decode", fail_together)
    numbers = [running.ask(text, TWELVE) for text in ("aaaa", "bbbb")]
    running.run()
    assert [running.text(number) for number in numbers] == alone
