"""A small table: a heading and rows of words, columns of figures at the right with figures of one width."""

from collections.abc import Iterator, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from app.ui.hardware.builder import Builder
from app.ui.theme import SMALL, theme_of
from app.ui.widgets import Label, follow_theme

_FAST = "\N{NO-BREAK SPACE}"
_AT_ONCE = 4
"""New lines in one turn of the event loop."""


class Table(QWidget):
    """`figures` counts the columns of figures; the others are before them. Rows are changed in place."""

    def __init__(self, words: int, figures: int) -> None:
        super().__init__()
        self._words, self._columns = words, words + figures
        self._grid = QGridLayout(self)
        self._grid.setColumnStretch(0, 1)
        self._head = [self._cell(0, column, "muted") for column in range(self._columns)]
        self._rows: list[list[Label]] = []
        self._shown = 0
        self._builder = Builder(self)
        follow_theme(self._restyle)

    @property
    def rows(self) -> list[list[str]]:
        """What stands in it."""
        return [[cell.text().replace(_FAST, " ") for cell in row] for row in self._rows[: self._shown]]

    def set_head(self, words: Sequence[str]) -> None:
        for cell, text in zip(self._head, words, strict=True):
            cell.setText(text)

    def set_rows(self, rows: Sequence[Sequence[str]]) -> None:
        """Show these and no others: at once where there are lines for them, the rest a few in each turn."""
        self._show(rows[: len(self._rows)])
        self._builder.build(self._grow(rows))

    def _grow(self, rows: Sequence[Sequence[str]]) -> Iterator[None]:
        while self._shown < len(rows):
            self._show(rows[: self._shown + _AT_ONCE])
            yield

    def _show(self, rows: Sequence[Sequence[str]]) -> None:
        self._grid.setEnabled(False)  # else every cell that appears lays out the whole page
        while len(self._rows) < len(rows):
            self._rows.append(self._line(len(self._rows) + 1))
        self._shown = len(rows)
        for place, cells in enumerate(self._rows):
            for column, cell in enumerate(cells):
                cell.setVisible(place < self._shown)
                if place < self._shown:
                    self._say(cell, column, rows[place][column])
        self._grid.setEnabled(True)

    def _line(self, line: int) -> list[Label]:
        cells = [self._cell(line, column) for column in range(self._columns)]
        font = theme_of(self).number_font(SMALL)
        for cell in cells[self._words :]:
            cell.setFont(font)
        return cells

    def _say(self, cell: Label, column: int, text: str) -> None:
        """A figure and its unit stay on one line; before a bracket there may be a break."""
        said = text if column < self._words else text.replace(" ", _FAST).replace(f"{_FAST}(", " (")
        if cell.text() != said:
            cell.setText(said)

    def _cell(self, line: int, column: int, role: str = "") -> Label:
        label = Label(role=role, scale=SMALL, wrap=True)
        if column >= self._words:
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        else:
            label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(label, line, column)
        return label

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._grid.setContentsMargins(theme.px(16), theme.px(12), theme.px(16), theme.px(12))
        self._grid.setHorizontalSpacing(theme.px(16))
        self._grid.setVerticalSpacing(theme.px(6))
        font = theme.number_font(SMALL)
        for row in self._rows:
            for cell in row[self._words :]:
                cell.setFont(font)
