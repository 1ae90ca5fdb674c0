"""The panel itself: composes its sections under a head, in a column that scrolls."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.protocol import Preset, ToolSpec
from app.ui.chat.answer_options import AnswerOptions
from app.ui.chat.look import PANEL_WIDTH
from app.ui.panel.course import ContextSection, ThinkingSection
from app.ui.panel.format import FormatSection
from app.ui.panel.instructions import InstructionsSection
from app.ui.panel.presets import PresetBar
from app.ui.panel.sampling import CommonSampling, MoreSampling
from app.ui.panel.tools import ToolsSection
from app.ui.theme import theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import Button, IconButton, Label, follow_theme


class Panel(Retranslated, QWidget):
    """How the answers of the shown conversation are made. It asks the page for everything by signals."""

    close_asked = Signal()
    prompt_asked = Signal()

    def __init__(self, answers: AnswerOptions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._title = Label(bold=True)
        self._close = IconButton("x", "", size=32)
        self.presets = PresetBar(answers)
        self.instructions = InstructionsSection(answers)
        self.sampling, self.more = CommonSampling(answers), MoreSampling(answers)
        self.format = FormatSection(answers)
        self.thinking, self.context = ThinkingSection(answers), ContextSection(answers)
        self.tools = ToolsSection(answers)
        self.prompt_button = Button(name="file-text")
        self._scroll = QScrollArea()
        self._lay_out()
        self._close.clicked.connect(self.close_asked)
        self.prompt_button.clicked.connect(self.prompt_asked)
        self.retranslate()
        follow_theme(self._restyle)

    def set_presets(self, presets: Sequence[Preset]) -> None:
        self.presets.set_presets(presets)

    def set_tools(self, specs: list[ToolSpec]) -> None:
        self.tools.set_tools(specs)

    def retranslate(self) -> None:
        self._title.setText(self.tr("How answers are made"))
        self._close.set_label(self.tr("Close the panel"), "Ctrl+Shift+P")
        self.prompt_button.setText(self.tr("Show the prompt"))
        self.prompt_button.setToolTip(self.tr("The text the model would read now, word for word"))
        self.setAccessibleName(self.tr("How answers are made"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_asked.emit()
        else:
            super().keyPressEvent(event)

    def _lay_out(self) -> None:
        self._head = QHBoxLayout()
        self._head.addWidget(self._title, 1)
        self._head.addWidget(self._close)
        column = QWidget()
        column.setObjectName("column")
        self._column = QVBoxLayout(column)
        for number, part in enumerate(self._parts()):
            if number > 1 and part is not self.more:
                self._column.addWidget(_rule())
            self._column.addWidget(part)
        self._column.addStretch(1)
        self._scroll.setWidget(column)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(1, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(self._head)
        outer.addWidget(self._scroll, 1)

    def _parts(self) -> tuple[QWidget, ...]:
        """From top to bottom."""
        return (
            self.presets, self.instructions, self.sampling, self.more, self.format, self.thinking, self.context,
            self.tools, self.prompt_button,
        )  # fmt: skip

    def _restyle(self) -> None:
        theme = theme_of(self)
        self.setFixedWidth(theme.px(PANEL_WIDTH))
        self._head.setContentsMargins(theme.px(16), theme.px(8), theme.px(8), theme.px(8))
        self._column.setContentsMargins(theme.px(16), theme.px(4), theme.px(9), theme.px(16))
        self._column.setSpacing(theme.px(16))


def _rule() -> QFrame:
    rule = QFrame()
    rule.setObjectName("rule")
    return rule
