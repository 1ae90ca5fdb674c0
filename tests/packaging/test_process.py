"""Children of the set-up are logged, told about when they fail, and never outlive it."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from alcove_setup.process import Step, StepFailed, answer, run_step
from tests.packaging.setup_parts import Transcript

SETUP = Path(__file__).parents[2] / "packaging" / "setup"


def test_output_goes_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "log"
    told = Transcript()
    run_step(Step("Greeting", [sys.executable, "-c", "print('hello')"], log), told.console)
    assert log.read_text().endswith("hello\n")
    assert told.text == "  Greeting: done (0 s)\n"


def test_a_failure_shows_the_last_words_and_where_the_rest_is(tmp_path: Path) -> None:
    code = "import sys; [print('line', n) for n in range(50)]; sys.stderr.write('no luck'); sys.exit(3)"
    with pytest.raises(StepFailed) as caught:
        run_step(Step("Attempt", [sys.executable, "-c", code], tmp_path / "log"), Transcript().console)
    assert "exit status 3" in caught.value.message
    assert caught.value.lines[-1].endswith("no luck")
    assert "line 10\n" not in caught.value.message
    assert str(tmp_path / "log") in caught.value.hint


def test_answers_of_quick_commands() -> None:
    assert answer([sys.executable, "-c", "print('yes')"]) == "yes\n"
    assert answer([sys.executable, "-c", "raise SystemExit(1)"]) is None
    assert answer(["/no/such/program"]) is None
    assert answer([sys.executable, "-c", "import time; time.sleep(600)"], seconds=0.1) is None


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and process groups")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_step_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    """A compiler started by ninja started by pip has to end with the set-up."""
    grandchild = (
        "import subprocess, sys; c = subprocess.Popen(['sleep', '600']); print('pid', c.pid, flush=True); c.wait()"
    )
    code = f"""
import pathlib, signal, sys
from alcove_setup.console import Console
from alcove_setup.process import Step, run_step
def stop(*_): raise KeyboardInterrupt
signal.signal(signal.SIGTERM, stop)
def tell(line):
    print(line, flush=True)
step = Step("Long", [sys.executable, "-c", {grandchild!r}], pathlib.Path({str(tmp_path / "log")!r}))
run_step(step, Console(sys.stderr, False), tell)
"""
    command = [sys.executable, "-c", code]
    setup = subprocess.Popen(command, cwd=SETUP, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert setup.stdout is not None
    with setup.stdout:
        compiler = psutil.Process(int(setup.stdout.readline().split()[1]))
        setup.send_signal(number)
        psutil.wait_procs([compiler], timeout=60)
        assert setup.wait(60) != 0
    assert not compiler.is_running()
