"""Counting cores, on made-up machines as Linux describes them, and on this one."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.backends.llama import cores
from app.backends.llama.cores import default_threads, linux_cores, performance_cores, time_quota


def describe(system: Path, siblings: Sequence[str], capacities: Sequence[int] = (), efficient: str = "") -> range:
    """Write a machine: for each logical processor those of its core; returns the processors."""
    for number, core in enumerate(siblings):
        folder = system / f"devices/system/cpu/cpu{number}"
        (folder / "topology").mkdir(parents=True)
        (folder / "topology/core_cpus_list").write_text(f"{core}\n")
        if capacities:
            (folder / "cpu_capacity").write_text(f"{capacities[number]}\n")
    if efficient:
        (system / "devices/cpu_atom").mkdir()
        (system / "devices/cpu_atom/cpus").write_text(f"{efficient}\n")
    return range(len(siblings))


def test_two_threads_of_a_core_count_once(tmp_path: Path) -> None:
    processors = describe(tmp_path, ["0,4", "1,5", "2,6", "3,7"] * 2)
    assert linux_cores(processors, tmp_path) == 4


def test_only_processors_that_may_be_used_count(tmp_path: Path) -> None:
    describe(tmp_path, ["0,4", "1,5", "2,6", "3,7"] * 2)
    assert linux_cores({0, 4, 1}, tmp_path) == 2


def test_efficiency_cores_are_left_out_by_intels_list(tmp_path: Path) -> None:
    processors = describe(tmp_path, ["0-1", "0-1", "2-3", "2-3", "4", "5", "6", "7"], efficient="4-5,6,7")
    assert linux_cores(processors, tmp_path) == 2


def test_efficiency_cores_are_left_out_by_capacity(tmp_path: Path) -> None:
    processors = describe(tmp_path, ["0", "1", "2", "3", "4", "5"], capacities=[1024, 1024, 980, 450, 450, 450])
    assert linux_cores(processors, tmp_path) == 3


def test_efficiency_cores_alone_are_better_than_none(tmp_path: Path) -> None:
    describe(tmp_path, ["0", "1", "2", "3"], capacities=[1024, 1024, 450, 450])
    assert linux_cores({2, 3}, tmp_path) == 2


def test_a_silent_kernel_says_nothing(tmp_path: Path) -> None:
    assert linux_cores({0, 1}, tmp_path) is None


@pytest.mark.parametrize(
    ("text", "processors"),
    [("200000 100000", 2), ("150000 100000", 2), ("10000 100000", 1), ("max 100000", None), ("", None), ("1 0", None)],
)
def test_a_containers_share_of_time(text: str, processors: int | None, tmp_path: Path) -> None:
    (tmp_path / "fs/cgroup").mkdir(parents=True)
    (tmp_path / "fs/cgroup/cpu.max").write_text(f"{text}\n")
    assert time_quota(tmp_path) == processors


def test_no_control_group_is_no_limit(tmp_path: Path) -> None:
    assert time_quota(tmp_path) is None


@pytest.mark.parametrize(("found", "threads"), [(1, 1), (2, 2), (4, 4), (5, 4), (8, 7), (16, 15)])
def test_one_core_is_left_where_there_are_many(found: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "performance_cores", lambda: found)
    assert default_threads() == threads


@pytest.mark.parametrize(("answer", "expected"), [(b"4\n", 4), (b"", 6), (None, 6)])
def test_a_mac_tells_its_fast_cores(answer: bytes | None, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_options: object) -> "subprocess.CompletedProcess[bytes]":
        if answer is None:
            raise OSError("no sysctl")
        return subprocess.CompletedProcess(command, 0, stdout=answer)

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(cores, "_counted", lambda _allowed: 6)
    assert performance_cores() == expected


def test_this_machine_has_some() -> None:
    assert 1 <= default_threads() <= (os.cpu_count() or 1)
