"""This computer: what Alcove sees of it, and what works."""

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.errors import AppError
from app.format import memory_size
from app.protocol import Check, CheckState, Device, Machine
from app.ui.client import Client
from app.ui.icons import icon
from app.ui.theme import theme_of
from app.ui.translate import language
from app.ui.widgets import Card, ErrorCard, IconButton, Label, Page, follow_theme, section_title
from app.words import text

_SIGNS = {
    CheckState.GOOD: ("circle-check", "good"),
    CheckState.WARN: ("triangle-alert", "warn"),
    CheckState.BAD: ("circle-x", "bad"),
}


class HardwarePage(Page):
    """Asks the backend for the machine and its checks each time it is shown."""

    def __init__(self, client: Client, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._machine: Machine | None = None
        self._checks: list[Check] = []
        self._again = IconButton("refresh-cw", "", size=32)
        self._again.clicked.connect(self.fetch)
        self.corner.addWidget(self._again)
        self._facts, self._list = Card(), Card()
        self._waiting = Label(role="muted")
        self._error: ErrorCard | None = None
        self.body.addWidget(self._waiting)
        self.body.addWidget(self._facts)
        self._works = section_title(self.body)
        self.body.addWidget(self._list)
        self.retranslate()

    def fetch(self) -> None:
        """Look again."""
        self._waiting.setVisible(self._machine is None)
        self._client.get("/api/hardware", Machine, self._on_machine, self._on_error)
        self._client.get("/api/doctor", list[Check], self._on_checks, self._on_error)

    def retranslate(self) -> None:
        self.title.setText(self.tr("This computer"))
        self.sentence.setText(self.tr("What Alcove sees of your machine. Nothing of this leaves it."))
        self._waiting.setText(self.tr("Looking at the machine…"))
        self._works.setText(self.tr("What works here"))
        self._again.set_label(self.tr("Look again"))
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.fetch()

    def facts(self) -> list[tuple[str, str]]:
        """Name and value of everything known; what is not known says so."""
        machine = self._machine
        if machine is None:
            return []
        unknown = self.tr("unknown")
        pairs = [
            (self.tr("Operating system"), machine.os),
            (self.tr("Processor"), machine.cpu_name or unknown),
            (self.tr("Cores"), self._cores(machine) or unknown),
            (self.tr("Memory"), self._of(machine.ram_available, machine.ram_total)),
            (self.tr("Disk of the model folder"), self._free(machine.disk_free)),
        ]
        if not machine.devices:
            pairs.append((self.tr("Graphics card"), self.tr("none the engine can use")))
        return pairs + [(self.tr("Graphics card"), self._device(each)) for each in machine.devices]

    def _cores(self, machine: Machine) -> str:
        if machine.physical_cores and machine.logical_cores:
            words = self.tr("{physical} cores, {logical} threads")
            return words.format(physical=machine.physical_cores, logical=machine.logical_cores)
        return str(machine.logical_cores or machine.physical_cores or "")

    def _of(self, free: int | None, total: int | None) -> str:
        if total is None:
            return self.tr("unknown") if free is None else self._free(free)
        if free is None:
            return memory_size(total)
        return self.tr("{free} of {total} free").format(free=memory_size(free), total=memory_size(total))

    def _free(self, size: int | None) -> str:
        return self.tr("unknown") if size is None else self.tr("{free} free").format(free=memory_size(size))

    def _device(self, device: Device) -> str:
        memory = self._of(device.memory_free, device.memory_total)
        return "  ·  ".join(part for part in (device.name, device.backend, memory) if part)

    def _on_machine(self, machine: Machine) -> None:
        self._machine = machine
        self._show()

    def _on_checks(self, checks: list[Check]) -> None:
        self._checks = checks
        self._show()

    def _on_error(self, error: AppError) -> None:
        if self._error is None:
            self._error = ErrorCard(error)
            self._error.acted.connect(self.fetch)
            self.body.insertWidget(0, self._error)
        self._error.show_error(error, self.tr("Try again"))
        self._error.show()
        self._waiting.hide()

    def _show(self) -> None:
        if self._machine is not None:
            self._waiting.hide()
            if self._error is not None:
                self._error.hide()
        self._facts.setVisible(self._machine is not None)
        self._facts.clear()
        for name, value in self.facts():
            self._facts.add_row(_Line(Label(name, role="muted"), Label(value, wrap=True)))
        for widget in (self._works, self._list):
            widget.setVisible(bool(self._checks))
        self._list.clear()
        for check in self._checks:
            self._list.add_row(_CheckLine(check, self._signs()[check.state]))

    def _signs(self) -> dict[CheckState, str]:
        return {
            CheckState.GOOD: self.tr("Works"),
            CheckState.WARN: self.tr("Worth knowing"),
            CheckState.BAD: self.tr("Does not work"),
        }


class _Line(QWidget):
    """A name at the left, a value at the right of it."""

    def __init__(self, name: Label, value: Label) -> None:
        super().__init__()
        self._name = name
        self._row = QHBoxLayout(self)
        self._row.addWidget(name)
        self._row.addWidget(value, 1)
        follow_theme(self._restyle)

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._name.setFixedWidth(theme.px(176))
        self._row.setContentsMargins(theme.px(16), theme.px(10), theme.px(16), theme.px(10))
        self._row.setSpacing(theme.px(16))


class _CheckLine(QWidget):
    """A sign with its word for those who do not see it, and what was found."""

    def __init__(self, check: Check, word: str) -> None:
        super().__init__()
        self._state = check.state
        self._sign = QLabel()
        self._sign.setAccessibleName(word)
        self._sign.setToolTip(word)
        self._row = QHBoxLayout(self)
        self._row.addWidget(self._sign)
        self._row.addWidget(Label(text("check", check.code, check.values, language()), wrap=True), 1)
        follow_theme(self._restyle)

    def _restyle(self) -> None:
        theme = theme_of(self)
        name, colour = _SIGNS[self._state]
        self._sign.setPixmap(icon(name, theme.colour(colour)).pixmap(theme.px(18), theme.px(18)))
        self._row.setContentsMargins(theme.px(16), theme.px(10), theme.px(16), theme.px(10))
        self._row.setSpacing(theme.px(12))
