"""The machine as Alcove sees it: on this one for real; the recorded ones are in test_machines.py."""

import os
from pathlib import Path

import psutil

from app.hardware.detection.answers import Answers
from app.hardware.machine import detect, operating_system
from app.protocol import Device


def test_this_machine(tmp_path: Path) -> None:
    card = Device(name="Some card", backend="Vulkan", engine_name="Vulkan0", memory_total=5, sources=("ggml",))
    machine = detect(tmp_path, [card])
    assert machine.os
    assert machine.cpu_name
    assert machine.logical_cores == os.cpu_count()
    assert machine.physical_cores is not None
    assert machine.performance_cores is not None
    assert 1 <= machine.performance_cores <= machine.physical_cores
    assert machine.ram_total is not None
    assert 0 < machine.ram_total <= psutil.virtual_memory().total
    assert machine.ram_available is not None
    assert 0 <= machine.ram_available <= machine.ram_total
    assert machine.disk_free is not None
    assert machine.disks[0].path == str(tmp_path)
    assert [device.name for device in machine.usable_devices] == ["Some card"]


def test_its_memory_is_measured_and_the_best_remembered(tmp_path: Path) -> None:
    found = [detect(tmp_path, cache=tmp_path).ram_bandwidth for _ in range(4)]
    assert found[2] == found[3] == max(filter(None, found), default=None)


def test_the_name_of_the_system(tmp_path: Path) -> None:
    linux = Answers(platform="linux", os_name="Linux 6.1")
    assert operating_system(linux, tmp_path) == "Linux 6.1"
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text('ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    assert operating_system(linux, tmp_path) == "Debian GNU/Linux 12 (bookworm)"
    assert operating_system(Answers(platform="win32", os_name="Windows 11"), tmp_path) == "Windows 11"
