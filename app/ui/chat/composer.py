"""Where a message is written: the field, thinking, how full the context is, and the one button that sends or stops."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.format import count
from app.ui.chat.message_field import COUNTED_FROM, MessageField
from app.ui.theme import SMALL, theme_of
from app.ui.translate import Retranslated
from app.ui.widgets import Button, Label, Ring, follow_theme

SHARE = 0.4
"""Of the page's height, the most it takes."""
_SHADOW = 6
_AROUND_FIELD = 100
"""Height of everything but the field, in units."""


class Composer(Retranslated, QWidget):
    """A draft is kept for each conversation; `None` stands for one that is not stored yet."""

    sent = Signal(str, bool)
    """The text, and whether the model is to think first."""
    stopped = Signal()
    recalled = Signal()
    """The last question is to be edited."""
    paged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drafts: dict[int | None, str] = {}
        self._conversation_id: int | None = None
        self._answering = False
        self._sendable = True
        self._most = 300
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.field = MessageField()
        self.send_button = Button(kind="primary", name="arrow-up")
        self.think_button = Button(kind="quiet", name="brain")
        self.think_button.setCheckable(True)
        self.think_button.hide()
        self._count = Label(role="muted", scale=SMALL)
        self._context = Label(role="muted", scale=SMALL)
        self.ring = Ring()
        self.note = Label(role="muted", scale=SMALL, wrap=True)
        self.note.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._card = QWidget()
        self._column = QVBoxLayout(self)
        self._lay_out()
        self._connect()
        self.set_context(None, None)
        self.retranslate()
        follow_theme(self._restyle)

    def set_conversation(self, conversation_id: int | None) -> None:
        """Put the draft away and take out that conversation's."""
        if conversation_id == self._conversation_id:
            return
        self._drafts[self._conversation_id] = self.field.text()
        self._conversation_id = conversation_id
        self.field.set_text(self._drafts.pop(conversation_id, ""))

    def adopt(self, conversation_id: int) -> None:
        """The conversation that was written to is stored now: what is in the field belongs to it."""
        self._conversation_id = conversation_id

    def set_state(self, *, answering: bool, sendable: bool) -> None:
        """Whether an answer is being written, and whether a message could be sent."""
        self._answering, self._sendable = answering, sendable
        self._update_button()

    def set_thinking(self, supported: bool) -> None:
        self.think_button.setVisible(supported)

    def set_context(self, used: int | None, length: int | None) -> None:
        """Tokens used and the length of the context; None where either is not known."""
        known = used is not None and length is not None
        self.ring.setVisible(known)
        self._context.setVisible(known)
        if used is not None and length is not None:
            words = self.tr("{used} of {length}").format(used=count(used), length=count(length))
            self._context.setText(words)
            self.ring.set_value(used / max(length, 1), self.tr("Context used: {words} tokens").format(words=words))

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
        self.note.setText(self.tr("When the context is full, the answer stops and says so. Nothing is left out."))
        self._update_button()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        card, radius = QRectF(self._card.geometry()), theme.px(12)
        shade = theme.colour("text") if not theme.dark else theme.colour("sunken")
        painter.setPen(Qt.PenStyle.NoPen)
        for step in range(_SHADOW, 0, -1):  # drawn here: a graphics effect would redraw the field at every key
            shade.setAlpha(2)
            painter.setBrush(shade)
            painter.drawRoundedRect(card.adjusted(-step, -step + 3, step, step + 2), radius + step, radius + step)
        painter.setBrush(theme.colour("surface"))
        painter.setPen(theme.colour("accent" if self.field.plain.hasFocus() else "line"))
        painter.drawRoundedRect(card.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)

    def _lay_out(self) -> None:
        self._tools = QHBoxLayout()
        self._tools.addWidget(self.think_button)
        self._tools.addWidget(self._count)
        self._tools.addStretch()
        for widget in (self.ring, self._context, self.send_button):
            self._tools.addWidget(widget)
        self._inside = QVBoxLayout(self._card)
        self._inside.addWidget(self.field)
        self._inside.addLayout(self._tools)
        self._column.addWidget(self._card)
        self._column.addWidget(self.note)
        QWidget.setTabOrder(self.field.plain, self.think_button)
        QWidget.setTabOrder(self.think_button, self.send_button)

    def _connect(self) -> None:
        self.field.submitted.connect(self._on_submitted)
        self.field.cancelled.connect(self._on_cancelled)
        self.field.text_changed.connect(self._on_text_changed)
        self.field.height_changed.connect(self._fit)
        self.field.plain.recalled.connect(self.recalled)
        self.field.plain.paged.connect(self.paged)
        self.field.plain.focus_changed.connect(self.update)
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
        text = self.field.text()
        if text and self._sendable and not self._answering:
            self.field.set_text("")
            self.sent.emit(text, self.think_button.isChecked() and self.think_button.isVisibleTo(self))

    def _on_text_changed(self) -> None:
        characters = self.field.characters()
        self._count.setVisible(characters >= COUNTED_FROM)
        self._count.setText(self.tr("{count} characters").format(count=count(characters)))
        self._update_button()

    def _update_button(self) -> None:
        self.send_button.setText(self.tr("Stop") if self._answering else self.tr("Send"))
        self.send_button.set_icon("square" if self._answering else "arrow-up")
        self.send_button.setEnabled(self._answering or (self._sendable and not self.field.is_empty()))

    def _fit(self) -> None:
        theme = theme_of(self)
        rest = self._most - theme.px(_AROUND_FIELD)
        self.field.setFixedHeight(self.field.natural_height(max(rest, theme.px(24))))

    def _restyle(self) -> None:
        theme = theme_of(self)
        self._inside.setContentsMargins(theme.px(16), theme.px(12), theme.px(8), theme.px(8))
        self._inside.setSpacing(theme.px(8))
        self._tools.setSpacing(theme.px(8))
        self._column.setContentsMargins(theme.px(8), theme.px(8), theme.px(8), theme.px(8))
        self._column.setSpacing(theme.px(8))
        self._fit()
        self.update()
