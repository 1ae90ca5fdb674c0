"""The worker process as its parent sees it: frames only on its output, and no life without its input."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from app.backends.llama.frames import FrameReader, encode
from app.backends.llama.pipes import EXIT_BAD_INPUT
from app.backends.llama.process import worker_environment
from app.launch import own_command
from app.paths import RESOURCES
from app.protocol import (
    Cancel,
    ChatTurn,
    Delta,
    Failed,
    Finished,
    FromWorker,
    Generate,
    GetStats,
    Load,
    Loaded,
    LoadFailed,
    LoadParams,
    LoadProgress,
    Role,
    Sampling,
    SetThreads,
    Unload,
    WorkerStats,
)


class Worker:
    """A worker spoken to by hand."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            own_command("worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=RESOURCES.parent,
            env=worker_environment(os.environ),
        )
        self._reader: FrameReader[FromWorker] = FrameReader(FromWorker)
        self._waiting: list[FromWorker] = []

    def send(self, *messages: msgspec.Struct) -> None:
        self.write(b"".join(map(encode, messages)))

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def receive(self) -> FromWorker:
        """The next message. Raises EOFError when the worker has gone."""
        assert self.process.stdout is not None
        while not self._waiting:
            chunk = os.read(self.process.stdout.fileno(), 1 << 16)
            if not chunk:
                raise EOFError
            self._waiting = self._reader.feed(chunk)
        return self._waiting.pop(0)

    def until(self, kind: type[msgspec.Struct]) -> FromWorker:
        while not isinstance(message := self.receive(), kind):
            assert not isinstance(message, LoadFailed | Failed), message
        return message

    def close(self) -> int:
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        return self.process.wait()


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    if worker.process.poll() is None:
        worker.process.kill()
    worker.close()


def load(models: Path, name: str = "endless") -> Load:
    return Load(path=str(models / f"{name}.gguf"), params=LoadParams(context_length=65536))


def ask(request_id: int, max_tokens: int | None = None) -> Generate:
    sampling = Sampling(temperature=0.0, max_tokens=max_tokens)
    return Generate(request_id=request_id, turns=(ChatTurn(role=Role.USER, content="Hi"),), sampling=sampling)


def test_load_reports_progress_then_what_it_is(worker: Worker, models: Path) -> None:
    worker.send(load(models, "hello"))
    first = worker.receive()
    assert isinstance(first, LoadProgress)
    loaded = worker.until(Loaded)
    assert isinstance(loaded, Loaded)
    assert loaded.device == "CPU"
    assert loaded.has_template
    assert loaded.supports_thinking


def test_a_model_without_a_template_is_loaded_and_says_so(worker: Worker, models: Path) -> None:
    worker.send(load(models, "bare"))
    loaded = worker.until(Loaded)
    assert isinstance(loaded, Loaded)
    assert not loaded.has_template
    worker.send(ask(1))
    text = ""
    while not isinstance(message := worker.receive(), Finished):
        text += message.text if isinstance(message, Delta) else ""
    assert text == "Hello world 量化!"


def test_a_failed_load_leaves_the_worker_able_to_say_so(worker: Worker, broken: Path) -> None:
    worker.send(Load(path=str(broken)))
    failed = worker.until(LoadFailed)
    assert isinstance(failed, LoadFailed)
    assert failed.error.code == "model_load_failed"
    worker.send(GetStats())
    assert isinstance(worker.receive(), WorkerStats)


def test_generate_before_load_fails_the_request(worker: Worker) -> None:
    worker.send(ask(3))
    failed = worker.receive()
    assert isinstance(failed, Failed)
    assert (failed.request_id, failed.error.code) == (3, "generation_failed")


def test_requests_are_answered_one_after_the_other(worker: Worker, models: Path) -> None:
    worker.send(load(models), ask(1, 5), ask(2, 5))
    order: list[int] = []
    while len(order) < 2:
        message = worker.receive()
        if isinstance(message, Finished):
            order.append(message.request_id)
    assert order == [1, 2]


def test_a_number_that_is_being_answered_is_refused(worker: Worker, models: Path) -> None:
    worker.send(load(models), ask(1))
    worker.until(Delta)
    worker.send(ask(1))
    while not isinstance(message := worker.receive(), Failed):
        assert not isinstance(message, Finished), message
    assert (message.request_id, message.error.code) == (1, "bad_request")
    worker.send(Cancel(request_id=1))
    worker.until(Finished)
    worker.send(ask(1, 3))
    finished = worker.until(Finished)
    assert isinstance(finished, Finished)
    assert finished.stats.answer_tokens == 3


def test_threads_named_while_loading_hold_afterwards(worker: Worker, models: Path) -> None:
    params = LoadParams(context_length=4096, threads=2, batch_threads=2)
    worker.send(Load(path=str(models / "endless.gguf"), params=params), SetThreads(threads=1), ask(1))
    worker.until(Delta)
    worker.send(GetStats())
    stats = worker.until(WorkerStats)
    assert isinstance(stats, WorkerStats)
    assert stats.threads == 1


def test_cancel_and_stats_are_obeyed_in_mid_answer(worker: Worker, models: Path) -> None:
    worker.send(load(models), ask(1))
    worker.until(Delta)
    worker.send(GetStats())
    stats = worker.until(WorkerStats)
    assert isinstance(stats, WorkerStats)
    assert stats.active_requests == 1
    assert stats.pid == worker.process.pid
    assert stats.resident > 10_000_000
    worker.send(Cancel(request_id=1))
    finished = worker.until(Finished)
    assert isinstance(finished, Finished)
    assert finished.stats.finish_reason == "cancelled"


def test_unload_ends_it_in_mid_answer(worker: Worker, models: Path) -> None:
    worker.send(load(models), ask(1))
    worker.until(Delta)
    worker.send(Unload())
    with pytest.raises(EOFError):
        worker.until(Finished)
    assert worker.close() == 0


def test_the_end_of_its_input_ends_it_in_mid_answer(worker: Worker, models: Path) -> None:
    worker.send(load(models), ask(1))
    worker.until(Delta)
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    with pytest.raises(EOFError):
        worker.until(Finished)
    assert worker.close() == 0


def test_garbage_on_its_input_ends_it(worker: Worker) -> None:
    worker.write(b"\xff" * 100)
    with pytest.raises(EOFError):
        worker.receive()
    assert worker.close() == EXIT_BAD_INPUT


def test_a_reader_that_has_gone_ends_it(worker: Worker, models: Path) -> None:
    worker.send(load(models), ask(1))
    worker.until(Delta)
    assert worker.process.stdout is not None
    worker.process.stdout.close()
    assert worker.process.wait() == 0


def test_what_is_printed_does_not_reach_the_pipe(tmp_path: Path) -> None:
    code = (
        "import os\n"
        "from app.backends.llama.pipes import Output\n"
        "from app.protocol import Cancel\n"
        "output = Output()\n"
        "print('noise from a library', flush=True)\n"
        "os.system('echo noise from a child')\n"
        "output.send(Cancel(request_id=1))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=RESOURCES.parent, capture_output=True, check=True)
    assert done.stdout == encode(Cancel(request_id=1))
    assert b"noise from a child" in done.stderr


def test_a_worker_that_cannot_hear_any_more_ends() -> None:
    """A bug in the reading thread must not leave a process that notices nobody's end."""
    script = (
        "from app.backends.llama import worker\n"
        "def fail(self, message, arrived): raise RuntimeError('a bug')\n"
        "worker.Worker.obey = fail\n"
        "worker.main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=RESOURCES.parent
    )
    assert process.stdin is not None
    process.stdin.write(encode(GetStats()))
    process.stdin.flush()
    assert process.wait(30) == EXIT_BAD_INPUT
    process.stdin.close()
