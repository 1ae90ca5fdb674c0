"""What was found: memories as bars, facts, what is wrong, and what the loaded models take."""

from collections.abc import Callable, Iterator

from app.errors import AppError
from app.protocol import Check, Machine, MemorySample
from app.ui.client import Client
from app.ui.hardware.builder import Builder
from app.ui.hardware.checks import Checks
from app.ui.hardware.fact_row import FactRow
from app.ui.hardware.loaded import LoadedModels
from app.ui.hardware.machine_facts import device_facts, machine_facts
from app.ui.hardware.memory_row import MemoryRow
from app.ui.hardware.sampling import Sampling
from app.ui.hardware.shares import device_shares, ram_shares, sample_of
from app.ui.hardware.view import View
from app.ui.widgets import Card, Label, section_title


class MachineView(View):
    """Asks for the machine and its checks when told to, and for its memory every second while it is seen."""

    def __init__(self, client: Client, name_of: Callable[[str], str]) -> None:
        super().__init__()
        self._client = client
        self._machine: Machine | None = None
        self._sample = MemorySample()
        self._builder = Builder(self)
        self._waiting = Label(role="muted")
        self._memory, self._facts = Card(), Card()
        self._ram = MemoryRow()
        self._devices: list[MemoryRow] = []
        self._rows: list[FactRow] = []
        self._memory.add_row(self._ram)
        self.checks, self._loaded = Checks(), LoadedModels(name_of)
        self.sampling = Sampling(client, self)
        self.sampling.sampled.connect(self._on_sample)
        self._lay_out()
        self.retranslate()

    def fetch(self) -> None:
        self._waiting.setVisible(self._machine is None)
        self._client.get("/api/hardware", Machine, self._on_machine, self._on_error)
        self._client.get("/api/doctor", list[Check], self._on_checks, self._on_error)

    def retranslate(self) -> None:
        self._waiting.setText(self.tr("Looking at the machine…"))
        self._titles[0].setText(self.tr("Memory"))
        self._titles[1].setText(self.tr("What works here"))
        self._titles[2].setText(self.tr("Models in memory"))
        self._titles[3].setText(self.tr("What was found"))
        self._show_machine()

    def facts(self) -> list[tuple[str, str]]:
        """Name and value of everything known; what is not known says so."""
        return [] if self._machine is None else machine_facts(self._machine)

    def _lay_out(self) -> None:
        self.column.addWidget(self._waiting)
        self._titles = []
        for widget in (self._memory, self.checks, self._loaded, self._facts):
            self._titles.append(section_title(self.column))
            self.column.addWidget(widget)
        self.checks.hide()
        self._titles[1].hide()

    def _show_machine(self) -> None:
        machine = self._machine
        for widget in (self._facts, self._titles[3]):
            widget.setVisible(machine is not None)
        self._ram.set_words(self.tr("Main memory"))
        if machine is not None:
            self._builder.build(self._parts(machine))

    def _parts(self, machine: Machine) -> Iterator[None]:
        while len(self._devices) < len(machine.devices):
            row_of_device = MemoryRow()
            self._devices.append(row_of_device)
            self._memory.add_row(row_of_device)
            yield
        for place, each in enumerate(self._devices):
            each.setVisible(place < len(machine.devices))
            if place < len(machine.devices):
                each.set_words(machine.devices[place].name, device_facts(machine.devices[place]))
        self._show_sample()
        yield
        yield from self._fact_rows(machine_facts(machine))

    def _fact_rows(self, facts: list[tuple[str, str]]) -> Iterator[None]:
        """In the rows there are; a language or a new fact does not build them anew."""
        if len(self._rows) > len(facts):
            self._facts.clear()
            self._rows.clear()
        for place, (name, value) in enumerate(facts):
            if place == len(self._rows):
                self._rows.append(FactRow())
                self._facts.add_row(self._rows[-1])
            self._rows[place].set_words(name, value)
            yield

    def _show_sample(self) -> None:
        """The memory of this moment; before the first sample, what was found."""
        machine, sample = self._machine, self._sample
        if machine is not None and sample.ram_total is None:
            sample = MemorySample(ram_total=machine.ram_total, ram_available=machine.ram_available)
        self._ram.show_shares(ram_shares(sample))
        for row, device in zip(self._devices, machine.devices if machine is not None else (), strict=False):
            row.show_shares(device_shares(device, sample_of(device, self._sample)))
        self._loaded.show_loaded(self._sample.loaded)

    def _on_machine(self, machine: Machine) -> None:
        self._waiting.hide()
        self.clear_error()
        if machine != self._machine:
            self._machine = machine
            self._show_machine()

    def _on_checks(self, checks: list[Check]) -> None:
        self.checks.show_checks(checks)
        self.checks.show()
        self._titles[1].show()

    def _on_sample(self, sample: MemorySample) -> None:
        self._sample = sample
        self._show_sample()

    def _on_error(self, error: AppError) -> None:
        self._waiting.hide()
        self.show_error(error)
