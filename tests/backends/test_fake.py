"""The fake backend obeys the contract and fails as it is told to."""

from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from app.backends.base import AnswerPart, Backend
from app.backends.fake import SAMPLE, FakeBackend, FakePlan, Fault, fake_backend
from app.errors import AppError
from app.protocol import (
    ChatTurn,
    DeltaKind,
    FormatKind,
    LoadParams,
    OutputFormat,
    Role,
    Sampling,
    ToolCall,
    ToolCallDelta,
    ToolChoice,
    ToolSpec,
)
from tests.backends.contract import BackendContract, answer_of, finished, question, read, text_of


async def _loaded(plan: FakePlan) -> FakeBackend:
    backend = FakeBackend(plan)
    await backend.load("fake.gguf", LoadParams(), lambda _share: None)
    return backend


class TestFakeBackend(BackendContract):
    expected_text = SAMPLE

    @pytest.fixture
    async def short(self) -> AsyncIterator[Backend]:
        backend = await _loaded(FakePlan())
        yield backend
        await backend.unload()

    @pytest.fixture
    async def endless(self) -> AsyncIterator[Backend]:
        backend = await _loaded(FakePlan(text=SAMPLE * 500, context_length=10**6))
        yield backend
        await backend.unload()

    @pytest.fixture
    async def narrow(self) -> AsyncIterator[Backend]:
        backend = await _loaded(FakePlan(text=SAMPLE * 500, context_length=10**6, slots=1))
        yield backend
        await backend.unload()

    @pytest.fixture
    async def unloaded(self) -> AsyncIterator[Backend]:
        backend = FakeBackend(FakePlan())
        yield backend
        await backend.unload()

    @pytest.fixture
    def kill(self) -> Callable[[Backend], None]:
        def die(backend: Backend) -> None:
            assert isinstance(backend, FakeBackend)
            backend.die()

        return die


async def test_a_load_that_shall_fail_does() -> None:
    backend = fake_backend(FakePlan(fault=Fault.LOAD))()
    with pytest.raises(AppError) as caught:
        await backend.load("fake.gguf", LoadParams(), lambda _share: None)
    assert caught.value.code == "model_load_failed"
    assert await backend.wait_closed() is None


@pytest.mark.parametrize(("fault", "code"), [(Fault.DIE, "worker_died"), (Fault.FAIL, "generation_failed")])
async def test_faults_come_after_the_tokens_asked_for(fault: Fault, code: str) -> None:
    backend = await _loaded(FakePlan(text="abcd" * 10, fault=fault, fault_after=3))
    seen: list[AnswerPart] = []
    with pytest.raises(AppError) as caught:
        await read(backend.generate(question()), seen.append)
    assert caught.value.code == code
    assert text_of(seen) == "abcd" * 3
    await backend.unload()


async def test_thinking_comes_first_and_only_when_asked_for() -> None:
    backend = await _loaded(FakePlan(thinking="Hm."))
    asked = await answer_of(backend, question(1, thinking=True))
    assert text_of(asked, DeltaKind.THINKING) == "Hm."
    assert text_of(await answer_of(backend, question(2)), DeltaKind.THINKING) == ""
    await backend.unload()


async def test_a_full_context_is_said() -> None:
    backend = await _loaded(FakePlan(text="abcd" * 100, context_length=20))
    parts = await answer_of(backend, question(sampling=Sampling()))
    stats = finished(parts).stats
    assert stats.finish_reason == "context_full"
    assert stats.context_used == 20
    await backend.unload()


def test_the_hidden_option_gives_speed_and_length() -> None:
    assert FakePlan.parse("200").tokens_per_second == 200
    plan = FakePlan.parse("0:20000")
    assert len(plan.text) == 20_000
    assert plan.context_length >= 20_000
    with pytest.raises(ValueError, match="could not convert"):
        FakePlan.parse("fast")


async def test_embeddings_have_the_width_asked_for_and_others_say_so() -> None:
    backend = await _loaded(FakePlan(width=8))
    found = await backend.embed(["one", "two", "one"])
    assert [len(vector) for vector in found.vectors] == [8, 8, 8]
    assert found.vectors[0] == found.vectors[2] != found.vectors[1]
    assert (await backend.rerank("red apple", ["blue", "red"])).scores == [0.0, 1.0]
    await backend.unload()
    bare = await _loaded(FakePlan())
    with pytest.raises(AppError, match="no embeddings"):
        await bare.embed(["a text"])
    await bare.unload()


async def test_planned_calls_are_made_until_their_results_are_there() -> None:
    call = ToolCall(id="c1", name="time", arguments='{"zone": "UTC"}')
    backend = await _loaded(FakePlan(tool_calls=(call,)))
    asked = msgspec.structs.replace(question(), tools=(ToolSpec(name="time"),))
    parts = await answer_of(backend, asked)
    pieces = [part for part in parts if isinstance(part, ToolCallDelta)]
    assert (pieces[0].call_id, pieces[0].name) == ("c1", "time")
    assert "".join(piece.arguments for piece in pieces) == call.arguments
    assert finished(parts).stats.finish_reason == "tool_calls"
    result = ChatTurn(role=Role.TOOL, content="12:00", tool_call_id="c1")
    again = msgspec.structs.replace(asked, request_id=2, turns=(*asked.turns, result))
    assert text_of(await answer_of(backend, again)) == SAMPLE
    await backend.unload()


async def test_a_demanded_call_is_made_and_a_format_is_kept() -> None:
    backend = await _loaded(FakePlan())
    tools = (ToolSpec(name="time"), ToolSpec(name="date"))
    required = ToolChoice.REQUIRED
    asked = msgspec.structs.replace(question(), tools=tools, tool_choice=required, tool_name="date")
    parts = await answer_of(backend, asked)
    assert [part.name for part in parts if isinstance(part, ToolCallDelta) and part.name] == ["date"]
    shaped = msgspec.structs.replace(question(2), format=OutputFormat(kind=FormatKind.JSON))
    assert text_of(await answer_of(backend, shaped)) == FakePlan().json
    chosen = OutputFormat(kind=FormatKind.CHOICE, choices=("yes", "no"))
    assert text_of(await answer_of(backend, msgspec.structs.replace(question(3), format=chosen))) == "yes"
    await backend.unload()
