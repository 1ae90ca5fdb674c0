"""The question "what should I run?": for what, and on which computer."""

from urllib.parse import quote, urlencode

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.protocol import Use
from app.ui.hardware.advice_words import use_name
from app.ui.theme import SMALL, theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import Button, Card, Choice, FieldRow, Label, Limits, NumberField, follow_theme

_LONGEST = 2**24


class Question(Retranslated, Card):
    """`asked` whenever another answer is wanted; see `path`."""

    asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.use, self.context = Choice(), NumberField(Limits(1, _LONGEST, 1024, whole=True))
        self.machine = QLineEdit()
        self.look, self.here = Button(), Button(kind="quiet")
        self._use_row, self._context_row = FieldRow(self.use), FieldRow(self.context)
        self._label, self._hint = Label(), Label(role="muted", scale=SMALL, wrap=True)
        self._described = ""
        self.add_row(self._use_row)
        self.add_row(self._context_row)
        self.add_row(self._machine_row())
        self.retranslate()
        self.use.set_value(Use.CHAT)
        self.use.picked.connect(lambda _use: self.asked.emit())
        self.context.editingFinished.connect(self._on_context)
        self.machine.returnPressed.connect(self._on_look)
        self.look.clicked.connect(self._on_look)
        self.here.clicked.connect(self._on_here)
        self._asked_context: float | None = None
        self._show()
        follow_theme(self._restyle)

    @property
    def described(self) -> str:
        """The computer the answer is for, in a person's words; empty for this one."""
        return self._described

    @property
    def path(self) -> str:
        """Of the request."""
        use = self.use.value
        fields = {"use": use.value if isinstance(use, Use) else Use.CHAT.value}
        if self._described:
            fields["machine"] = self._described
        if self._asked_context is not None:
            fields["context"] = str(int(self._asked_context))
        return f"/api/advice?{urlencode(fields, quote_via=quote)}"

    def retranslate(self) -> None:
        self.use.set_options([(use, use_name(use)) for use in Use])
        self._use_row.set_words(self.tr("What for"))
        self._context_row.set_words(
            self.tr("Context length at least"), self.tr("Tokens it has to hold in mind. Empty: what suits the use.")
        )
        self.context.setPlaceholderText(self.tr("automatic"))
        self._label.setText(self.tr("Another computer"))
        self._hint.setText(self.tr("Describe it, or say what would be different here: “what if I had 24 GB?”"))
        self.machine.setPlaceholderText(self.tr("RTX 4070 12 GB, 32 GB RAM"))
        self.machine.setAccessibleName(self._label.text())
        self.machine.setAccessibleDescription(self._hint.text())
        self.look.setText(self.tr("Ask"))
        self.look.setAccessibleName(self.tr("Ask for this computer"))
        self.here.setText(self.tr("Back to this computer"))

    def _machine_row(self) -> QWidget:
        holder = QWidget()
        line = QHBoxLayout()
        line.addWidget(self.machine, 1)
        line.addWidget(self.look)
        line.addWidget(self.here)
        column = QVBoxLayout(holder)
        column.addWidget(self._label)
        column.addWidget(self._hint)
        column.addLayout(line)
        self._line, self._column = line, column
        return holder

    def _on_context(self) -> None:
        if self.context.good and self.context.value != self._asked_context:
            self._asked_context = self.context.value
            self.asked.emit()

    def _on_look(self) -> None:
        self._described = self.machine.text().strip()
        self._show()
        self.asked.emit()

    def _on_here(self) -> None:
        self.machine.clear()
        self.machine.setFocus()  # the button is about to go
        self._on_look()

    def _show(self) -> None:
        self.here.setVisible(bool(self._described))

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._column.setContentsMargins(theme.px(16), theme.px(12), theme.px(16), theme.px(12))
        self._column.setSpacing(theme.px(4))
        self._line.setSpacing(theme.px(8))
