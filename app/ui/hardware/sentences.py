"""A card of sentences, each perhaps with the name of what it is about."""

from collections.abc import Iterator, Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.hardware.builder import Builder
from app.ui.theme import SMALL, theme_of
from app.ui.widgets import Card, Label, follow_theme


class Sentences(Card):
    """`show_sentences` with (name, sentence); the name may be empty."""

    def __init__(self) -> None:
        super().__init__()
        self._builder = Builder(self)

    def show_sentences(self, sentences: Sequence[tuple[str, str]]) -> None:
        self.clear()
        self._builder.build(self._build(sentences))

    def _build(self, sentences: Sequence[tuple[str, str]]) -> Iterator[None]:
        for name, sentence in sentences:
            self.add_row(_Sentence(name, sentence))
            yield


class _Sentence(QWidget):
    def __init__(self, name: str, sentence: str) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        if name:
            self._column.addWidget(Label(name, wrap=True))
        self._column.addWidget(Label(sentence, role="muted" if name else "", scale=SMALL if name else 1.0, wrap=True))
        follow_theme(self._restyle)

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._column.setContentsMargins(theme.px(16), theme.px(10), theme.px(16), theme.px(10))
        self._column.setSpacing(theme.px(2))
