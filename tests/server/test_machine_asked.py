"""The shelf asks engine and drivers once for many questions, and a fault is an answer like any other."""

from pathlib import Path

import pytest

from app.backends.probe import EngineDevice, EngineReport
from app.errors import AppError
from app.hardware.detection.answers import DriverAnswers, NvmlAnswers, NvmlCard
from app.server import shelf
from app.server.preferences import Preferences
from app.server.shelf import Shelf
from tests.processes import paths_of

GIB = 1024**3
CARD = EngineDevice(
    name="CUDA0",
    description="NVIDIA X",
    kind="discrete",
    memory_free=7 * GIB,
    memory_total=8 * GIB,
    device_id="0000:01:00.0",
)


class Probes:
    """Stand for the probe processes, and count how often they are started."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fault: AppError | None = None) -> None:
        self.engine = self.driver = 0
        self._fault = fault
        monkeypatch.setattr(shelf, "probe_engine", self._probe_engine)
        monkeypatch.setattr(shelf, "probe_drivers", self._probe_drivers)

    async def _probe_engine(self) -> EngineReport:
        self.engine += 1
        if self._fault is not None:
            raise self._fault
        return EngineReport(version="1", llama_version="2", devices=(CARD,))

    async def _probe_drivers(self) -> DriverAnswers:
        self.driver += 1
        card = NvmlCard(name="NVIDIA X", pci_id="0000:01:00.0", memory_total=8 * GIB, memory_free=6 * GIB)
        return DriverAnswers(nvml=NvmlAnswers(driver="550", cards=(card,)))


async def test_what_engine_and_driver_say_is_put_together(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probes, here = Probes(monkeypatch), Shelf(Preferences(paths_of(home)))
    machines = [await here.machine() for _ in range(3)]
    (card,) = machines[0].usable_devices
    assert (card.engine_name, card.driver, card.memory_free) == ("CUDA0", "550", 6 * GIB)
    assert (probes.engine, probes.driver) == (1, 1)


async def test_an_engine_that_hangs_is_not_waited_for_twice(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probes = Probes(monkeypatch, AppError("engine_missing", reason="it did not answer within 6 seconds"))
    here = Shelf(Preferences(paths_of(home)))
    for _ in range(2):
        with pytest.raises(AppError):
            await here.report()
    assert probes.engine == 1
    assert [card.usable for card in (await here.machine()).devices if card.vendor == "nvidia"] == [False]
