"""What to run: picks as cards, the ranked list, what is not worth it, and what one change would unlock."""

from collections.abc import Iterator

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.errors import AppError
from app.protocol import Advice
from app.ui.client import Call, Client
from app.ui.hardware.advice_words import picks, reasons_said
from app.ui.hardware.builder import Builder
from app.ui.hardware.pick_card import PickCard
from app.ui.hardware.question import Question
from app.ui.hardware.ranked_row import RankedRow
from app.ui.hardware.sentences import Sentences
from app.ui.hardware.view import View
from app.ui.widgets import Card, EmptyState, Label, section_title


class AdviceView(View):
    """Asks anew when it is shown and whenever the question changes. Cards and rows come one in each turn."""

    settings_wanted = Signal()

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._call: Call | None = None
        self._advice: Advice | None = None
        self._cards: list[PickCard] = []
        self._builder = Builder(self)
        self.question = Question()
        self.question.asked.connect(self.fetch)
        self._waiting, self._assumed = Label(role="muted", wrap=True), Label(role="muted", wrap=True)
        self._nothing = EmptyState("monitor")
        self._nothing.acted.connect(self.settings_wanted)
        self._ranked = Card()
        self._not_worth, self._unlock = Sentences(), Sentences()
        self._lay_out()
        self.retranslate()
        self._show()

    def fetch(self) -> None:
        if self._call is not None:
            self._call.abort()
        self._waiting.setVisible(True)
        self._call = self._client.get(self.question.path, list[Advice], self._on_advice, self._on_error)

    def retranslate(self) -> None:
        self._waiting.setText(self.tr("Working it out…"))
        self._titles[0].setText(self.tr("All that run here, best first"))
        self._titles[1].setText(self.tr("Not worth the trouble here"))
        self._titles[2].setText(self.tr("What one change would make possible"))
        self._show()

    def _lay_out(self) -> None:
        for top in (self.question, self._waiting, self._assumed, self._nothing):
            self.column.addWidget(top)
        self._waiting.hide()
        self._titles: list[Label] = []
        self._parts: tuple[Card, ...] = (self._ranked, self._not_worth, self._unlock)
        for widget in self._parts:
            self._titles.append(section_title(self.column))
            self.column.addWidget(widget)

    def _on_advice(self, advice: list[Advice]) -> None:
        self._call = None
        self._waiting.hide()
        self.clear_error()
        new = advice[0] if advice else None
        if new != self._advice:
            self._advice = new
            self._show()

    def _on_error(self, error: AppError) -> None:
        self._call = None
        self._waiting.hide()
        self.show_error(error)

    def _show(self) -> None:
        advice = self._advice
        self._clear_cards()
        assumed = reasons_said(advice.assumptions) if advice is not None else ""
        self._assumed.setText(self.tr("Assumed: {said}").format(said=assumed))
        self._assumed.setVisible(bool(assumed))
        nothing = advice is not None and advice.nothing is not None
        if advice is not None and advice.nothing is not None:
            self._nothing.set_words(
                self.tr("Nothing runs well here"), reasons_said([advice.nothing]), self.tr("Open settings")
            )
        self._nothing.setVisible(nothing)
        self._ranked.clear()
        self._builder.build(self._cards_and_rows(advice) if advice is not None else ())
        self._not_worth.show_sentences(
            [(one.name, reasons_said([one.reason])) for one in advice.not_worth] if advice is not None else []
        )
        self._unlock.show_sentences([("", reasons_said([one])) for one in advice.unlock] if advice is not None else [])
        for title, widget, said in zip(self._titles, self._parts, self._lengths(), strict=True):
            self._show_part(title, widget, bool(said))

    def _lengths(self) -> tuple[int, int, int]:
        advice = self._advice
        if advice is None:
            return 0, 0, 0
        return len(advice.ranked), len(advice.not_worth), len(advice.unlock)

    def _show_part(self, title: Label, widget: QWidget, shown: bool) -> None:
        title.setVisible(shown)
        widget.setVisible(shown)

    def _clear_cards(self) -> None:
        for card in self._cards:
            self.column.removeWidget(card)
            card.deleteLater()
        self._cards = []

    def _cards_and_rows(self, advice: Advice) -> Iterator[None]:
        for pick in picks(advice):
            card = PickCard(*pick)
            self.column.insertWidget(self.column.indexOf(self._nothing), card)
            self._cards.append(card)
            yield
        for suggestion in advice.ranked:
            self._ranked.add_row(RankedRow(suggestion))
            yield
