"""The system prompt in the panel."""

from app.ui.chat.answer_options import AnswerOptions
from app.ui.panel.section import Section
from app.ui.widgets import OptionRow, TextArea


class InstructionsSection(Section):
    """What the model is told before the conversation."""

    def __init__(self, answers: AnswerOptions) -> None:
        super().__init__(answers)
        self.title.hide()
        self.text = TextArea((3, 12))
        self._row = OptionRow(self.text, below=True, resettable=False)
        self.column.addWidget(self._row)
        self.text.changed.connect(answers.set_system_prompt)
        self.retranslate()
        self.refresh()

    def retranslate(self) -> None:
        self._row.set_words(
            self.tr("Instructions (system prompt)"),
            self.tr("The model reads this before every message: who it is, how it should answer."),
        )
        self.text.setPlaceholderText(self.tr("None"))

    def refresh(self) -> None:
        self.text.set_text(self.answers.system_prompt)
