"""Carries out what is asked of single messages, once the backend knows how answers are to be made."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from app.errors import AppError
from app.protocol import ContextPolicy, Message, Role
from app.ui.chat.acts import Acts
from app.ui.chat.answer_options import AnswerOptions
from app.ui.chat.conversation import OpenConversation, Phase
from app.ui.chat.links import LinkQuestion
from app.ui.chat.markdown import is_link
from app.ui.chat.row_widget import Ask
from app.ui.chat.rows import Unfolding
from app.ui.chat.showing import Showing
from app.ui.chat.tool_consents import ToolConsents
from app.ui.chat.transcript import Transcript
from app.ui.widgets import show_toast


class Controller(QObject):
    """Between one `OpenConversation`, with the acts on it, and one `Transcript`."""

    editing_ended = Signal()
    """The keyboard belongs to the composer again."""
    new_wanted = Signal()

    def __init__(
        self, conversation: OpenConversation, acts: Acts, answers: AnswerOptions, transcript: Transcript
    ) -> None:
        super().__init__(transcript)
        self._conversation, self._acts, self._answers = conversation, acts, answers
        self._transcript = transcript
        self._consents = ToolConsents(answers, self)
        self.showing = Showing(conversation, self._consents, transcript)
        self._thinking = False
        self._deeds = self._make_deeds()
        acts.deleted.connect(self._on_deleted)
        acts.refused.connect(self._on_refused)
        self._consents.given.connect(self._on_consent)
        answers.changed.connect(self.showing.refresh)
        conversation.paging.target_loaded.connect(transcript.reveal_message)
        transcript.older_wanted.connect(conversation.paging.fetch_older)
        transcript.desk.asked.connect(self._on_asked)
        transcript.desk.tool_asked.connect(self._on_tool_asked)
        transcript.desk.edited.connect(self._on_edited)
        transcript.desk.link_clicked.connect(self._on_link)
        transcript.desk.copied.connect(lambda text: QGuiApplication.clipboard().setText(text))

    def _make_deeds(self) -> dict[Ask, Callable[[Message], None]]:
        """What is done for each thing that can be asked of a message."""
        acts = self._acts
        return {
            Ask.COPY: self._copy,
            Ask.EDIT: self._edit,
            Ask.CANCEL_EDIT: self._end_edit,
            Ask.REGENERATE: lambda message: self._once_saved(partial(acts.regenerate, message, self._thinking)),
            Ask.CONTINUE: lambda message: self._once_saved(partial(acts.go_on, message)),
            Ask.CONTINUE_WITHOUT_OLDEST: self._go_on_without_oldest,
            Ask.DELETE: acts.delete,
            Ask.PREVIOUS_VERSION: lambda message: acts.show_version(message, -1),
            Ask.NEXT_VERSION: lambda message: acts.show_version(message, 1),
            Ask.FOLD_THINKING: self.showing.fold_thinking,
            Ask.SHOW_WHOLE: lambda message: self.showing.unfold(message, Unfolding(whole=True)),
            Ask.NEW_CONVERSATION: lambda _: self.new_wanted.emit(),
        }

    # ------------------------------------------------------------ actions without a message at hand

    def send(self, text: str, thinking: bool = False, images: tuple[str, ...] = ()) -> None:
        """Send a message of the person's."""

        def refuse(error: AppError) -> None:
            self._acts.send_failed.emit(text, error)

        self._answers.when_saved(lambda: self._acts.send(text, thinking, images=images), refuse)

    def set_thinking(self, thinking: bool) -> None:
        """Whether an answer that is written again is to be thought about first."""
        self._thinking = thinking

    def copy_last(self) -> None:
        if message := self._conversation.branch.last(Role.ASSISTANT):
            self._copy(message)

    def regenerate_last(self) -> None:
        if (message := self._conversation.branch.last(Role.ASSISTANT)) and self._conversation.phase is Phase.READY:
            self._deeds[Ask.REGENERATE](message)

    def edit_last(self) -> None:
        if message := self._conversation.branch.last(Role.USER):
            self._edit(message)

    # ------------------------------------------------------------ asks

    def _on_asked(self, ask: Ask, message_id: int) -> None:
        message, deed = self._conversation.branch.find(message_id), self._deeds.get(ask)
        if message is not None and deed is not None:
            deed(message)

    def _on_tool_asked(self, ask: Ask, message_id: int, call_id: str) -> None:
        message = self._conversation.branch.find(message_id)
        if message is None:
            return
        if ask is Ask.FOLD_RESULT:
            self.showing.unfold(message, self.showing.unfolding(message).toggled_result(call_id))
        elif ask is Ask.ALWAYS_ALLOW_TOOL:
            self._consents.trust(message, call_id)
        else:
            self._consents.say(message, call_id, ask is Ask.ALLOW_TOOL)
        self.showing.show(message)

    def _on_consent(self, message_id: int, allowed: tuple[str, ...]) -> None:
        if message := self._conversation.branch.find(message_id):
            self._once_saved(lambda: self._acts.consent(message, allowed))
            self.editing_ended.emit()  # the buttons are about to go

    def _on_refused(self) -> None:
        self._consents.forget()
        self.showing.refresh()

    def _go_on_without_oldest(self, message: Message) -> None:
        self._answers.change(context_policy=ContextPolicy.DROP_OLDEST)
        self._once_saved(lambda: self._acts.go_on(message))

    def _once_saved(self, act: Callable[[], None]) -> None:
        """Do this once the backend knows how answers are to be made."""
        self._answers.when_saved(act, lambda _error: self._on_refused())  # the error itself has been shown

    def _copy(self, message: Message) -> None:
        QGuiApplication.clipboard().setText(message.text)
        show_toast(self._transcript, self.tr("Copied"))

    def _edit(self, message: Message) -> None:
        if self._conversation.phase is Phase.READY:
            self.showing.unfold(message, Unfolding(editing=True))
            self._transcript.reveal_message(message.id)
            self._transcript.focus_message(message.id)

    def _end_edit(self, message: Message) -> None:
        self.showing.unfold(message, Unfolding())
        self.editing_ended.emit()

    def _on_edited(self, message_id: int, text: str) -> None:
        if message := self._conversation.branch.find(message_id):
            self.showing.forget(message)
            self._once_saved(lambda: self._acts.send(text, self._thinking, message))
            self.editing_ended.emit()

    def _on_deleted(self, message_id: int) -> None:
        undo = self.tr("Undo")
        show_toast(self._transcript, self.tr("Message deleted"), undo, lambda: self._acts.restore(message_id))

    def _on_link(self, address: str) -> None:
        if is_link(address):
            LinkQuestion(address, self._transcript.window()).open()
