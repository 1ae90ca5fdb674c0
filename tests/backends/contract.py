"""What every backend must do: the tests that the fake one and the local engine inherit."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from app.backends.base import AnswerPart, Backend
from app.errors import AppError
from app.protocol import (
    ChatTurn,
    ContextPolicy,
    Delta,
    DeltaKind,
    Finished,
    FinishReason,
    Generate,
    Loaded,
    LoadParams,
    Prefill,
    Priority,
    Queued,
    Role,
    Sampling,
    TurnsDropped,
)

GREEDY = Sampling(temperature=0.0)


def question(
    request_id: int = 1,
    text: str = "Hi",
    sampling: Sampling = GREEDY,
    thinking: bool = False,
    priority: Priority = Priority.WINDOW,
) -> Generate:
    turns = (ChatTurn(role=Role.USER, content=text),)
    return Generate(request_id=request_id, turns=turns, sampling=sampling, thinking=thinking, priority=priority)


async def answer_of(backend: Backend, request: Generate) -> list[AnswerPart]:
    return [part async for part in backend.generate(request)]


async def read(stream: AsyncIterator[AnswerPart], see: Callable[[AnswerPart], None]) -> None:
    """Give every part to `see`, until the stream ends or raises."""
    async for part in stream:
        see(part)


def text_of(parts: list[AnswerPart], kind: DeltaKind = DeltaKind.TEXT) -> str:
    return "".join(part.text for part in parts if isinstance(part, Delta) and part.kind is kind)


def finished(parts: list[AnswerPart]) -> Finished:
    last = parts[-1]
    assert isinstance(last, Finished)
    return last


class BackendContract:
    """Subclasses give the attributes below and these fixtures: `short` (loaded; answers with `expected_text`; 40 turns
    of 1,000 characters do not fit into its context), `endless` (loaded; goes on and on), `narrow` (the same with one
    slot), `unloaded` (not loaded yet) and `kill`."""

    expected_text: str
    path: str = "model.gguf"

    @pytest.fixture
    def short(self) -> AsyncIterator[Backend]:
        raise NotImplementedError

    @pytest.fixture
    def endless(self) -> AsyncIterator[Backend]:
        raise NotImplementedError

    @pytest.fixture
    def narrow(self) -> AsyncIterator[Backend]:
        raise NotImplementedError

    @pytest.fixture
    def kill(self) -> Callable[[Backend], None]:
        """Ends the backend as a crash would."""
        raise NotImplementedError

    # ------------------------------------------------------------ answering

    async def test_streams_the_text_between_prefill_and_finished(self, short: Backend) -> None:
        parts = await answer_of(short, question(7))
        assert text_of(parts) == self.expected_text
        assert isinstance(parts[0], Prefill)
        assert all(isinstance(part, Delta | Finished) for part in parts[sum(isinstance(p, Prefill) for p in parts) :])
        assert {part.request_id for part in parts} == {7}
        assert len([part for part in parts if isinstance(part, Delta)]) > 2

    async def test_the_last_part_says_what_it_cost(self, short: Backend) -> None:
        parts = await answer_of(short, question())
        stats = finished(parts).stats
        assert stats.finish_reason is FinishReason.STOP
        assert stats.answer_tokens == sum(part.tokens for part in parts if isinstance(part, Delta))
        prefill = [part for part in parts if isinstance(part, Prefill)][-1]
        assert prefill.done == prefill.total == stats.prompt_tokens > 0
        assert stats.ttft_s > 0

    async def test_stops_at_the_limit_of_tokens(self, endless: Backend) -> None:
        parts = await answer_of(endless, question(sampling=Sampling(temperature=0.0, max_tokens=5)))
        assert finished(parts).stats.finish_reason is FinishReason.LENGTH
        assert finished(parts).stats.answer_tokens == 5

    async def test_a_prompt_longer_than_the_context_is_refused_with_the_numbers(self, short: Backend) -> None:
        with pytest.raises(AppError) as caught:
            await answer_of(short, question(text="word " * 200_000))
        assert caught.value.code == "prompt_too_long"
        assert int(caught.value.values["prompt_tokens"]) > int(caught.value.values["context_length"])
        assert text_of(await answer_of(short, question(2))) == self.expected_text

    # ------------------------------------------------------------ cancelling

    async def test_cancel_ends_the_answer_and_the_next_works(self, endless: Backend) -> None:
        parts: list[AnswerPart] = []
        async for part in endless.generate(question(1)):
            parts.append(part)
            if isinstance(part, Delta):
                await endless.cancel(1)
        assert finished(parts).stats.finish_reason is FinishReason.CANCELLED
        assert text_of(parts)
        again = await answer_of(endless, question(2, sampling=Sampling(temperature=0.0, max_tokens=3)))
        assert finished(again).stats.answer_tokens == 3

    async def test_closing_the_generator_cancels(self, endless: Backend) -> None:
        stream = endless.generate(question(1))
        while not isinstance(await anext(stream), Delta):
            continue
        await stream.aclose()
        again = await answer_of(endless, question(2, sampling=Sampling(temperature=0.0, max_tokens=3)))
        assert finished(again).stats.finish_reason is FinishReason.LENGTH
        assert (await endless.stats()).active_requests == 0

    async def test_cancelling_what_is_not_there_changes_nothing(self, short: Backend) -> None:
        await short.cancel(99)
        assert text_of(await answer_of(short, question(99))) == self.expected_text

    async def test_two_requests_at_once_are_both_answered(self, short: Backend) -> None:
        first, second = await asyncio.gather(answer_of(short, question(1)), answer_of(short, question(2)))
        assert text_of(first) == text_of(second) == self.expected_text

    async def test_a_request_can_be_cancelled_while_it_waits_behind_another(self, endless: Backend) -> None:
        running = endless.generate(question(1))
        while not isinstance(await anext(running), Delta):
            continue
        waiting = asyncio.create_task(answer_of(endless, question(2)))
        await asyncio.sleep(0)
        await endless.cancel(2)
        await endless.cancel(1)
        assert [part async for part in running]
        assert finished(await waiting).stats.finish_reason is FinishReason.CANCELLED

    # ------------------------------------------------------------ several at once

    async def test_many_at_once_are_all_answered(self, short: Backend) -> None:
        answers = await asyncio.gather(*(answer_of(short, question(number)) for number in range(1, 21)))
        assert [text_of(parts) for parts in answers] == [self.expected_text] * 20
        stats = await short.stats()
        assert (stats.answered, stats.queued, stats.slots_busy) == (20, 0, 0)

    async def test_answers_run_side_by_side(self, endless: Backend) -> None:
        streams = [endless.generate(question(number)) for number in (1, 2)]
        for _ in range(3):
            for stream in streams:
                while not isinstance(await anext(stream), Delta):
                    continue
        assert (await endless.stats()).slots_busy == 2
        for stream in streams:
            await stream.aclose()

    async def test_cancelling_one_of_many_leaves_the_others(self, endless: Backend) -> None:
        limit = Sampling(temperature=0.0, max_tokens=40)
        tasks = [asyncio.create_task(answer_of(endless, question(number, sampling=limit))) for number in (1, 2, 3)]
        running = endless.generate(question(4))
        while not isinstance(await anext(running), Delta):
            continue
        await endless.cancel(4)
        rest = [part async for part in running]
        assert finished(rest).stats.finish_reason is FinishReason.CANCELLED
        for parts in await asyncio.gather(*tasks):
            assert finished(parts).stats.answer_tokens == 40

    async def test_who_waits_is_told_its_place(self, narrow: Backend) -> None:
        first = narrow.generate(question(1))
        while not isinstance(await anext(first), Delta):
            continue
        second, third = narrow.generate(question(2)), narrow.generate(question(3))
        told = [await anext(second), await anext(third)]
        assert told == [Queued(request_id=2, position=1), Queued(request_id=3, position=2)]
        await first.aclose()
        assert isinstance(await anext(second), Prefill)
        assert await anext(third) == Queued(request_id=3, position=1)
        await second.aclose()
        assert isinstance(await anext(third), Prefill)
        await third.aclose()

    async def test_the_window_goes_before_the_port(self, narrow: Backend) -> None:
        first = narrow.generate(question(1))
        while not isinstance(await anext(first), Delta):
            continue
        port = narrow.generate(question(2, priority=Priority.PORT))
        assert await anext(port) == Queued(request_id=2, position=1)
        window = narrow.generate(question(3))
        assert await anext(window) == Queued(request_id=3, position=1)
        assert await anext(port) == Queued(request_id=2, position=2)
        for stream in (first, window, port):
            await stream.aclose()

    # ------------------------------------------------------------ the context

    async def test_the_oldest_turns_are_left_out_when_that_is_wanted(self, short: Backend) -> None:
        turns = [ChatTurn(role=Role.SYSTEM, content="Be kind.")]
        for number in range(40):
            turns.append(ChatTurn(role=Role.USER, content=f"{number} " + "word " * 200))
            turns.append(ChatTurn(role=Role.ASSISTANT, content="Yes."))
        turns.append(ChatTurn(role=Role.USER, content="And now?"))
        request = Generate(request_id=1, turns=tuple(turns), sampling=GREEDY, context_policy=ContextPolicy.DROP_OLDEST)
        parts = await answer_of(short, request)
        dropped = next(part for part in parts if isinstance(part, TurnsDropped)).turns
        assert dropped
        assert dropped == tuple(range(1, 1 + len(dropped)))
        assert turns[dropped[-1] + 1].role is Role.USER
        assert len(turns) - 1 not in dropped
        assert text_of(parts) == self.expected_text
        assert (await short.preview(request)).dropped == dropped

    # ------------------------------------------------------------ questions beside answers

    async def test_a_preview_says_what_would_be_read(self, short: Backend) -> None:
        preview = await short.preview(question(5, text="How big is it?"))
        assert "How big is it?" in preview.text
        assert preview.request_id == 5
        parts = await answer_of(short, question(5, text="How big is it?"))
        assert finished(parts).stats.prompt_tokens == preview.tokens

    async def test_a_text_has_tokens(self, short: Backend) -> None:
        assert await short.tokenize("") == ()
        tokens = await short.tokenize("How big is it?")
        assert tokens
        assert await short.tokenize("How big is it?") == tokens

    async def test_a_model_that_ranks_nothing_says_so(self, short: Backend) -> None:
        with pytest.raises(AppError) as caught:
            await short.rerank("a question", ["a text"])
        assert caught.value.code == "bad_request"
        assert text_of(await answer_of(short, question())) == self.expected_text

    # ------------------------------------------------------------ its end

    async def test_counts_what_it_did(self, short: Backend) -> None:
        parts = await answer_of(short, question())
        stats = await short.stats()
        assert stats.answered == 1
        assert stats.tokens_written == finished(parts).stats.answer_tokens
        assert stats.context_length > 0

    async def test_unload_ends_it_and_may_be_repeated(self, short: Backend) -> None:
        await short.unload()
        await short.unload()
        assert await short.wait_closed() is None
        assert short.pid is None
        with pytest.raises(AppError, match="not loaded"):
            await answer_of(short, question())
        with pytest.raises(AppError):
            await short.stats()

    async def test_unload_in_mid_answer_ends_the_stream(self, endless: Backend) -> None:
        stream = endless.generate(question())
        while not isinstance(await anext(stream), Delta):
            continue
        await endless.unload()
        with pytest.raises(AppError) as caught:
            await read(stream, lambda _part: None)
        assert caught.value.code == "generation_failed"

    async def test_death_in_mid_answer_keeps_what_came_and_says_so(
        self, endless: Backend, kill: Callable[[Backend], None]
    ) -> None:
        parts: list[AnswerPart] = []

        def see(part: AnswerPart) -> None:
            parts.append(part)
            if len(parts) == 8:
                kill(endless)

        with pytest.raises(AppError) as caught:
            await read(endless.generate(question()), see)
        assert caught.value.code == "worker_died"
        assert text_of(parts)
        closed = await endless.wait_closed()
        assert closed is not None
        assert closed.code == "worker_died"
        assert closed.values["reason"]
        with pytest.raises(AppError):
            await answer_of(endless, question(2))

    async def test_death_while_idle_is_noticed(self, short: Backend, kill: Callable[[Backend], None]) -> None:
        waiting = asyncio.create_task(short.wait_closed())
        await asyncio.sleep(0)
        kill(short)
        error = await waiting
        assert error is not None
        assert error.code == "worker_died"
        with pytest.raises(AppError):
            await short.stats()
        await short.unload()

    # ------------------------------------------------------------ loading

    async def test_loading_reports_progress_up_to_one(self, unloaded: Backend) -> None:
        progress: list[float] = []
        loaded = await unloaded.load(self.path, LoadParams(context_length=1024), progress.append)
        assert isinstance(loaded, Loaded)
        assert loaded.context_length == 1024
        assert progress == sorted(progress)
        assert progress[-1] == 1.0

    async def test_unload_before_loading_cancels_it(self, unloaded: Backend) -> None:
        await unloaded.unload()
        with pytest.raises(AppError) as caught:
            await unloaded.load(self.path, LoadParams(), lambda _share: None)
        assert caught.value.code == "load_cancelled"

    async def test_unload_while_loading_cancels_it(self, unloaded: Backend) -> None:
        loading = asyncio.create_task(unloaded.load(self.path, LoadParams(), lambda _share: None))
        await asyncio.sleep(0)
        await unloaded.unload()
        with pytest.raises(AppError) as caught:
            await loading
        assert caught.value.code == "load_cancelled"
        assert await unloaded.wait_closed() is None
