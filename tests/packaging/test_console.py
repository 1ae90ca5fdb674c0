"""A long step shows how far it is, on a terminal and in a log, and nothing is said without need."""

import pytest

from alcove_setup.console import Progress, describe_build, describe_pip, duration
from tests.packaging.setup_parts import Transcript


def test_without_a_terminal_a_line_every_half_minute() -> None:
    told = Transcript()
    progress = Progress(told.console, "Engine build", describe_build)
    for second in range(0, 76, 5):
        told.clock.now = second
        progress.feed(f"[{second + 1}/100] Building CXX object")
    progress.finish()
    assert told.text.splitlines() == [
        "  Engine build: step 31 of 100 (30 s)",
        "  Engine build: step 61 of 100 (1 min 0 s)",
        "  Engine build: done (1 min 15 s)",
    ]


def test_on_a_terminal_one_line_is_refreshed() -> None:
    told = Transcript(interactive=True)
    progress = Progress(told.console, "Dependencies", describe_pip)
    told.clock.now = 1
    progress.feed("  Downloading numpy-2.4.6-cp311-cp311-linux_x86_64.whl (16.9 MB)")
    told.clock.now = 2
    progress.feed("a line that says nothing")
    progress.finish()
    frames = [frame for frame in told.text.split("\r\x1b[K") if frame]
    assert frames == [
        "  Dependencies ...",
        "  Dependencies: downloading numpy (16.9 MB) (1 s)",
        "  Dependencies: downloading numpy (16.9 MB) (2 s)",
        "  Dependencies: done (2 s)\n",
    ]


def test_the_headline_comes_once_and_only_before_something() -> None:
    told = Transcript()
    console = told.console
    console.headline = "Setting up"
    console.clear()
    assert told.text == ""
    console.begin("a step ...")
    console.say("done")
    assert told.text == "Setting up\ndone\n"


@pytest.mark.parametrize(
    ("line", "note"),
    [
        (
            "  Downloading pyside6_essentials-6.11.3-cp310-abi3-x.whl (80.3 MB)",
            "downloading pyside6-essentials (80.3 MB)",
        ),
        ("  Downloading https://host/simple/ninja-1.13.2-py3-none-x.whl (10 kB)", "downloading ninja (10 kB)"),
        ("  Downloading rich-15.0.0-py3-none-any.whl.metadata (18 kB)", None),
        ("Installing collected packages: a, b", "installing"),
        ("Collecting rich==15.0.0", None),
    ],
)
def test_what_pip_is_doing(line: str, note: str | None) -> None:
    assert describe_pip(line) == note


@pytest.mark.parametrize(
    ("line", "note"),
    [("  [12/193] /usr/bin/c++ -O3", "step 12 of 193"), ("[ 27%] Building CXX object", "27 %"), ("-- Found Git", None)],
)
def test_how_far_a_build_is(line: str, note: str | None) -> None:
    assert describe_build(line) == note


def test_durations() -> None:
    assert [duration(0.4), duration(59), duration(314)] == ["0 s", "59 s", "5 min 14 s"]
