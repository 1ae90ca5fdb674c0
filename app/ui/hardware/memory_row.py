"""One memory: its name, how much there is, and a bar of ours, others' and free."""

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.format import memory_size
from app.ui.hardware.bar import Bar, Legend, Piece, Tone
from app.ui.hardware.shares import Shares
from app.ui.theme import SMALL, theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import Label, follow_theme

OURS, OTHERS = Tone("accent"), Tone("muted", 0.55)


class MemoryRow(Retranslated, QWidget):
    """Changed in place at every sample. `facts` stand muted under the name, where there are any."""

    def __init__(self) -> None:
        super().__init__()
        self._shares = Shares()
        self.name, self._whole = Label(bold=True, wrap=True), Label(role="muted")
        self._facts = Label(role="muted", scale=SMALL, wrap=True)
        self._facts.hide()
        self.bar, self._legend = Bar(), Legend()
        self._head = QHBoxLayout()
        self._head.addWidget(self.name, 1)
        self._head.addWidget(self._whole)
        self._column = QVBoxLayout(self)
        self._column.addLayout(self._head)
        for widget in (self._facts, self.bar, self._legend):
            self._column.addWidget(widget)
        follow_theme(self._restyle)

    def set_words(self, name: str, facts: str = "") -> None:
        self.name.setText(name)
        self._facts.setText(facts)
        self._facts.setVisible(bool(facts))
        self._show()

    def show_shares(self, shares: Shares) -> None:
        """The memory of this moment."""
        if shares != self._shares:
            self._shares = shares
            self._show()

    def retranslate(self) -> None:
        self._show()

    def _show(self) -> None:
        shares = self._shares
        total = self.tr("unknown") if shares.total is None else memory_size(shares.total)
        self._whole.setText(total)
        pieces = self._pieces()
        self._legend.show_pieces(pieces)
        self._legend.setVisible(bool(pieces))
        drawn = shares.total is not None and shares.free is not None
        self.bar.setVisible(drawn)
        if shares.total is not None:
            words = self.tr("{name}, {total} in all").format(name=self.name.text(), total=total)
            self.bar.show_pieces(pieces, shares.total, ": ".join([words, ", ".join(piece.words for piece in pieces)]))

    def _pieces(self) -> list[Piece]:
        shares = self._shares
        others = self.tr("other programs {size}") if shares.ours is not None else self.tr("taken {size}")
        known = (
            (shares.ours, self.tr("Alcove {size}"), OURS),
            (shares.others, others, OTHERS),
            (shares.free, self.tr("free {size}"), None),
        )
        return [
            Piece(size, words.format(size=memory_size(size)), tone) for size, words, tone in known if size is not None
        ]

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._column.setContentsMargins(theme.px(16), theme.px(12), theme.px(16), theme.px(12))
        self._column.setSpacing(theme.px(6))
        self._head.setSpacing(theme.px(12))
        self._whole.setFont(theme.number_font())
