"""This computer: what Alcove sees of it, what to run on it, and how fast that is."""

from collections.abc import Iterator
from importlib import import_module

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from app.ui.client import Client
from app.ui.hardware.builder import Builder
from app.ui.hardware.tabs import Tabs
from app.ui.hardware.view import View
from app.ui.library import Library
from app.ui.measuring import Measuring
from app.ui.widgets import IconButton, Page

MACHINE, ADVICE, SPEED = range(3)
"""The parts, in the order of their tabs."""


class HardwarePage(Page):
    """Three parts, each made when it is first wanted, each asking the backend anew when it comes to the front."""

    settings_wanted = Signal()

    def __init__(self, client: Client, library: Library, measuring: Measuring, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._client, self._library, self._measuring = client, library, measuring
        self._views: dict[int, View] = {}
        self._front = MACHINE
        self._builder = Builder(self)
        self.tabs = Tabs(3)
        self._again = IconButton("refresh-cw", "", size=32)
        self.corner.addWidget(self._again)
        self.body.addWidget(self.tabs)
        self._again.clicked.connect(self._on_again)
        self.tabs.chosen.connect(self.show_part)
        self.retranslate()

    @property
    def view(self) -> View:
        """The part in front."""
        if self._front not in self._views:
            self._views[self._front] = self._make(self._front)
            self.body.addWidget(self._views[self._front])
        return self._views[self._front]

    def show_part(self, part: int) -> None:
        """Bring a part to the front: MACHINE, ADVICE or SPEED."""
        self._front = part
        self.tabs.show_tab(part)
        front = self.view
        for each in self._views.values():
            each.setVisible(each is front)
        front.fetch()

    def retranslate(self) -> None:
        self.title.setText(self.tr("This computer"))
        self.sentence.setText(self.tr("What Alcove sees of your machine. Nothing of this leaves it."))
        self.tabs.set_names([self.tr("The machine"), self.tr("What to run"), self.tr("Speed")])
        self._again.set_label(self.tr("Look again"))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.show_part(self._front)
        self._builder.build(self._imports())

    def _imports(self) -> Iterator[None]:
        """The other tabs open sooner when their code is there."""
        for name in ("advice_view", "speed_view"):
            yield
            import_module(f"app.ui.hardware.{name}")

    def _on_again(self) -> None:
        self.view.fetch()

    def _make(self, part: int) -> View:
        """Parts are imported when they are made: the page stands at once."""
        if part == MACHINE:
            from app.ui.hardware.machine_view import MachineView  # noqa: PLC0415

            return MachineView(self._client, self._name_of)
        if part == SPEED:
            from app.ui.hardware.speed_view import SpeedView  # noqa: PLC0415

            return SpeedView(self._client, self._measuring, self._library)
        from app.ui.hardware.advice_view import AdviceView  # noqa: PLC0415

        advice = AdviceView(self._client)
        advice.settings_wanted.connect(self.settings_wanted)
        return advice

    def _name_of(self, model_id: str) -> str:
        """A model's name in the library; its id where it is not there (any more)."""
        return next((entry.name for entry in self._library.entries if entry.id == model_id), model_id)
