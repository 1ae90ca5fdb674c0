"""What a plan takes of each memory, part by part, with a tick at what may be taken at most."""

from collections.abc import Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.protocol import MemoryUse
from app.ui.hardware.advice_words import use_said
from app.ui.hardware.bar import Bar, Legend
from app.ui.hardware.parts import pieces
from app.ui.theme import SMALL, theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import Label, follow_theme


class PlanBars(Retranslated, QWidget):
    """A line of words and a bar for each device that is used; `legend` names the parts too."""

    def __init__(self, memory: Sequence[MemoryUse], *, legend: bool) -> None:
        super().__init__()
        self._memory = [use for use in memory if use.total]
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._lines: list[tuple[Label, Bar, Legend | None]] = []
        for _ in self._memory:
            line = (Label(role="muted", scale=SMALL, wrap=True), Bar(), Legend() if legend else None)
            for widget in line:
                if widget is not None:
                    self._column.addWidget(widget)
            self._lines.append(line)
        self.retranslate()
        follow_theme(self._restyle)

    def retranslate(self) -> None:
        for use, (label, bar, legend) in zip(self._memory, self._lines, strict=True):
            parts, said = pieces(use), use_said(use)
            label.setText(said)
            whole = max(use.total, use.free or 0)
            limit = None if use.free is None else use.free - use.reserve
            bar.show_pieces(parts, whole, f"{said} ({', '.join(part.words for part in parts)})", limit)
            if legend is not None:
                legend.show_pieces(parts)

    def _restyle(self) -> None:
        self._column.setSpacing(theme_of(self).px(4))
