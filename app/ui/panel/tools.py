"""The tools in the panel: which are offered to the model, and which of them run without asking."""

from app.protocol import ToolSpec
from app.ui.chat.answer_options import AnswerOptions
from app.ui.panel.section import Section
from app.ui.widgets import Label, OptionRow, Switch


class ToolsSection(Section):
    """Two switches for each tool: offered, and run without asking."""

    def __init__(self, answers: AnswerOptions) -> None:
        super().__init__(answers)
        self._specs: list[ToolSpec] = []
        self._capable = True
        self._note = Label(role="muted", wrap=True)
        self.column.addWidget(self._note)
        self.offered: dict[str, Switch] = {}
        self.trusted: dict[str, Switch] = {}
        self._rows: dict[str, tuple[OptionRow, OptionRow]] = {}
        self.retranslate()
        self.refresh()

    def set_tools(self, specs: list[ToolSpec]) -> None:
        """The tools there are."""
        if specs == self._specs:
            return
        self._specs = specs
        for pair in self._rows.values():
            for row in pair:
                row.deleteLater()
        self._rows, self.offered, self.trusted = {}, {}, {}
        for spec in specs:
            self._add(spec.name)
        self.retranslate()
        self.refresh()

    def set_capable(self, capable: bool) -> None:
        """Whether the model can call tools, as far as is known."""
        self._capable = capable
        self.retranslate()

    def retranslate(self) -> None:
        self.title.setText(self.tr("Tools"))
        if not self._specs:
            note = self.tr("There are no tools.")
        elif self._capable:
            note = self.tr("What the model may call. You are asked before anything runs.")
        else:
            note = self.tr("The loaded model cannot call tools.")
        self._note.setText(note)
        for spec in self._specs:
            offered, trusted = self._rows[spec.name]
            offered.set_words(spec.name, spec.description)
            trusted.set_words(self.tr("Run without asking"), "")
            name = self.tr("Run {name} without asking").format(name=spec.name)
            self.trusted[spec.name].setAccessibleName(name)

    def refresh(self) -> None:
        options = self.answers.options
        for name, switch in self.offered.items():
            switch.setChecked(name in options.tools)
            self.trusted[name].setChecked(name in options.allowed_tools)
            self._rows[name][1].setVisible(name in options.tools)

    def _add(self, name: str) -> None:
        offered, trusted = Switch(), Switch()
        offered.clicked.connect(lambda on: self.answers.change(tools=self._with(self.answers.options.tools, name, on)))
        trusted.clicked.connect(
            lambda on: self.answers.change(allowed_tools=self._with(self.answers.options.allowed_tools, name, on))
        )
        rows = OptionRow(offered, resettable=False), OptionRow(trusted, resettable=False)
        for row in rows:
            self.column.addWidget(row)
        self.offered[name], self.trusted[name], self._rows[name] = offered, trusted, rows

    def _with(self, names: tuple[str, ...], name: str, on: bool) -> tuple[str, ...]:
        return (*(each for each in names if each != name), *((name,) if on else ()))
