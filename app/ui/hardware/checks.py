"""What works here and what does not: faults first, each with its cure; what is well stays folded."""

from collections.abc import Iterator, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.protocol import Check, CheckState
from app.ui.hardware.builder import Builder
from app.ui.icons import icon
from app.ui.theme import theme_of
from app.ui.translate import Retranslated, language
from app.ui.widgets import Button, Card, Label, follow_theme
from app.words import text

_SIGNS = {
    CheckState.GOOD: ("circle-check", "good"),
    CheckState.WARN: ("triangle-alert", "warn"),
    CheckState.BAD: ("circle-x", "bad"),
}


class Checks(Retranslated, QWidget):
    """Shows the checks of the doctor."""

    def __init__(self) -> None:
        super().__init__()
        self._checks: Sequence[Check] = ()
        self._builder = Builder(self)
        self._faults, self._good = Card(), Card()
        self._fold = Button(kind="quiet", name="chevron-down")
        self._fold.clicked.connect(self._on_fold)
        self._good.hide()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(self._faults)
        self._column.addWidget(self._fold, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addWidget(self._good)
        follow_theme(self._restyle)

    def show_checks(self, checks: Sequence[Check]) -> None:
        """The worst first."""
        if checks != self._checks:
            self._checks = checks
            self._build()

    def retranslate(self) -> None:
        self._build()

    def _build(self) -> None:
        for card in (self._faults, self._good):
            card.clear()
        self._builder.build(self._lines())
        self._say_fold(sum(check.state is CheckState.GOOD for check in self._checks))

    def _lines(self) -> Iterator[None]:
        words = self._words()
        good = [check for check in self._checks if check.state is CheckState.GOOD]
        order = (CheckState.BAD, CheckState.WARN)
        faults = [check for state in order for check in self._checks if check.state is state]
        for card, checks in ((self._faults, faults), (self._good, good)):
            for check in checks:
                line = _CheckLine(check.state)
                line.set_words(text("check", check.code, check.values, language()), words[check.state])
                card.add_row(line)
                yield
        if not faults:
            line = _CheckLine(CheckState.GOOD)
            line.set_words(self.tr("Everything works."), words[CheckState.GOOD])
            self._faults.add_row(line)

    def _say_fold(self, count: int) -> None:
        shown = self._good.isVisibleTo(self)
        said = self.tr("Hide what is well") if shown else self.tr("What is well ({count})").format(count=count)
        self._fold.setText(said)
        self._fold.set_icon("chevron-up" if shown else "chevron-down")
        self._fold.setVisible(bool(count))

    def _on_fold(self) -> None:
        self._good.setVisible(not self._good.isVisibleTo(self))
        self._say_fold(sum(check.state is CheckState.GOOD for check in self._checks))

    def _words(self) -> dict[CheckState, str]:
        return {
            CheckState.GOOD: self.tr("Works"),
            CheckState.WARN: self.tr("Worth knowing"),
            CheckState.BAD: self.tr("Does not work"),
        }

    def _restyle(self) -> None:
        self._column.setSpacing(theme_of(self).px(4))


class _CheckLine(QWidget):
    """A sign with its word for those who do not see it, and what was found."""

    def __init__(self, state: CheckState) -> None:
        super().__init__()
        self._state = state
        self._sign, self._label = QLabel(), Label(wrap=True)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._row = QHBoxLayout(self)
        self._row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        self._row.addWidget(self._label, 1)
        follow_theme(self._restyle)

    def set_words(self, found: str, word: str) -> None:
        self._label.setText(found)
        self._sign.setAccessibleName(word)
        self._sign.setToolTip(word)

    def _restyle(self) -> None:
        theme = theme_of(self)
        name, colour = _SIGNS[self._state]
        self._sign.setPixmap(icon(name, theme.colour(colour)).pixmap(theme.px(18), theme.px(18)))
        self._row.setContentsMargins(theme.px(16), theme.px(10), theme.px(16), theme.px(10))
        self._row.setSpacing(theme.px(12))
