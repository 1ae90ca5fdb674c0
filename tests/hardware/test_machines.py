"""Every recorded machine is seen as it should be, and no machine is seen as more than it is."""

from pathlib import Path

import pytest

from app.hardware.machine import machine_from
from app.protocol import Machine
from tests.hardware.machines import machines
from tests.hardware.machines.recording import FOLDER, recorded

NAMES = sorted(file.parent.name for file in FOLDER.glob("*/machine.toml"))
EXPECTED = machines()


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_machine(name: str, tmp_path: Path) -> None:
    recording = recorded(name, tmp_path)
    assert machine_from(recording.answers, recording.root, recording.model_folder) == EXPECTED[name]


def test_every_machine_has_both_halves() -> None:
    assert len(NAMES) >= 25
    assert set(NAMES) == set(EXPECTED)


@pytest.mark.parametrize("machine", EXPECTED.values(), ids=EXPECTED)
def test_what_is_seen_is_sensible(machine: Machine) -> None:
    """Rules for all machines, so that a wrong recording cannot become the expectation unseen."""
    assert machine.ram_total is not None
    assert machine.ram_available is not None
    assert machine.ram_available <= machine.ram_total
    assert machine.performance_cores is not None
    assert machine.physical_cores is not None
    assert 1 <= machine.performance_cores <= machine.physical_cores <= (machine.logical_cores or 0)
    places = [device.pci_id for device in machine.devices if device.pci_id]
    assert len(places) == len(set(places)), "one card, once"
    for device in machine.devices:
        assert device.usable == bool(device.engine_name)
        if device.memory_total is not None:
            assert (device.memory_free or 0) <= device.memory_total
            assert (device.memory_shared or 0) <= device.memory_total
        if device.kind == "discrete":
            assert device.memory_shared == 0
        elif device.memory_total is not None and device.memory_free is not None:
            own = device.memory_total - (device.memory_shared or 0)
            assert device.memory_free <= own + machine.ram_available, "memory is not counted twice"
