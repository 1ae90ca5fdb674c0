"""Faults of a real worker: each is named in words, what was written is kept, others go on, a new one works."""

import asyncio
import os
import resource
import signal
from pathlib import Path

import msgspec
import psutil
import pytest

from app.backends.base import AnswerPart
from app.backends.llama import life
from app.backends.llama.process import LlamaBackend
from app.errors import AppError
from app.protocol import Delta, Generate, LoadParams, Sampling, StateFolder
from tests.backends.conftest import HELLO_TEXT
from tests.backends.contract import answer_of, finished, question, read, text_of

LONG_CONTEXT = LoadParams(context_length=65536)


async def loaded(path: Path, params: LoadParams = LONG_CONTEXT, states: StateFolder | None = None) -> LlamaBackend:
    backend = LlamaBackend()
    await backend.load(str(path), params, lambda _share: None, states)
    return backend


def family_of(backend: LlamaBackend) -> list[psutil.Process]:
    assert backend.pid is not None
    worker = psutil.Process(backend.pid)
    return [worker, *worker.children(recursive=True)]


async def dies_of(backend: LlamaBackend, sign: signal.Signals) -> tuple[AppError, list[AnswerPart]]:
    """Send it that signal in the middle of an answer; the error, and what had been written."""
    seen: list[AnswerPart] = []

    def see(part: AnswerPart) -> None:
        seen.append(part)
        if sum(isinstance(one, Delta) for one in seen) == 5 and backend.pid is not None:
            os.kill(backend.pid, sign)

    with pytest.raises(AppError) as caught:
        await read(backend.generate(question()), see)
    return caught.value, seen


@pytest.mark.parametrize(
    ("sign", "words"),
    [
        (signal.SIGABRT, "a fault inside the engine (SIGABRT)"),
        (signal.SIGSEGV, "a fault inside the engine (SIGSEGV)"),
        (signal.SIGKILL, "it was killed (SIGKILL)"),
    ],
)
async def test_a_signal_is_named_and_all_around_it_lives(models: Path, sign: signal.Signals, words: str) -> None:
    doomed, other = await loaded(models / "endless.gguf"), await loaded(models / "hello.gguf")
    family = family_of(doomed)
    error, seen = await dies_of(doomed, sign)
    assert error.code == "worker_died"
    assert words in error.message
    assert text_of(seen)
    assert text_of(await answer_of(other, question())) == HELLO_TEXT
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    again = await loaded(models / "endless.gguf")
    limit = Sampling(temperature=0.0, max_tokens=3)
    assert finished(await answer_of(again, question(sampling=limit))).stats.answer_tokens == 3
    for backend in (other, again):
        await backend.unload()


async def test_a_worker_that_hangs_is_ended_and_says_so(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "SILENT_SECONDS", 0.2)
    monkeypatch.setattr(life, "HUNG_SECONDS", 1.0)
    backend = await loaded(models / "endless.gguf")
    family = family_of(backend)
    error, seen = await dies_of(backend, signal.SIGSTOP)
    assert error.code == "worker_hung"
    assert "no sign of life" in error.message
    assert text_of(seen)
    closed = await backend.wait_closed()
    assert closed is not None
    assert closed.code == "worker_hung"
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive


async def test_a_worker_that_says_nothing_because_nothing_is_due_lives(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = await loaded(models / "hello.gguf")
    monkeypatch.setattr(life, "SILENT_SECONDS", 0.02)
    monkeypatch.setattr(life, "HUNG_SECONDS", 0.05)
    await answer_of(backend, question(sampling=Sampling(max_tokens=1)))
    await asyncio.wait([asyncio.ensure_future(backend.wait_closed())], timeout=0.3)
    monkeypatch.undo()
    assert text_of(await answer_of(backend, question())) == HELLO_TEXT
    await backend.unload()


async def test_too_little_memory_for_loading_is_said(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker may not have as much address space as this context needs."""
    big = LoadParams(context_length=131072, kv_type_k="f32", kv_type_v="f32", slots=1)  # type: ignore[arg-type]
    backend = LlamaBackend()
    with pytest.raises(AppError) as caught:
        await backend.load(str(models / "endless.gguf"), big, lambda _share: confine(backend, 50_000_000))
    assert caught.value.code == "model_load_failed"
    assert caught.value.values["reason"] == "out_of_memory", caught.value.values
    assert "not enough memory" in caught.value.message


def confine(backend: LlamaBackend, spare: int = 0) -> None:
    """Leave the worker no more address space than it uses, and `spare` bytes."""
    if backend.pid is not None and resource.prlimit(backend.pid, resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        used = psutil.Process(backend.pid).memory_info().vms
        resource.prlimit(backend.pid, resource.RLIMIT_AS, (used + spare, resource.RLIM_INFINITY))


async def test_too_little_memory_while_answering_ends_no_more_than_the_worker(models: Path) -> None:
    """Four states of ten megabytes each are to be moved out of the way, and there is no memory for them."""
    backend = await loaded(models / "random.gguf", LoadParams(slots=1, context_length=32768))
    confine(backend, 6_000_000)
    ends = []
    for number in range(4):
        request = question(number, text=f"{number} " * 6000, sampling=Sampling(max_tokens=5, ignore_end=True))
        try:
            ends.append(str(finished(await answer_of(backend, request)).stats.answer_tokens))
        except AppError as error:
            ends.append(error.code)
    assert set(ends) <= {"5", "worker_died", "generation_failed"}
    await backend.unload()
    again = await loaded(models / "hello.gguf")
    assert text_of(await answer_of(again, question())) == HELLO_TEXT
    await again.unload()


async def test_an_altered_state_on_disk_is_not_shown_to_the_engine(models: Path, tmp_path: Path) -> None:
    states = StateFolder(path=str(tmp_path / "states"), limit_bytes=10**8)
    text = "A question that is long enough to be worth keeping. " * 20
    before = await loaded(models / "random.gguf", states=states)
    request = question(1, text=text, sampling=Sampling(temperature=0.0, max_tokens=4))
    first = await answer_of(before, _kept(request))
    await before.unload()
    [path] = (tmp_path / "states").iterdir()
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    after = await loaded(models / "random.gguf", states=states)
    second = await answer_of(after, request)
    assert finished(second).stats.cached_tokens == 0
    assert text_of(second) == text_of(first)
    await after.unload()


async def test_a_state_survives_unloading(models: Path, tmp_path: Path) -> None:
    states = StateFolder(path=str(tmp_path / "states"), limit_bytes=10**8)
    text = "A question that is long enough to be worth keeping. " * 20
    request = question(1, text=text, sampling=Sampling(temperature=0.0, max_tokens=4))
    before = await loaded(models / "random.gguf", states=states)
    await answer_of(before, _kept(request))
    await before.unload()
    after = await loaded(models / "random.gguf", states=states)
    stats = finished(await answer_of(after, request)).stats
    assert stats.cached_tokens == stats.prompt_tokens - 1
    await after.unload()


async def test_after_a_rest_a_state_is_written(models: Path, tmp_path: Path) -> None:
    states = StateFolder(path=str(tmp_path / "states"), limit_bytes=10**8)
    text = "A question that is long enough to be worth keeping. " * 20
    backend = await loaded(models / "random.gguf", states=states)
    await answer_of(backend, _kept(question(1, text=text, sampling=Sampling(temperature=0.0, max_tokens=4))))
    async with asyncio.timeout(20):
        while not _states_in(tmp_path):
            await backend.stats()
    await backend.unload()


def _states_in(folder: Path) -> list[Path]:
    return list(folder.glob("states/1.*.kv"))


def _kept(request: Generate) -> Generate:
    return msgspec.structs.replace(request, keep_as="1")


async def test_a_listener_that_fails_is_no_reason_to_wait_for_ever(models: Path) -> None:
    def fail(_share: float) -> None:
        raise RuntimeError("a bug of whoever listens")

    backend = LlamaBackend()
    with pytest.raises(AppError) as caught:
        await backend.load(str(models / "hello.gguf"), LoadParams(), fail)
    assert caught.value.code == "model_load_failed"
    assert backend.pid is None


@pytest.mark.parametrize(
    "params",
    [
        LoadParams(kv_type_v="q8_0", flash_attention=False),  # type: ignore[arg-type]
        LoadParams(devices=("NOTHING7",)),
        LoadParams(tensor_overrides=({"pattern": "("},)),  # type: ignore[arg-type]
        LoadParams(batch=64, micro_batch=128),
    ],
    ids=["quantized V", "device", "pattern", "micro batch"],
)
async def test_parameters_that_cannot_be_are_refused_in_words(models: Path, params: LoadParams) -> None:
    backend = LlamaBackend()
    with pytest.raises(AppError) as caught:
        await backend.load(str(models / "hello.gguf"), params, lambda _share: None)
    assert caught.value.code == "bad_request"
    assert backend.pid is None


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_hundred_crashes_leave_nothing_behind(models: Path) -> None:
    here = psutil.Process()
    signs = (signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV)
    await dies_of(await loaded(models / "endless.gguf"), signal.SIGKILL)
    files, memory, children = here.num_fds(), here.memory_info().rss, set(here.children(recursive=True))
    for number in range(100):
        backend = await loaded(models / "endless.gguf")
        family = family_of(backend)
        error, seen = await dies_of(backend, signs[number % 3])
        assert error.code == "worker_died"
        assert text_of(seen)
        _, alive = psutil.wait_procs(family, timeout=10)
        assert not alive
    assert here.num_fds() <= files + 2
    assert here.memory_info().rss < memory * 1.1 + 5_000_000
    assert set(here.children(recursive=True)) <= children  # earlier tests may have left some
