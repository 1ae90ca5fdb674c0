"""`alcove bench` for real, with the fake engine and with the starter model."""

import json
import signal
from pathlib import Path

import msgspec
import psutil

from app.protocol import BenchChanged, Status
from tests.cli.running import alcove, running
from tests.conftest import add_model
from tests.processes import EventStream, running_backend, until


def test_a_table_of_what_was_measured(home: Path) -> None:
    add_model(home)
    done = alcove(home, "bench", "tiny", "--depth", "0", "--repeats", "1", ALCOVE_FAKE_ENGINE="500:300")
    assert done.returncode == 0, done.stderr
    assert "tiny on CPU" in done.stdout
    assert any(line.startswith("writing") for line in done.stdout.splitlines())


def test_the_real_engine_is_measured_and_remembered(home: Path) -> None:
    done = alcove(home, "bench", "starter", "--depth", "0", "--repeats", "2", "--json", ALCOVE_FAKE_ENGINE="")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["device"] == "CPU"
    kinds = {row["kind"]: row for row in report["rows"]}
    assert kinds["decode"]["measured"]["expected"] > 0
    assert kinds["prefill"]["tokens"] > 100
    assert all(row["predicted"]["low"] < row["predicted"]["high"] for row in report["rows"])


def test_an_interrupt_ends_it_and_leaves_no_worker(home: Path) -> None:
    with running_backend(home, ALCOVE_FAKE_ENGINE="") as backend:
        watcher = EventStream(backend, "watcher")
        with running(home, "bench", "starter", "--repeats", "20", ALCOVE_FAKE_ENGINE="") as command:
            watcher.wait_for(BenchChanged)
            assert psutil.Process(backend.handshake.pid).children(recursive=True)
            command.process.send_signal(signal.SIGINT)
            assert command.end() == 1
        assert msgspec.json.decode(backend.http.get("/api/status").content, type=Status).loaded == ()
        assert backend.http.delete("/api/bench").json() == {"ended": False}
        until(lambda: not psutil.Process(backend.handshake.pid).children(recursive=True), "no worker")
        watcher.close()


def test_a_model_that_is_not_here(home: Path) -> None:
    done = alcove(home, "bench", "nothing-of-that-name")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing-of-that-name" in done.stderr
