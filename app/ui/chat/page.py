"""The chat page: title and model at the top, the conversation, and the composer; each part in a module of its own."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.protocol import Event, ModelState, PromptRequest
from app.ui.chat.acts import Acts
from app.ui.chat.answer_options import AnswerOptions
from app.ui.chat.composer import Composer
from app.ui.chat.controller import Controller
from app.ui.chat.conversation import OpenConversation, Phase
from app.ui.chat.longer_context import LongerContext
from app.ui.chat.look import MEASURE_EM, Look, look_for
from app.ui.chat.model_picker import ModelPicker
from app.ui.chat.pictures import Pictures
from app.ui.chat.problem_place import ProblemPlace
from app.ui.chat.side_panel import SidePanel
from app.ui.chat.title_field import TitleField
from app.ui.chat.transcript import Transcript
from app.ui.chat.welcome import Welcome
from app.ui.client import Client
from app.ui.library import Library
from app.ui.theme import theme_of
from app.ui.translate import Retranslated, language
from app.ui.widgets import follow_theme

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
        self.acts = Acts(self.conversation)
        self.title = TitleField()
        self.picker = ModelPicker(library)
        self.welcome = Welcome()
        self.transcript = Transcript(self._look())
        self.answers = AnswerOptions(self.conversation, client)
        self.controller = Controller(self.conversation, self.acts, self.answers, self.transcript)
        LongerContext(self.conversation, self.acts, library, self.transcript.desk)
        pictures = self.transcript.desk.pictures = Pictures(client, self)
        self.composer = Composer(pictures)
        self.problem = ProblemPlace(self.conversation)
        self.side = SidePanel(self, self.answers, self.conversation, client)
        self._library = library
        self._opened: int | None = None
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
        self._top.addWidget(self.side.button)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.welcome)
        self._stack.addWidget(self.transcript)
        self._foot = QHBoxLayout()
        self._foot.addStretch(1)
        self._foot.addWidget(self.composer, 1_000)
        self._foot.addStretch(1)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addLayout(self._top)
        self._column.addWidget(self._stack, 1)
        self._column.addWidget(self.problem)
        self._column.addLayout(self._foot)
        self.setTabOrder(self.composer.send_button, self.transcript)

    def _connect(self) -> None:
        conversation, acts, composer = self.conversation, self.acts, self.composer
        conversation.phase_changed.connect(self._on_phase)
        conversation.conversation_changed.connect(self._on_conversation)
        conversation.branch.changed.connect(self._on_messages)
        conversation.answer_finished.connect(self._update_context)
        acts.send_failed.connect(lambda text, _error: composer.take_back(text))
        acts.send_failed.connect(lambda _text, error: self.problem.show_error(error))
        self.answers.failed.connect(self.problem.show_error)
        self.answers.changed.connect(self._update_model)
        self.side.prompt_asked.connect(self._show_prompt)
        self.side.room_changed.connect(lambda room: self._column.setContentsMargins(0, 0, room, 0))
        self.side.closed.connect(composer.focus)
        composer.sent.connect(self.controller.send)
        composer.stopped.connect(acts.stop)
        composer.recalled.connect(self.controller.edit_last)
        composer.paged.connect(self.transcript.column.position.scroll_pages)
        composer.think_button.toggled.connect(self.controller.set_thinking)
        self.controller.editing_ended.connect(composer.focus)
        self.controller.new_wanted.connect(self.new_conversation)
        self.welcome.asked.connect(self.controller.send)
        self.title.renamed.connect(acts.rename)
        self.picker.picked.connect(acts.use_model)
        self.picker.models_wanted.connect(self.models_wanted)
        self.picker.picked.connect(self._update_model)
        self._library.changed.connect(self._update_model)

    def _add_shortcuts(self) -> None:
        """Keys of this page; the window lists them by their texts."""
        acts = {
            "copy": ("Ctrl+Shift+C", self.controller.copy_last),
            "regenerate": ("Ctrl+R", self.controller.regenerate_last),
            "stop": ("Ctrl+.", self.acts.stop),
            "panel": ("Ctrl+Shift+P", self.side.toggle),
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
            self.problem.hide()

    def _on_conversation(self) -> None:
        conversation = self.conversation.conversation
        self.title.set_title(conversation.title if conversation else "", conversation is not None)
        self.picker.set_wanted(self.conversation.model)
        self._update_model()
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
        self.problem.hide()
        self._update_context()

    def _update_model(self, _changed: object = None) -> None:
        """Offer what the model that will answer can do."""
        model, options = self.picker.model, self.answers.options
        self.composer.set_thinking(model is not None and model.supports_thinking and options.thinking is None)
        self.composer.attachments.set_seeing(model is not None and model.sees)
        self.composer.set_policy(options.context_policy)
        loaded = model is not None and model.state is ModelState.LOADED
        self.side.set_capable(not loaded or (model is not None and model.supports_tools))
        self._update_context()

    def _update_context(self, _message: object = None) -> None:
        stats = next((each.stats for each in reversed(self.conversation.messages) if each.stats is not None), None)
        model = self.picker.model
        length = model.loaded_context if model and model.state is ModelState.LOADED else None
        if stats is None:
            self.composer.meter.show_use(None, None)
        else:
            self.composer.meter.show_use(stats.context_used, length or stats.context_length)

    def _show_prompt(self) -> None:
        """Show what the model would read if the message in the field were sent now."""
        composer = self.composer
        thinking = composer.think_button.isChecked() and composer.think_button.isVisibleTo(composer)
        request = PromptRequest(
            text=composer.field.text(),
            thinking=thinking,
            model=self.conversation.model,
            images=composer.attachments.ids if composer.attachments.complete else (),
            system_prompt=self.answers.system_prompt,
            options=self.answers.options,
        )
        self.answers.when_saved(lambda: self.side.show_prompt(request), self.problem.show_error)

    # ------------------------------------------------------------ look and language

    def retranslate(self) -> None:
        texts = {
            "copy": self.tr("Copy the last answer"),
            "regenerate": self.tr("Write the last answer again"),
            "stop": self.tr("Stop the answer"),
            "panel": self.tr("How answers are made"),
        }
        for name, text in texts.items():
            self._actions[name].setText(text)
        self.side.button.set_label(self.tr("How answers are made"), "Ctrl+Shift+P")
        self.transcript.set_look(self._look())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.composer.set_room(self.height())
        self.side.fit()

    def _look(self) -> Look:
        return look_for(theme_of(self), language())

    def _restyle(self) -> None:
        look = self._look()
        self._top.setContentsMargins(look.px(16), look.px(8), look.px(_SIDE), look.px(8))
        self._top.setSpacing(look.px(12))
        self._foot.setContentsMargins(look.px(8), 0, look.px(8), 0)
        self.composer.setMaximumWidth(MEASURE_EM * look.em + look.px(2 * _COMPOSER_OVERHANG))
        self.transcript.set_look(look)
