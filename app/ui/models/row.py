"""One model in the list: what it is, what it is doing, and the button that changes that."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from app.errors import AppError
from app.format import count, memory_size, parameters
from app.protocol import ModelEntry, ModelState
from app.ui.theme import SMALL, theme_of
from app.ui.translate import Retranslated, words_of
from app.ui.verdicts import verdict_notes, verdict_words
from app.ui.widgets import Badge, Button, ElidedLabel, ErrorCard, IconButton, Label, follow_theme


class ModelRow(Retranslated, QWidget):
    """Shows one `ModelEntry`; the signals carry its id."""

    load_asked = Signal(str)
    unload_asked = Signal(str)
    tune_asked = Signal(str)
    """It is to be loaded with parameters of one's own."""

    def __init__(self, entry: ModelEntry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entry = entry
        self._failure: AppError | None = None
        self._name, self._facts = ElidedLabel(bold=True), Label(role="muted", scale=SMALL, wrap=True)
        self._badges = (Badge(), Badge())
        self._button = Button()
        self._tune = IconButton("sliders-horizontal", "")
        self._fold = IconButton("chevron-down", "")
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._reason = Label(role="bad", scale=SMALL, wrap=True)
        self._warnings = Label(role="warn", scale=SMALL, wrap=True)
        self._verdict = Label(role="muted", scale=SMALL, wrap=True)
        self._error: ErrorCard | None = None
        self._details = ModelDetails()
        self._details.hide()
        self._lay_out()
        self._button.clicked.connect(self._on_button)
        self._fold.clicked.connect(self._on_fold)
        self._tune.clicked.connect(lambda: self.tune_asked.emit(self.entry.id))
        self.retranslate()
        follow_theme(self._restyle)

    def show_entry(self, entry: ModelEntry) -> None:
        """Show the model's new state. What failed before is forgotten once it loads."""
        if entry.state in (ModelState.LOADING, ModelState.LOADED):
            self._failure = None
        self.entry = entry
        self.retranslate()

    def show_failure(self, error: AppError) -> None:
        """Show why loading did not work."""
        self._failure = error
        self.retranslate()

    def retranslate(self) -> None:
        entry = self.entry
        self._name.setText(entry.name)
        self._facts.setText(self._said())
        self._facts.setVisible(entry.state is not ModelState.BROKEN)
        self._badges[0].set_text(self.tr("Built in") if entry.builtin else "", "muted")
        self._badges[1].set_text(*self._state_said())
        self._show_button()
        self._progress.setVisible(entry.state is ModelState.LOADING)
        self._progress.setAccessibleName(self.tr("Loading {name}").format(name=entry.name))
        self._progress.setRange(0, 1000 if entry.progress is not None else 0)
        self._progress.setValue(round((entry.progress or 0) * 1000))
        self._fold.set_label(self.tr("Details of {name}").format(name=entry.name))
        self._tune.set_label(self.tr("Load {name} with…").format(name=entry.name))
        self._tune.setVisible(entry.state in (ModelState.AVAILABLE, ModelState.LOADED))
        self._details.show_entry(entry)
        self._show_warnings()
        self._show_verdict()
        self._show_problem()

    def _said(self) -> str:
        entry = self.entry
        parts = [entry.quantization, memory_size(entry.size)]
        if entry.parameters:
            parts.insert(0, self.tr("{count} parameters").format(count=parameters(entry.parameters)))
        if entry.context_length:
            parts.append(self.tr("context up to {count} tokens").format(count=count(entry.context_length)))
        return "  ·  ".join(part for part in parts if part)

    def _state_said(self) -> tuple[str, str]:
        entry = self.entry
        if entry.state is ModelState.LOADED:
            words = self.tr("Loaded on {device}").format(device=entry.device) if entry.device else self.tr("Loaded")
            return words, "accent"
        if entry.state is ModelState.LOADING:
            share = "" if entry.progress is None else f" {entry.progress:.0%}"
            return self.tr("Loading") + share, "accent"
        return (self.tr("Broken"), "bad") if entry.state is ModelState.BROKEN else ("", "muted")

    def _show_button(self) -> None:
        words = {
            ModelState.AVAILABLE: self.tr("Load"),
            ModelState.LOADING: self.tr("Stop"),
            ModelState.LOADED: self.tr("Unload"),
            ModelState.BROKEN: "",
        }[self.entry.state]
        self._button.setText(words)
        self._button.setAccessibleName(f"{words} {self.entry.name}")
        self._button.setVisible(bool(words))

    def _show_warnings(self) -> None:
        """What a person should know about the model as it is loaded."""
        words = [words_of(AppError.from_info(each)) for each in self.entry.warnings]
        said = ["  ·  ".join(part for part in (each.title, each.message, each.hint) if part) for each in words]
        self._warnings.setText("\n".join(said))
        self._warnings.setVisible(bool(said))

    def _show_verdict(self) -> None:
        """Where it would run here, with what to do where that is less than it could be."""
        parts = [verdict_words(self.entry), verdict_notes(self.entry)]
        shown = self.entry.state in (ModelState.AVAILABLE, ModelState.LOADED) and self._failure is None
        self._verdict.setText("  ·  ".join(part for part in parts if part) if shown else "")
        self._verdict.setVisible(bool(self._verdict.text()))

    def _show_problem(self) -> None:
        broken = self.entry.state is ModelState.BROKEN and self.entry.error is not None
        if broken and self.entry.error is not None:
            words = words_of(AppError.from_info(self.entry.error))
            self._reason.setText(f"{words.message}\n{words.hint}")
        self._reason.setVisible(broken)
        failure = self._failure or (
            AppError.from_info(self.entry.error) if self.entry.error is not None and not broken else None
        )
        if failure is None:
            if self._error is not None:
                self._error.hide()
            return
        if self._error is None:
            self._error = ErrorCard(failure)
            self._error.acted.connect(lambda: self.load_asked.emit(self.entry.id))
            self._column.addWidget(self._error)
        self._error.show_error(failure, self.tr("Try again"))
        self._error.show()

    def _lay_out(self) -> None:
        name = QHBoxLayout()
        name.addWidget(self._name)
        for badge in self._badges:
            name.addWidget(badge)
        name.addStretch(1)
        words = QVBoxLayout()
        words.addLayout(name)
        words.addWidget(self._facts)
        words.addWidget(self._reason)
        words.addWidget(self._warnings)
        words.addWidget(self._verdict)
        self._top = QHBoxLayout()
        self._top.addLayout(words, 1)
        self._top.addWidget(self._button, 0, Qt.AlignmentFlag.AlignVCenter)
        self._top.addWidget(self._tune, 0, Qt.AlignmentFlag.AlignVCenter)
        self._top.addWidget(self._fold, 0, Qt.AlignmentFlag.AlignVCenter)
        self._column = QVBoxLayout(self)
        self._column.addLayout(self._top)
        self._column.addWidget(self._progress)
        self._column.addWidget(self._details)
        self._name_row, self._words = name, words

    def _on_button(self) -> None:
        asked = self.load_asked if self.entry.state is ModelState.AVAILABLE else self.unload_asked
        asked.emit(self.entry.id)

    def _on_fold(self) -> None:
        shown = not self._details.isVisibleTo(self)
        self._details.setVisible(shown)
        self._fold.set_icon("chevron-up" if shown else "chevron-down")

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._column.setContentsMargins(theme.px(16), theme.px(12), theme.px(12), theme.px(12))
        self._column.setSpacing(theme.px(8))
        self._top.setSpacing(theme.px(8))
        self._name_row.setSpacing(theme.px(8))
        self._words.setSpacing(theme.px(4))


class ModelDetails(Retranslated, QWidget):
    """Everything known about a model, as pairs."""

    def __init__(self) -> None:
        super().__init__()
        self._entry: ModelEntry | None = None
        self._grid = QGridLayout(self)
        self._grid.setColumnStretch(1, 1)
        self._pairs = [(Label(role="muted", scale=SMALL), ElidedLabel(scale=SMALL)) for _ in range(6)]
        for line, (name, value) in enumerate(self._pairs):
            self._grid.addWidget(name, line, 0)
            self._grid.addWidget(value, line, 1)
        follow_theme(self._restyle)

    def show_entry(self, entry: ModelEntry) -> None:
        self._entry = entry
        self.retranslate()

    def retranslate(self) -> None:
        entry = self._entry
        if entry is None:
            return
        said = [
            (self.tr("Name for other programs"), entry.id),
            (self.tr("File"), entry.path),
            (self.tr("Architecture"), entry.architecture),
            (self.tr("Size"), memory_size(entry.size)),
            (self.tr("Context length (trained)"), count(entry.context_length) if entry.context_length else ""),
            (self.tr("Context length (loaded)"), count(entry.loaded_context) if entry.loaded_context else ""),
        ]
        for (name, value), (term, words) in zip(self._pairs, said, strict=True):
            name.setText(term)
            value.setText(words)
            name.setVisible(bool(words))
            value.setVisible(bool(words))

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme.px(16))
        self._grid.setVerticalSpacing(theme.px(4))
