"""The output format in the panel: what shape the answer must have, and the schema or grammar that says so."""

import json

from app.protocol import FormatKind, OutputFormat
from app.ui.chat.answer_options import AnswerOptions
from app.ui.panel.sampling import lines_of, text_of
from app.ui.panel.section import Section
from app.ui.widgets import Choice, OptionRow, TextArea

_WITHOUT_SOURCE = (FormatKind.TEXT, FormatKind.JSON)
_EXAMPLES = {
    FormatKind.JSON_SCHEMA: '{"type": "object",\n "properties": {"title": {"type": "string"}}}',
    FormatKind.REGEX: r"\d{4}-\d{2}-\d{2}",
    FormatKind.LARK: 'start: "yes" | "no"',
    FormatKind.GBNF: 'root ::= "yes" | "no"',
}


class FormatSection(Section):
    """A format counts once what it needs is written and can be read; until then the one before stays in force."""

    def __init__(self, answers: AnswerOptions) -> None:
        super().__init__(answers)
        self.kind = Choice()
        self.source = TextArea((4, 14), code=True)
        self._sources: dict[FormatKind, str] = {}
        self._shown = FormatKind.TEXT
        self._kind_row = OptionRow(self.kind, below=True, resettable=False)
        self._source_row = OptionRow(self.source, below=True, resettable=False)
        self.column.addWidget(self._kind_row)
        self.column.addWidget(self._source_row)
        self.kind.picked.connect(self._on_kind)
        self.source.changed.connect(self._on_source)
        self.retranslate()
        self.refresh()

    def retranslate(self) -> None:
        self.title.setText(self.tr("Output"))
        self._kind_row.set_words(self.tr("Format"), self.tr("The answer can have no other shape than this."))
        self.kind.set_options(
            [
                (FormatKind.TEXT, self.tr("Text")),
                (FormatKind.JSON, self.tr("JSON")),
                (FormatKind.JSON_SCHEMA, self.tr("JSON after a schema")),
                (FormatKind.REGEX, self.tr("Regular expression")),
                (FormatKind.CHOICE, self.tr("One of a list")),
                (FormatKind.LARK, self.tr("Grammar (Lark)")),
                (FormatKind.GBNF, self.tr("Grammar (GBNF)")),
            ]
        )
        self._show_source()

    def refresh(self) -> None:
        chosen = self.answers.options.format
        if chosen == self._made():
            return
        self._sources[chosen.kind] = text_of(chosen.choices) if chosen.kind is FormatKind.CHOICE else chosen.source
        self._shown = chosen.kind
        self._show_source()

    def _source_words(self) -> tuple[str, str]:
        return {
            FormatKind.JSON_SCHEMA: (self.tr("Schema"), self.tr("A JSON Schema that the answer keeps to.")),
            FormatKind.REGEX: (self.tr("Expression"), self.tr("The whole answer matches it.")),
            FormatKind.CHOICE: (self.tr("Answers"), self.tr("The answer is one of these; one a line.")),
            FormatKind.LARK: (self.tr("Grammar"), self.tr("A grammar in Lark's notation; it begins at “start”.")),
            FormatKind.GBNF: (self.tr("Grammar"), self.tr("A grammar in llama.cpp's notation; it begins at “root”.")),
        }.get(self._shown, ("", ""))

    def _show_source(self) -> None:
        self.kind.set_value(self._shown)
        self._source_row.setVisible(self._shown not in _WITHOUT_SOURCE)
        self._source_row.set_words(*self._source_words())
        example = _EXAMPLES.get(self._shown) or self.tr("yes\nno")
        self.source.setPlaceholderText(example)
        self.source.set_text(self._sources.get(self._shown, ""))
        self._judge()

    def _on_kind(self, kind: FormatKind) -> None:
        self._shown = kind
        self._show_source()
        self._offer()

    def _on_source(self, text: str) -> None:
        self._sources[self._shown] = text
        self._judge()
        self._offer()

    def _offer(self) -> None:
        made = self._made()
        if made is not None:
            self.answers.change(format=made)

    def _made(self) -> OutputFormat | None:
        """The format as it stands; None while something is missing or wrong."""
        source = self._sources.get(self._shown, "")
        if self._shown in _WITHOUT_SOURCE:
            return OutputFormat(kind=self._shown)
        if not source.strip() or fault_in(self._shown, source) is not None:
            return None
        if self._shown is FormatKind.CHOICE:
            return OutputFormat(kind=self._shown, choices=lines_of(source))
        return OutputFormat(kind=self._shown, source=source)

    def _judge(self) -> None:
        source = self._sources.get(self._shown, "")
        line = fault_in(self._shown, source) if source.strip() else None
        self.source.set_good(line is None)
        if line is not None:
            text = self.tr("This is no JSON object: look at line {line}.").format(line=line)
        elif self._shown not in _WITHOUT_SOURCE and not source.strip():
            text = self.tr("Nothing here yet, so the format before stays in force.")
        else:
            text = ""
        self._source_row.set_error(text)


def fault_in(kind: FormatKind, source: str) -> int | None:
    """The line with what is wrong in a schema; None where nothing is. Other kinds are judged by the engine."""
    if kind is not FormatKind.JSON_SCHEMA:
        return None
    try:
        schema = json.loads(source)
    except json.JSONDecodeError as error:
        return error.lineno
    return None if isinstance(schema, dict) else 1
