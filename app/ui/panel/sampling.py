"""The sampling in the panel: what people set most, and behind a fold the rest."""

from msgspec.structs import replace
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.protocol import Sampling
from app.ui.chat.answer_options import AnswerOptions
from app.ui.panel.parameters import COMMON, FURTHER, Parameter
from app.ui.panel.section import Section
from app.ui.theme import theme_of
from app.ui.widgets import Button, Choice, NumberField, OptionRow, TextArea, follow_theme

Words = dict[str, tuple[str, str]]
"""Name and sentence of each field."""
_LINES = ("stop", "dry_breakers")


class NumberSection(Section):
    """Rows for some numbers of the sampling."""

    def __init__(self, answers: AnswerOptions, parameters: tuple[Parameter, ...]) -> None:
        super().__init__(answers)
        self.rows: dict[str, OptionRow] = {}
        self.fields: dict[str, NumberField] = {}
        self._parameters = {each.name: each for each in parameters}
        for each in parameters:
            self._add(each)

    def words(self) -> Words:
        """What the rows say; sections override it."""
        raise NotImplementedError

    def retranslate(self) -> None:
        for name, (title, sentence) in self.words().items():
            self.rows[name].set_words(title, sentence, self.reset_words(title))
        for field in self.fields.values():
            field.setPlaceholderText(self.tr("automatic"))

    def refresh(self) -> None:
        sampling = self.answers.options.sampling
        for name, field in self.fields.items():
            value = getattr(sampling, name)
            own = value != self._parameters[name].neutral
            field.set_value(value if own else None)
            self.rows[name].set_own(own)

    def own(self) -> int:
        """How many of the numbers are the person's own."""
        sampling = self.answers.options.sampling
        return sum(getattr(sampling, name) != each.neutral for name, each in self._parameters.items())

    def _add(self, parameter: Parameter) -> None:
        field = self.fields[parameter.name] = NumberField(parameter.limits)

        def take(value: float | None) -> None:
            given = parameter.neutral if value is None else value
            self.answers.change_sampling(**{parameter.name: given})

        self.rows[parameter.name] = self.number_row(field, take)


class CommonSampling(NumberSection):
    """What people set most."""

    def __init__(self, answers: AnswerOptions) -> None:
        super().__init__(answers, COMMON)
        self.retranslate()
        self.refresh()

    def retranslate(self) -> None:
        self.title.setText(self.tr("How words are chosen"))
        super().retranslate()

    def words(self) -> Words:
        return {
            "temperature": (
                self.tr("Temperature"),
                self.tr("Higher is more varied, lower more predictable; 0 always takes the likeliest word."),
            ),
            "top_p": (self.tr("Top-p"), self.tr("Only the likeliest words that together reach this share count.")),
            "top_k": (self.tr("Top-k"), self.tr("Only so many of the likeliest words count; 0 counts all.")),
            "min_p": (self.tr("Min-p"), self.tr("Words less likely than this share of the likeliest are left out.")),
            "max_tokens": (self.tr("Longest answer"), self.tr("The answer ends after so many tokens.")),
            "seed": (self.tr("Seed"), self.tr("The same seed gives the same answer to the same question.")),
        }


class FurtherSampling(NumberSection):
    """The rest: for those who know these names."""

    def __init__(self, answers: AnswerOptions) -> None:
        super().__init__(answers, FURTHER)
        self.title.hide()
        self.mirostat = Choice()
        self.mirostat.picked.connect(lambda value: self.answers.change_sampling(mirostat=value))
        self.rows["mirostat"] = OptionRow(self.mirostat, below=True, resettable=False)
        place = list(self.rows).index("mirostat_tau") + 1  # beside its own numbers, under the hidden title
        self.column.insertWidget(place, self.rows["mirostat"])
        self.texts: dict[str, TextArea] = {}
        for name in _LINES:
            self._add_lines(name)
        self.retranslate()
        self.refresh()

    def own(self) -> int:
        sampling = self.answers.options.sampling
        others = (sampling.mirostat is not None, sampling.dry_breakers is not None, bool(sampling.stop))
        return super().own() + sum(others)

    def retranslate(self) -> None:
        super().retranslate()
        self.mirostat.set_options([(None, self.tr("automatic")), (0, self.tr("off")), (2, self.tr("on (version 2)"))])

    def refresh(self) -> None:
        super().refresh()
        sampling = self.answers.options.sampling
        self.mirostat.set_value(sampling.mirostat)
        for name, area in self.texts.items():
            lines = getattr(sampling, name) or ()
            self.rows[name].set_own(bool(lines))
            if lines != lines_of(area.toPlainText()):
                area.set_text(text_of(lines))

    def words(self) -> Words:
        return {**self._penalty_words(), **self._phrase_words(), **self._filter_words(), **self._line_words()}

    def _penalty_words(self) -> Words:
        return {
            "repeat_penalty": (
                self.tr("Repeat penalty"),
                self.tr("Above 1, words that were just written become less likely."),
            ),
            "repeat_last_n": (
                self.tr("Penalty window"),
                self.tr("So many tokens back count as just written; -1 is the whole context."),
            ),
            "presence_penalty": (
                self.tr("Presence penalty"),
                self.tr("Makes words less likely that have occurred at all."),
            ),
            "frequency_penalty": (
                self.tr("Frequency penalty"),
                self.tr("Makes words less likely the more often they have occurred."),
            ),
        }

    def _phrase_words(self) -> Words:
        return {
            "dry_multiplier": (
                self.tr("Phrase penalty (DRY)"),
                self.tr("Holds back whole phrases that would repeat; 0 turns it off."),
            ),
            "dry_base": (self.tr("DRY base"), self.tr("How fast that grows with the length of the phrase.")),
            "dry_allowed_length": (self.tr("DRY free length"), self.tr("Phrases up to so many tokens may repeat.")),
            "dry_last_n": (self.tr("DRY window"), self.tr("So many tokens back are searched; -1 is all of them.")),
            "xtc_probability": (
                self.tr("Leave out the obvious (XTC)"),
                self.tr("How often the most obvious words are left out; 0 turns it off."),
            ),
            "xtc_threshold": (self.tr("XTC threshold"), self.tr("Only words likelier than this count as obvious.")),
        }

    def _filter_words(self) -> Words:
        return {
            "typical_p": (self.tr("Typical-p"), self.tr("Keeps words about as surprising as expected; 1 is off.")),
            "top_n_sigma": (
                self.tr("Top-n-sigma"),
                self.tr("Keeps words within so many standard deviations of the best score."),
            ),
            "dynamic_range": (
                self.tr("Dynamic temperature"),
                self.tr("Temperature moves by this much with the model's certainty; 0 is off."),
            ),
            "dynamic_exponent": (self.tr("Dynamic exponent"), self.tr("How steeply it moves.")),
            "mirostat": (
                self.tr("Mirostat"),
                self.tr("Keeps the text evenly surprising, in place of top-k, top-p and the like."),
            ),
            "mirostat_tau": (self.tr("Mirostat target"), self.tr("How surprising the text is to be.")),
            "mirostat_eta": (self.tr("Mirostat rate"), self.tr("How fast it corrects itself.")),
            "min_tokens": (self.tr("Shortest answer"), self.tr("The model cannot end before so many tokens.")),
        }

    def _line_words(self) -> Words:
        return {
            "stop": (self.tr("Stop strings"), self.tr("The answer ends before any of these; one a line.")),
            "dry_breakers": (self.tr("DRY breakers"), self.tr("A repeated phrase ends at any of these; one a line.")),
        }

    def _add_lines(self, name: str) -> None:
        area = self.texts[name] = TextArea((2, 6), code=True)
        row = self.rows[name] = OptionRow(area, below=True)
        empty = getattr(Sampling(), name)

        def take(text: str) -> None:
            self.answers.change_sampling(**{name: lines_of(text) or empty})

        area.changed.connect(take)
        row.reset_asked.connect(lambda: self._clear(area, name))
        self.column.addWidget(row)

    def _clear(self, area: TextArea, name: str) -> None:
        area.set_text("")
        self.answers.change_sampling(**{name: getattr(Sampling(), name)})


class MoreSampling(Section):
    """The fold with the further sampling; its fields are made when it is first opened."""

    def __init__(self, answers: AnswerOptions) -> None:
        super().__init__(answers)
        self.title.hide()
        self.button = Button(kind="quiet", name="chevron-right")
        self.button.clicked.connect(self._on_clicked)
        self.further: FurtherSampling | None = None
        self._place = QVBoxLayout()
        self.column.addWidget(self.button)
        self.column.addLayout(self._place)
        self.refresh()
        follow_theme(self._restyle)

    def retranslate(self) -> None:
        self.refresh()

    def refresh(self) -> None:
        own = own_further(self.answers.options.sampling)
        text = self.tr("More ({count} set)").format(count=own) if own else self.tr("More")
        self.button.setText(text)
        hint = self.tr("Hide the further options") if self._open() else self.tr("Show the further options")
        self.button.setAccessibleDescription(hint)

    def _open(self) -> bool:
        return self.further is not None and self.further.isVisibleTo(self)

    def _on_clicked(self) -> None:
        if self.further is None:
            self.further = FurtherSampling(self.answers)
            self._place.addWidget(self.further)
            self.further.show()  # now: the layout would do it a turn later
            QWidget.setTabOrder(self.button, self.further.fields["repeat_penalty"])
        else:
            self.further.setVisible(not self._open())
        self.button.set_icon("chevron-down" if self._open() else "chevron-right")
        self.refresh()

    def _restyle(self) -> None:
        self.button.setStyleSheet("text-align: left")
        self._place.setSpacing(theme_of(self).px(12))


def lines_of(text: str) -> tuple[str, ...]:
    """The lines that hold something; \\n in a line stands for a line break."""
    return tuple(line.replace("\\n", "\n") for line in text.split("\n") if line)


def text_of(lines: tuple[str, ...]) -> str:
    """The lines as they are typed."""
    return "\n".join(line.replace("\n", "\\n") for line in lines)


def own_further(sampling: Sampling) -> int:
    """How many fields behind the fold are set."""
    common = {each.name: getattr(Sampling(), each.name) for each in COMMON}
    rest, plain = replace(sampling, **common), Sampling()
    return sum(getattr(rest, name) != getattr(plain, name) for name in Sampling.__struct_fields__)
