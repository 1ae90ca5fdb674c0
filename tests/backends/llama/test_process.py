"""The local engine behind real pipes: the contract, and everything a worker can do wrong."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from app.backends.base import AnswerPart, Backend
from app.backends.llama import process
from app.backends.llama.frames import MAX_FRAME, MOST_PICTURES
from app.backends.llama.process import LlamaBackend, death_reason, worker_environment
from app.errors import AppError
from app.protocol import ChatTurn, Delta, DeltaKind, Finished, Generate, ImagePart, LoadParams, Role, Sampling
from app.server.engine import STOP_ANSWERS_S
from tests.backends.conftest import HELLO_TEXT
from tests.backends.contract import GREEDY, BackendContract, answer_of, question, read, text_of


async def loaded(path: Path, params: LoadParams | None = None) -> LlamaBackend:
    backend = LlamaBackend()
    await backend.load(str(path), params or LoadParams(), lambda _share: None)
    return backend


class TestLlamaBackend(BackendContract):
    expected_text = HELLO_TEXT

    @pytest.fixture(autouse=True)
    def _path(self, models: Path) -> None:
        self.path = str(models / "hello.gguf")

    @pytest.fixture
    async def short(self, models: Path) -> AsyncIterator[Backend]:
        backend = await loaded(models / "hello.gguf")
        yield backend
        await backend.unload()

    @pytest.fixture
    async def endless(self, models: Path) -> AsyncIterator[Backend]:
        backend = await loaded(models / "endless.gguf", LoadParams(context_length=65536))
        yield backend
        await backend.unload()

    @pytest.fixture
    async def narrow(self, models: Path) -> AsyncIterator[Backend]:
        backend = await loaded(models / "endless.gguf", LoadParams(context_length=65536, slots=1))
        yield backend
        await backend.unload()

    @pytest.fixture
    async def unloaded(self) -> AsyncIterator[Backend]:
        backend = LlamaBackend()
        yield backend
        await backend.unload()

    @pytest.fixture
    def kill(self) -> Callable[[Backend], None]:
        def kill_nine(backend: Backend) -> None:
            assert backend.pid is not None
            os.kill(backend.pid, signal.SIGKILL)

        return kill_nine

    async def test_unload_ends_every_process(self, short: Backend) -> None:
        assert short.pid is not None
        worker = psutil.Process(short.pid)
        family = [worker, *worker.children(recursive=True)]
        assert len(family) == 2  # itself and its template process
        await short.unload()
        _, alive = psutil.wait_procs(family, timeout=10)
        assert not alive

    async def test_a_killed_worker_leaves_no_template_process(self, short: Backend) -> None:
        assert short.pid is not None
        children = psutil.Process(short.pid).children(recursive=True)
        os.kill(short.pid, signal.SIGKILL)
        error = await short.wait_closed()
        assert error is not None
        assert "SIGKILL" in error.message
        _, alive = psutil.wait_procs(children, timeout=10)
        assert not alive


# ---------------------------------------------------------------- files that are no models


async def _load_error(path: Path) -> AppError:
    backend = LlamaBackend()
    with pytest.raises(AppError) as caught:
        await backend.load(str(path), LoadParams(), lambda _share: None)
    assert backend.pid is None
    assert await backend.wait_closed() is None
    return caught.value


@pytest.mark.parametrize("kept", [0, 3, 40, 5000, -100])
async def test_a_file_cut_off_anywhere_is_refused_with_a_reason(models: Path, tmp_path: Path, kept: int) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes((models / "hello.gguf").read_bytes()[:kept])
    error = await _load_error(path)
    assert error.code == "model_load_failed"
    assert error.values["model"] == "cut.gguf"
    assert error.values["reason"]


async def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert (await _load_error(tmp_path / "nothing.gguf")).code == "model_load_failed"


async def test_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photo.gguf"
    path.write_bytes(b"\x89PNG" + os.urandom(5000))
    assert (await _load_error(path)).code == "model_load_failed"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
async def test_a_file_with_changed_bytes_loads_or_is_refused_but_never_hangs(
    models: Path, tmp_path: Path, seed: int
) -> None:
    data = bytearray((models / "hello.gguf").read_bytes())
    for step in range(4):
        data[(seed * 7919 + step * 104729) % 6000 + 8] ^= 1 << (seed + step) % 8
    path = tmp_path / "changed.gguf"
    path.write_bytes(data)
    backend = LlamaBackend()
    code = ""
    try:
        await backend.load(str(path), LoadParams(), lambda _share: None)
        await answer_of(backend, question(sampling=Sampling(temperature=0.0, max_tokens=5)))
    except AppError as error:
        code = error.code
    await backend.unload()
    assert code in {"", "model_load_failed", "worker_died", "generation_failed", "template_failed"}


# ---------------------------------------------------------------- workers that misbehave


def pretend(code: str) -> LlamaBackend:
    """A backend whose worker is this Python code."""
    return LlamaBackend([sys.executable, "-c", code])


async def started(backend: LlamaBackend) -> int:
    """Wait until its process is there."""
    while (pid := backend.pid) is None:  # noqa: ASYNC110 (nothing in the protocol tells of it: it is no one's business)
        await asyncio.sleep(0)
    return pid


async def _fails(backend: LlamaBackend) -> AppError:
    with pytest.raises(AppError) as caught:
        await backend.load("model.gguf", LoadParams(), lambda _share: None)
    assert backend.pid is None
    return caught.value


async def test_a_worker_that_dies_while_loading_is_a_failed_load_with_its_last_words() -> None:
    error = await _fails(pretend("import sys; print('GGML_ASSERT(x > 0) failed', file=sys.stderr); sys.exit(6)"))
    assert error.code == "model_load_failed"
    assert error.values["reason"] == "engine_fault"
    assert error.values["detail"] == "GGML_ASSERT(x > 0) failed"
    assert "GGML_ASSERT(x > 0) failed" in error.message


@pytest.mark.parametrize(
    "output",
    [
        b"hello, this is printed where frames belong\n" * 50,
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x05\x81\xa4type",
        b"\x00\x00\x00\x01\xc0",
    ],
)
async def test_garbage_on_the_pipe_ends_the_worker(output: bytes) -> None:
    code = f"import os, sys; os.write(1, {output!r}); sys.stdin.read()"
    error = await _fails(pretend(code))
    assert error.code == "model_load_failed"
    assert error.values["reason"] == "worker_sent_garbage"


async def test_a_program_that_is_not_there_is_a_missing_engine(tmp_path: Path) -> None:
    error = await _fails(LlamaBackend([str(tmp_path / "no-such-program")]))
    assert error.code == "engine_missing"


async def test_a_worker_that_ignores_unload_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.backends.llama.process.UNLOAD_SECONDS", 0.05)
    backend = pretend("import signal; signal.pause()")
    loading = asyncio.create_task(backend.load("model.gguf", LoadParams(), lambda _share: None))
    await started(backend)
    await backend.unload()
    with pytest.raises(AppError) as caught:
        await loading
    assert caught.value.code == "load_cancelled"
    assert backend.pid is None


async def test_more_pictures_than_a_message_carries_are_refused_in_words(models: Path) -> None:
    backend = await loaded(models / "hello.gguf")
    image = ImagePart(data=bytes(MOST_PICTURES // 2 + 1))
    turns = tuple(ChatTurn(role=Role.USER, content="Look.", images=(image,)) for _ in range(2))
    request = Generate(request_id=1, turns=turns)
    with pytest.raises(AppError) as caught:
        await answer_of(backend, request)
    assert caught.value.code == "picture_too_large"
    assert "28 MiB is the most" in caught.value.message
    with pytest.raises(AppError, match="too large"):
        await backend.preview(request)
    await backend.unload()


async def test_a_message_no_worker_would_take_is_a_bad_request_and_the_worker_lives(models: Path) -> None:
    backend = await loaded(models / "hello.gguf")
    with pytest.raises(AppError) as caught:
        await answer_of(backend, question(1, "x" * MAX_FRAME))
    assert caught.value.code == "bad_request"
    with pytest.raises(AppError, match="larger than"):
        await backend.tokenize("x" * MAX_FRAME)
    assert text_of(await answer_of(backend, question(2))) == HELLO_TEXT
    await backend.unload()


def test_answers_and_unloading_get_two_seconds_together() -> None:
    assert STOP_ANSWERS_S + process.UNLOAD_SECONDS <= 2.0


async def test_cancelling_the_task_that_loads_ends_the_worker() -> None:
    backend = pretend("import sys; sys.stdin.read()")
    loading = asyncio.create_task(backend.load("model.gguf", LoadParams(), lambda _share: None))
    pid = await started(backend)
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading
    assert backend.pid is None
    assert not psutil.pid_exists(pid)


async def test_a_worker_that_writes_no_end_of_errors_does_not_block() -> None:
    backend = pretend("import sys\nfor _ in range(20000): print('x' * 100, file=sys.stderr)\nsys.exit(3)")
    error = await _fails(backend)
    assert error.values["reason"] == "x" * 100


async def test_a_request_number_in_use_is_refused(models: Path) -> None:
    backend = await loaded(models / "endless.gguf")
    stream = backend.generate(question(1))
    await anext(stream)
    with pytest.raises(AppError) as caught:
        await answer_of(backend, question(1))
    assert caught.value.code == "bad_request"
    await stream.aclose()
    await backend.unload()


# ---------------------------------------------------------------- the engine through the pipe


async def test_the_conversation_so_far_is_not_read_again(models: Path) -> None:
    backend = await loaded(models / "hello.gguf")
    first = await answer_of(backend, question(1, text="A long question. " * 20))
    turns = (
        ChatTurn(role=Role.USER, content="A long question. " * 20),
        ChatTurn(role=Role.ASSISTANT, content=HELLO_TEXT),
        ChatTurn(role=Role.USER, content="More."),
    )
    second = await answer_of(backend, Generate(request_id=2, turns=turns, sampling=GREEDY))
    last, start = first[-1], second[0]
    assert isinstance(last, Finished)
    assert start.done >= last.stats.prompt_tokens  # type: ignore[union-attr]
    assert text_of(second) == HELLO_TEXT
    await backend.unload()


async def test_thinking_is_told_apart(models: Path) -> None:
    backend = await loaded(models / "thinking.gguf")
    parts = await answer_of(backend, question())
    assert text_of(parts, DeltaKind.THINKING) == "Let me see."
    assert text_of(parts) == "It is four."
    last = parts[-1]
    assert isinstance(last, Finished)
    assert last.stats.thinking_s is not None
    await backend.unload()


async def test_wrong_sampling_fails_the_request_and_the_worker_lives_on(models: Path) -> None:
    backend = await loaded(models / "hello.gguf")
    with pytest.raises(AppError) as caught:
        await answer_of(backend, question(1, sampling=Sampling(top_p=2.0)))
    assert caught.value.code == "bad_request"
    assert text_of(await answer_of(backend, question(2))) == HELLO_TEXT
    await backend.unload()


async def test_nothing_said_is_logged(models: Path, alcove_home: Path) -> None:
    backend = await loaded(models / "hello.gguf")
    await answer_of(backend, question(text="my secret question"))
    with pytest.raises(AppError):
        await answer_of(backend, question(text="another secret " * 50_000))
    await backend.unload()
    logs = "".join(path.read_text() for path in (alcove_home / "logs").iterdir())
    assert "loaded in" in logs
    assert "secret" not in logs
    assert "world" not in logs


async def test_it_leaves_when_its_input_ends_in_mid_answer(models: Path) -> None:
    backend = await loaded(models / "endless.gguf", LoadParams(context_length=65536))
    stream = backend.generate(question())
    while not isinstance(await anext(stream), Delta):
        continue
    process = backend._child.process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    error = await backend.wait_closed()
    await stream.aclose()
    assert error is not None
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("after", range(1, 21))
async def test_killed_at_any_moment_of_an_answer(models: Path, after: int) -> None:
    backend = await loaded(models / "endless.gguf", LoadParams(context_length=65536))
    seen: list[AnswerPart] = []

    def see(part: AnswerPart) -> None:
        seen.append(part)
        if len(seen) == after * 13 and backend.pid is not None:
            os.kill(backend.pid, signal.SIGKILL)

    with pytest.raises(AppError) as caught:
        await read(backend.generate(question()), see)
    assert caught.value.code == "worker_died"
    assert len(seen) >= after * 13


# ---------------------------------------------------------------- why it ended


@pytest.mark.parametrize(
    ("code", "tail", "words"),
    [
        (-9, ["loading"], "process_killed"),
        (-11, [], "SIGSEGV"),
        (-6, ["ggml.c:12: GGML_ASSERT(ok) failed", "bye"], "GGML_ASSERT(ok)"),
        (1, ["ValueError: no", ""], "ValueError: no"),
        (4, [], "exit code 4"),
        (-200, [], "signal 200"),
    ],
)
def test_reasons_are_words(code: int, tail: list[str], words: str) -> None:
    assert words in death_reason(code, tail)


def test_what_the_person_set_wins() -> None:
    environment = worker_environment({"OMP_WAIT_POLICY": "active", "HOME": "/x"})
    assert environment["OMP_WAIT_POLICY"] == "active"
    assert environment["GGML_NO_BACKTRACE"] == "1"
    assert environment["HOME"] == "/x"


async def test_vectors_nobody_waits_for_any_more_are_cancelled(models: Path) -> None:
    """A worker computes vectors one request after the other: a long one that nobody wants would hold up all."""
    backend = LlamaBackend()
    await backend.load(str(models / "endless.gguf"), LoadParams(context_length=2048), lambda _share: None)
    task = asyncio.create_task(backend.embed(["a long text " * 100] * 3000))
    await backend.stats()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await backend.embed(["short"])).tokens < 100
    stats = await backend.stats()
    assert stats.active_requests == 0
    await backend.unload()
