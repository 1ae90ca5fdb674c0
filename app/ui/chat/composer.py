"""Where a message is written: the field, thinking, how full the context is, and the one button that sends or stops."""

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.format import count
from app.protocol import ContextPolicy
from app.ui.chat.attachments import Attachment, Attachments
from app.ui.chat.composer_card import SHADOW, SHADOW_BELOW, ComposerCard
from app.ui.chat.context_meter import ContextMeter
from app.ui.chat.message_field import COUNTED_FROM, MessageField
from app.ui.chat.pictures import Pictures
from app.ui.theme import SMALL, theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import Button, Label, follow_theme

SHARE = 0.4
"""Of the page's height, the most it takes."""
_AROUND_FIELD = 100
"""Height of everything but the field, in units."""


@dataclass(frozen=True)
class Draft:
    """A message that is not sent yet."""

    text: str = ""
    held: tuple[Attachment, ...] = ()


class Composer(Retranslated, QWidget):
    """A draft is kept for each conversation; `None` stands for one that is not stored yet."""

    sent = Signal(str, bool, object)
    """The text, whether the model is to think first, and the ids of its pictures."""
    stopped = Signal()
    recalled = Signal()
    """The last question is to be edited."""
    paged = Signal(int)

    def __init__(self, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drafts: dict[int | None, Draft] = {}
        self._last_sent = Draft()
        self._conversation_id: int | None = None
        self._answering = False
        self._sendable = True
        self._policy = ContextPolicy.STOP
        self._most = 300
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.field = MessageField()
        self.attachments = Attachments(pictures)
        self.send_button = Button(kind="primary", name="arrow-up")
        self.think_button = Button(kind="quiet", name="brain")
        self.think_button.setCheckable(True)
        self.think_button.hide()
        self._count = Label(role="muted", scale=SMALL)
        self.meter = ContextMeter()
        self.note = Label(role="muted", scale=SMALL, wrap=True)
        self.note.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._card = ComposerCard(self.field.plain)
        self._column = QVBoxLayout(self)
        self._lay_out()
        self._connect()
        self.retranslate()
        follow_theme(self._restyle)

    def set_conversation(self, conversation_id: int | None) -> None:
        """Put the draft away and take out that conversation's."""
        if conversation_id == self._conversation_id:
            return
        self._drafts[self._conversation_id] = Draft(self.field.text(), self.attachments.held)
        self._conversation_id = conversation_id
        self._take_up(self._drafts.pop(conversation_id, Draft()))

    def adopt(self, conversation_id: int) -> None:
        """The conversation that was written to is stored now: what is in the field belongs to it."""
        self._conversation_id = conversation_id

    def set_state(self, *, answering: bool, sendable: bool) -> None:
        """Whether an answer is being written, and whether a message could be sent."""
        self._answering, self._sendable = answering, sendable
        self._update_button()

    def set_thinking(self, supported: bool) -> None:
        self.think_button.setVisible(supported)

    def set_policy(self, policy: ContextPolicy) -> None:
        """What happens when the context is full."""
        self._policy = policy
        self.retranslate()

    def take_back(self, text: str) -> None:
        """Put a message that was not taken back into the field, unless another is being written there."""
        if self.field.is_empty() and not self.attachments.held:
            lost = self._last_sent if self._last_sent.text == text else Draft(text)
            self._take_up(lost)

    def set_room(self, height: int) -> None:
        """The height of the page in pixels."""
        self._most = round(height * SHARE)
        self._fit()

    def focus(self) -> None:
        self.field.plain.setFocus(Qt.FocusReason.OtherFocusReason)

    def retranslate(self) -> None:
        self.field.plain.setAccessibleName(self.tr("Message"))
        self.field.plain.setPlaceholderText(self.tr("Write a message…"))
        self.think_button.setText(self.tr("Think first"))
        self.think_button.setToolTip(self.tr("The model thinks before it answers: slower, often more thorough"))
        self.note.setText(
            self.tr("When the context is full, the oldest messages are left out. A line shows where.")
            if self._policy is ContextPolicy.DROP_OLDEST
            else self.tr("When the context is full, the answer stops and says so. Nothing is left out.")
        )
        self._update_button()

    def _lay_out(self) -> None:
        self._tools = QHBoxLayout()
        self._tools.addWidget(self.attachments.button)
        self._tools.addWidget(self.think_button)
        self._tools.addWidget(self._count)
        self._tools.addStretch()
        for widget in (self.meter, self.send_button):
            self._tools.addWidget(widget)
        self._inside = QVBoxLayout(self._card)
        self._inside.addWidget(self.attachments)
        self._inside.addWidget(self.field)
        self._inside.addLayout(self._tools)
        self._column.addWidget(self._card)
        self._column.addWidget(self.note)
        QWidget.setTabOrder(self.field.plain, self.attachments.button)
        QWidget.setTabOrder(self.attachments.button, self.think_button)
        QWidget.setTabOrder(self.think_button, self.send_button)

    def _connect(self) -> None:
        self.field.submitted.connect(self._on_submitted)
        self.field.cancelled.connect(self._on_cancelled)
        self.field.text_changed.connect(self._on_text_changed)
        self.field.height_changed.connect(self._fit)
        self.field.plain.recalled.connect(self.recalled)
        self.field.plain.paged.connect(self.paged)
        self.field.plain.focus_changed.connect(self._card.update)
        self.field.plain.pictures_given.connect(self.attachments.add_data)
        self.attachments.changed.connect(self._fit)
        self.attachments.changed.connect(self._update_button)
        self.send_button.clicked.connect(self._on_button)

    def _on_button(self) -> None:
        if self._answering:
            self.stopped.emit()
        else:
            self._on_submitted()
        self.focus()  # the button is about to be disabled, and would pass the focus to whatever comes next

    def _on_cancelled(self) -> None:
        if self._answering:
            self.stopped.emit()

    def _on_submitted(self) -> None:
        said = bool(self.field.text()) or bool(self.attachments.held)
        if said and self.attachments.complete and self._sendable and not self._answering:
            self._last_sent = Draft(self.field.text(), self.attachments.held)
            images = self.attachments.ids
            self._take_up(Draft())
            thinks = self.think_button.isChecked() and self.think_button.isVisibleTo(self)
            self.sent.emit(self._last_sent.text, thinks, images)

    def _take_up(self, draft: Draft) -> None:
        self.field.set_text(draft.text)
        self.attachments.set_held(draft.held)

    def _on_text_changed(self) -> None:
        characters = self.field.characters()
        self._count.setVisible(characters >= COUNTED_FROM)
        self._count.setText(self.tr("{count} characters").format(count=count(characters)))
        self._update_button()

    def _update_button(self) -> None:
        self.send_button.setText(self.tr("Stop") if self._answering else self.tr("Send"))
        self.send_button.set_icon("square" if self._answering else "arrow-up")
        ready = self._sendable and self.attachments.complete
        something = not self.field.is_empty() or bool(self.attachments.held)
        self.send_button.setEnabled(self._answering or (ready and something))

    def _fit(self) -> None:
        theme = theme_of(self)
        above = self.attachments.sizeHint().height() + theme.px(8) if self.attachments.held else 0
        rest = self._most - theme.px(_AROUND_FIELD) - above
        self.field.setFixedHeight(self.field.natural_height(max(rest, theme.px(24))))

    def _restyle(self) -> None:
        theme = theme_of(self)
        left, top, right, bottom = (theme.px(units) + SHADOW for units in (16, 12, 8, 8))
        self._inside.setContentsMargins(left, top, right, bottom + SHADOW_BELOW)
        self._inside.setSpacing(theme.px(8))
        self._tools.setSpacing(theme.px(8))
        around = max(theme.px(8) - SHADOW, 0)
        self._column.setContentsMargins(around, around, around, theme.px(8))
        self._column.setSpacing(around)
        self._fit()
        self.update()
