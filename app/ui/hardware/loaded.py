"""The models in memory: what each part of them was to take, and what it takes."""

from collections.abc import Callable, Iterator, Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.format import memory_size
from app.protocol import LoadedMemory, MemoryUse
from app.ui.hardware.bar import Bar
from app.ui.hardware.builder import Builder
from app.ui.hardware.parts import PARTS, device_name, paired, part_name, pieces, sizes
from app.ui.hardware.table import Table
from app.ui.theme import theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import Card, Label, follow_theme


class LoadedModels(Retranslated, QWidget):
    """Changed in place at every sample. `name_of` gives a model's name for its id."""

    def __init__(self, name_of: Callable[[str], str]) -> None:
        super().__init__()
        self._name_of = name_of
        self._loaded: Sequence[LoadedMemory] = ()
        self._cards: list[LoadedCard] = []
        self._builder = Builder(self)
        self._none = Label(role="muted", wrap=True)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(self._none)
        self.retranslate()
        follow_theme(self._restyle)

    def show_loaded(self, loaded: Sequence[LoadedMemory]) -> None:
        """The models of this moment."""
        if loaded != self._loaded:
            self._loaded = loaded
            self._show()

    def retranslate(self) -> None:
        self._none.setText(self.tr("No model is in memory."))
        self._show()

    def _show(self) -> None:
        for card in self._cards[len(self._loaded) :]:
            card.hide()
        self._none.setVisible(not self._loaded)
        self._builder.build(self._show_cards())

    def _show_cards(self) -> Iterator[None]:
        for place, one in enumerate(self._loaded):
            if place == len(self._cards):
                self._cards.append(LoadedCard())
                self._column.addWidget(self._cards[place])
            self._cards[place].show_memory(self._name_of(one.model), one)
            self._cards[place].show()
            yield

    def _restyle(self) -> None:
        self._column.setSpacing(theme_of(self).px(8))


class LoadedCard(Card):
    """One model: a bar of its parts on each device, and a table of prediction beside measurement."""

    def __init__(self) -> None:
        super().__init__()
        self._name = Label(bold=True, wrap=True)
        self._devices: list[_DeviceUse] = []
        self._head = QWidget()
        self._frame = QVBoxLayout(self._head)
        self._frame.addWidget(self._name)
        self.add_row(self._head)
        follow_theme(self._restyle)

    def show_memory(self, name: str, memory: LoadedMemory) -> None:
        """Say what was predicted and measured, each part of each device."""
        self._name.setText(name)
        uses = paired(memory.predicted, memory.measured)
        while len(self._devices) < len(uses):
            device = _DeviceUse()
            self._devices.append(device)
            self.add_row(device)
        for place, device in enumerate(self._devices):
            device.setVisible(place < len(uses))
            if place < len(uses):
                device.show_use(*uses[place])

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._frame.setContentsMargins(theme.px(16), theme.px(12), theme.px(16), theme.px(8))


class _DeviceUse(Retranslated, QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._use: tuple[MemoryUse, MemoryUse] | None = None
        self._bar, self._table = Bar(), Table(1, 3)
        self._inset = QVBoxLayout()
        self._inset.addWidget(self._bar)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._inset)
        column.addWidget(self._table)
        follow_theme(self._restyle)

    def show_use(self, predicted: MemoryUse, measured: MemoryUse) -> None:
        if (predicted, measured) != self._use:
            self._use = (predicted, measured)
            self.retranslate()

    def retranslate(self) -> None:
        if self._use is None:
            return
        predicted, measured = self._use
        name = device_name(predicted.device)
        self._table.set_head([name, self.tr("predicted"), self.tr("measured"), self.tr("off by")])
        said, found = sizes(predicted), sizes(measured)
        rows = [_row(part_name(part), said[part], found[part]) for part in PARTS if said[part] or found[part]]
        rows.append(_row(part_name("total"), predicted.total, measured.total))
        self._table.set_rows(rows)
        drawn = measured if measured.total else predicted
        parts = pieces(drawn)
        whole = max(predicted.total, measured.total)
        self._bar.show_pieces(parts, whole, f"{name}: {', '.join(part.words for part in parts)}", predicted.total)

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._inset.setContentsMargins(theme.px(16), theme.px(12), theme.px(16), 0)


def _row(name: str, predicted: int, measured: int) -> tuple[str, ...]:
    return name, memory_size(predicted), memory_size(measured), off_by(predicted, measured)


def off_by(predicted: float | None, measured: float) -> str:
    """How far a prediction was off, as a share of what was measured: "+3 %"; empty where there is nothing to say."""
    if predicted is None or measured <= 0:
        return ""
    percent = round((predicted / measured - 1) * 100)
    return f"{percent:+d} %".replace("-", "−") if percent else "0 %"
