"""Asking the machine: this one for real, and a Mac's tools by what they print."""

import os
import sys
from pathlib import Path

import pytest

from app.hardware.detection import asking
from app.hardware.detection.answers import Answers, DiskAnswer, DriverAnswers
from app.hardware.machine import machine_from
from app.protocol import Device

GIB = 1024**3
MAC = {
    "/usr/sbin/sysctl": (
        "machdep.cpu.brand_string: Apple M2 Max\nhw.memsize: 68719476736\nhw.physicalcpu: 12\nhw.logicalcpu: 12\n"
        "hw.perflevel0.physicalcpu: 8\nhw.perflevel0.l2cachesize: 33554432\niogpu.wired_limit_mb: 0\n"
        "hw.optional.AdvSIMD: 1\nhw.optional.arm.FEAT_DotProd: 1\nhw.optional.arm.FEAT_I8MM: 1\n"
    ),
    "/usr/sbin/ioreg": '+-o AGXAcceleratorG14C\n  "model" = "Apple M2 Max"\n  "gpu-core-count" = 38\n',
    "/sbin/mount": "/dev/disk3s1s1 on / (apfs, sealed, local)\n",
    "vm_stat": (
        "Mach Virtual Memory Statistics: (page size of 16384 bytes)\nPages free: 1000000.\nPages inactive: 500000.\n"
    ),
}


def test_this_machine_answers(tmp_path: Path) -> None:
    card = Device(name="Card")
    answers = asking.ask(tmp_path, [card], DriverAnswers())
    assert answers.platform == sys.platform
    assert answers.engine == (card,)
    assert answers.own_pids[0] == os.getpid()
    assert answers.memory_total is not None
    assert answers.memory_available is not None
    assert 0 < answers.memory_available <= answers.memory_total
    assert answers.disk.free is not None


def test_a_mac_by_what_its_tools_print(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(asking, "_said", lambda command: MAC[command[0]])
    common = Answers(platform="linux", architecture="arm64", disk=DiskAnswer(total=10**12, free=10**11))
    answers = asking._mac(common, Path("/Users/kim/models"))
    assert answers.disk == DiskAnswer(total=10**12, free=10**11, kind="ssd")
    machine = machine_from(answers, tmp_path, Path("/Users/kim/models"))
    assert (machine.cpu_name, machine.physical_cores, machine.performance_cores) == ("Apple M2 Max", 12, 8)
    assert (machine.ram_total, machine.ram_available) == (64 * GIB, 1_500_000 * 16384)
    assert machine.cpu_features == ("neon", "dotprod", "i8mm")
    (gpu,) = machine.devices
    assert (gpu.kind, gpu.memory_total, gpu.usable) == ("unified", 48 * GIB, False)
    assert gpu.bandwidth == pytest.approx(400e9)
    assert gpu.compute == pytest.approx(13.6e12), "the version with 38 cores"


def test_tools_that_are_not_there_or_hang_say_nothing() -> None:
    assert asking._said(["no-such-tool-of-any-system"]) == ""
    assert asking._said([sys.executable, "-c", "print('x' * 3)"]).strip() == "xxx"
    assert asking.vm_stat() is None or sys.platform == "darwin"
