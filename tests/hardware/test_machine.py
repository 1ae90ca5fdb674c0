"""The machine as Alcove sees it: on this one for real, and on the texts of others."""

import os
from pathlib import Path

import psutil
import pynvml  # type: ignore[import-untyped]
import pytest

from app.hardware import nvidia
from app.hardware.machine import cpu_name_in, detect, disk_free, enriched
from app.protocol import Device

ARM = "processor\t: 0\nBogoMIPS\t: 108.00\nCPU part\t: 0xd0b\n\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n"
INTEL = "processor\t: 0\nmodel\t\t: 142\nmodel name\t: Intel(R)  Core(TM) i7-8565U CPU @ 1.80GHz\n"


def test_this_machine(tmp_path: Path) -> None:
    card = Device(name="Some card", memory_total=5)
    machine = detect(tmp_path, [card])
    assert machine.os
    assert machine.logical_cores == os.cpu_count()
    assert machine.ram_total is not None
    assert 0 < machine.ram_total <= psutil.virtual_memory().total
    assert machine.ram_available is not None
    assert 0 <= machine.ram_available <= machine.ram_total
    assert machine.disk_free is not None
    assert machine.devices == (card,)


def test_disk_space_of_a_folder_that_is_still_to_be_made(tmp_path: Path) -> None:
    assert disk_free(tmp_path / "not" / "yet") is not None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (INTEL, "Intel(R) Core(TM) i7-8565U CPU @ 1.80GHz"),
        (ARM, "Raspberry Pi 5 Model B Rev 1.0"),
        ("", None),
        ("garbage\n:\n", None),
    ],
)
def test_names_of_processors(text: str, name: str | None) -> None:
    assert cpu_name_in(text) == name


def test_the_driver_fills_in_what_the_engine_does_not_know() -> None:
    engine = (Device(name="NVIDIA X", backend="CUDA", memory_free=3), Device(name="Other"))
    driver = (Device(name="nvidia x", kind="discrete", memory_total=10, memory_free=9),)
    assert enriched(engine, driver) == (
        Device(name="NVIDIA X", kind="discrete", backend="CUDA", memory_total=10, memory_free=3),
        Device(name="Other"),
    )


def test_no_driver_means_no_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", missing)
    assert nvidia.nvidia_devices() == ()
