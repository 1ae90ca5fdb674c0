"""The chat page: title and model at the top, the conversation, and the composer; each part in a module of its own."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.errors import AppError
from app.protocol import Event, ModelState
from app.ui.chat.composer import Composer
from app.ui.chat.controller import Controller
from app.ui.chat.conversation import OpenConversation, Phase
from app.ui.chat.look import MEASURE_EM, Look, look_for
from app.ui.chat.model_picker import ModelPicker
from app.ui.chat.title_field import TitleField
from app.ui.chat.transcript import Transcript
from app.ui.chat.welcome import Welcome
from app.ui.client import Client
from app.ui.library import Library
from app.ui.theme import theme_of
from app.ui.translate import Retranslated, language
from app.ui.widgets import ErrorCard, follow_theme

_SIDE = 24
_COMPOSER_OVERHANG = 32
"""How far the composer reaches beyond the text, in units."""


class ChatPage(Retranslated, QWidget):
    """Composes; what happens is decided in `conversation` and `controller`."""

    conversation_opened = Signal(object)
    """Id of the conversation now shown; None for a new one."""
    models_wanted = Signal()

    def __init__(self, client: Client, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.conversation = OpenConversation(client, self)
        self.title = TitleField()
        self.picker = ModelPicker(library)
        self.welcome = Welcome()
        self.transcript = Transcript(self._look())
        self.controller = Controller(self.conversation, self.transcript)
        self.composer = Composer()
        self._library = library
        self._opened: int | None = None
        self._card: ErrorCard | None = None
        self._actions: dict[str, QAction] = {}
        self._lay_out()
        self._connect()
        self._add_shortcuts()
        self.retranslate()
        follow_theme(self._restyle)
        self._on_phase(self.conversation.phase)

    # ------------------------------------------------------------ what the window asks

    def open_conversation(self, conversation_id: int, message_id: int | None = None) -> None:
        """Show a conversation, at its end or at one of its messages."""
        if message_id is not None or conversation_id != self.conversation.id:
            self.conversation.open(conversation_id, message_id)
        self.composer.focus()

    def new_conversation(self) -> None:
        self.conversation.begin()
        self.composer.focus()

    def take_event(self, event: Event) -> None:
        self.conversation.take_event(event)

    def lose_backend(self) -> None:
        self.conversation.lose()

    def reconnect(self) -> None:
        """A backend answers (again): show what it has stored."""
        self.conversation.reload()

    def focus_composer(self) -> None:
        self.composer.focus()

    # ------------------------------------------------------------ parts

    def _lay_out(self) -> None:
        self._top = QHBoxLayout()
        self._top.addWidget(self.title, 1)
        self._top.addWidget(self.picker, 0)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.welcome)
        self._stack.addWidget(self.transcript)
        self._problem = QHBoxLayout()
        self._foot = QHBoxLayout()
        self._foot.addStretch(1)
        self._foot.addWidget(self.composer, 1_000)
        self._foot.addStretch(1)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addLayout(self._top)
        self._column.addWidget(self._stack, 1)
        self._column.addLayout(self._problem)
        self._column.addLayout(self._foot)
        self.setTabOrder(self.composer.send_button, self.transcript)

    def _connect(self) -> None:
        conversation, composer = self.conversation, self.composer
        conversation.phase_changed.connect(self._on_phase)
        conversation.conversation_changed.connect(self._on_conversation)
        conversation.messages_changed.connect(self._on_messages)
        conversation.answer_finished.connect(self._update_context)
        conversation.send_failed.connect(self._on_send_failed)
        conversation.failed.connect(self._on_failed)
        composer.sent.connect(conversation.send)
        composer.stopped.connect(conversation.stop)
        composer.recalled.connect(self.controller.edit_last)
        composer.paged.connect(self.transcript.column.scroll_pages)
        composer.think_button.toggled.connect(self._on_thinking)
        self.controller.editing_ended.connect(composer.focus)
        self.controller.new_wanted.connect(self.new_conversation)
        self.welcome.asked.connect(conversation.send)
        self.title.renamed.connect(conversation.rename)
        self.picker.picked.connect(conversation.use_model)
        self.picker.models_wanted.connect(self.models_wanted)
        self._library.changed.connect(self._on_library)

    def _add_shortcuts(self) -> None:
        """Keys of this page; the window lists them by their texts."""
        acts = {
            "copy": ("Ctrl+Shift+C", self.controller.copy_last),
            "regenerate": ("Ctrl+R", self.controller.regenerate_last),
            "stop": ("Ctrl+.", self.conversation.stop),
        }
        for name, (keys, act) in acts.items():
            action = self._actions[name] = QAction(self)
            action.setShortcut(QKeySequence(keys))
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            action.triggered.connect(act)
            self.addAction(action)

    # ------------------------------------------------------------ changes

    def _on_phase(self, phase: Phase) -> None:
        self.composer.set_state(answering=phase is Phase.ANSWERING, sendable=phase in (Phase.EMPTY, Phase.READY))
        if phase in (Phase.ANSWERING, Phase.LOADING, Phase.EMPTY):
            self.dismiss_error()

    def _on_conversation(self) -> None:
        conversation = self.conversation.conversation
        self.title.set_title(conversation.title if conversation else "", conversation is not None)
        self.picker.set_wanted(self.conversation.model)
        self._update_context()
        if self.conversation.id == self._opened:
            return
        begun_here = self._opened is None and self.conversation.phase is Phase.SENDING
        self._opened = self.conversation.id
        if begun_here and self._opened is not None:
            self.composer.adopt(self._opened)
        else:
            self.composer.set_conversation(self._opened)
        self.conversation_opened.emit(self._opened)

    def _on_messages(self, _follow: bool = False) -> None:
        empty = not self.conversation.messages and self.conversation.phase is not Phase.LOADING
        self._stack.setCurrentWidget(self.welcome if empty else self.transcript)
        self.dismiss_error()
        self._update_context()

    def _on_library(self) -> None:
        model = self.picker.model
        self.composer.set_thinking(model is not None and model.supports_thinking)
        self._update_context()

    def _update_context(self, _message: object = None) -> None:
        stats = next((each.stats for each in reversed(self.conversation.messages) if each.stats is not None), None)
        model = self.picker.model
        length = model.loaded_context if model and model.state is ModelState.LOADED else None
        if stats is None:
            self.composer.set_context(None, None)
        else:
            self.composer.set_context(stats.context_used, length or stats.context_length)

    def _on_thinking(self, on: bool) -> None:
        self.controller.thinking = on

    def _on_send_failed(self, text: str, error: AppError) -> None:
        """Nothing written is lost: the text is in the field again."""
        if self.composer.field.is_empty():
            self.composer.field.set_text(text)
        self.show_error(error)

    # ------------------------------------------------------------ errors

    def _on_failed(self, error: AppError) -> None:
        if error.code != "backend_gone":  # the window speaks of that, and brings it back
            self.show_error(error)

    def show_error(self, error: AppError) -> None:
        """Show what went wrong with the page as a whole, above the composer."""
        action = self.tr("Try again") if self.conversation.phase is Phase.UNREACHABLE else self.tr("Close")
        if self._card is None:
            self._card = ErrorCard(error, action)
            self._card.acted.connect(self._on_error_acted)
            self._problem.addWidget(self._card)
        self._card.show_error(error, action)
        self._card.show()

    def dismiss_error(self) -> None:
        if self._card is not None:
            self._card.hide()

    def _on_error_acted(self) -> None:
        self.dismiss_error()
        if self.conversation.phase is Phase.UNREACHABLE:
            self.conversation.reload()

    # ------------------------------------------------------------ look and language

    def retranslate(self) -> None:
        texts = {
            "copy": self.tr("Copy the last answer"),
            "regenerate": self.tr("Write the last answer again"),
            "stop": self.tr("Stop the answer"),
        }
        for name, text in texts.items():
            self._actions[name].setText(text)
        self.transcript.set_look(self._look())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.composer.set_room(self.height())

    def _look(self) -> Look:
        return look_for(theme_of(self), language())

    def _restyle(self) -> None:
        look = self._look()
        self._top.setContentsMargins(look.px(16), look.px(8), look.px(_SIDE), look.px(8))
        self._top.setSpacing(look.px(12))
        self._problem.setContentsMargins(look.px(_SIDE), look.px(8), look.px(_SIDE), 0)
        self._foot.setContentsMargins(look.px(8), 0, look.px(8), 0)
        self.composer.setMaximumWidth(MEASURE_EM * look.em + look.px(2 * _COMPOSER_OVERHANG))
        self.transcript.set_look(look)
