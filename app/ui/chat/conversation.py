"""The conversation that is shown, kept true: by its pages, the stream of its answer, and the events of all clients."""

from enum import Enum

from PySide6.QtCore import QObject, Signal

from app.errors import AppError
from app.protocol import (
    AnswerPrefill,
    AnswerQueued,
    Conversation,
    ConversationChanged,
    ConversationRemoved,
    Event,
    Message,
    MessageChanged,
    MessageRemoved,
    NewConversation,
    Started,
)
from app.ui.chat.answer_reader import AnswerReader
from app.ui.chat.branch import Branch
from app.ui.chat.paging import Paging
from app.ui.chat.visit import Visit
from app.ui.client import Client


class Phase(Enum):
    """What the shown conversation is doing."""

    EMPTY = "empty"
    """A new one: nothing is stored yet."""
    LOADING = "loading"
    READY = "ready"
    SENDING = "sending"
    ANSWERING = "answering"
    UNREACHABLE = "unreachable"
    """It could not be loaded, or the backend was lost; loading it again mends that."""


class OpenConversation(QObject):
    """Follows one conversation. Replies that arrive after another one was opened are dropped.

    The backend goes on writing an answer whose conversation is not shown; its stream is joined again on return.
    """

    phase_changed = Signal(object)
    conversation_changed = Signal()
    progress_changed = Signal(int)
    """The id of an answer that waits, or whose prompt is being read: `progress` says how far it is."""
    answer_finished = Signal(object)
    failed = Signal(object)

    def __init__(self, client: Client, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self.visit = Visit(client)
        self.phase = Phase.EMPTY
        self.conversation: Conversation | None = None
        self.beginning = NewConversation()
        """What a new conversation is made with, but for its model."""
        self.model = ""
        """Id of the model a new conversation is to talk to; empty leaves it to the backend."""
        self.progress: AnswerQueued | AnswerPrefill | None = None
        """How far the answer is before its first word."""
        self.branch = Branch(self)
        self.paging = Paging(self.branch, self)
        self.reader = AnswerReader(client, self)
        self.paging.loaded.connect(self._follow_answer)
        self.paging.failed.connect(self.failed)
        self.reader.advanced.connect(self.branch.put)
        self.reader.progressed.connect(self._on_progressed)
        self.reader.finished.connect(self._on_finished)
        self.reader.failed.connect(lambda _error: self.reload())  # which says so where the backend has gone

    @property
    def id(self) -> int | None:
        return self.conversation.id if self.conversation else None

    @property
    def messages(self) -> list[Message]:
        return self.branch.messages

    # ------------------------------------------------------------ opening

    def begin(self) -> None:
        """Leave whatever is shown for a new conversation."""
        self._leave(Phase.EMPTY)

    def open(self, conversation_id: int, target: int | None = None) -> None:
        """Show a conversation, at its end or at a message of it."""
        self._leave(Phase.LOADING)
        self.paging.target = target
        if target is None:
            self._fetch(conversation_id)
        else:
            path = f"/api/messages/{target}/show"
            self.visit.post(path, None, Conversation, lambda _: self._fetch(conversation_id), self._on_lost)

    def reload(self) -> None:
        """Fetch it again, as far as it was loaded: after a loss of the backend, or when another client changed it."""
        if self.conversation is not None:
            self.reader.leave()
            self._fetch(self.conversation.id)

    def lose(self) -> None:
        """The backend has gone: nothing more will come until `reload`."""
        self.reader.leave()
        if self.conversation is not None:
            self.set_phase(Phase.UNREACHABLE)

    # ------------------------------------------------------------ what came of something asked

    def take_conversation(self, conversation: Conversation) -> None:
        """The conversation's own fields as they are now."""
        self.conversation = conversation
        self.model = conversation.model
        self.conversation_changed.emit()

    def take_started(self, started: Started) -> None:
        """The question and its empty answer take the place of what followed their parent."""
        self.take_conversation(started.conversation)
        question = () if started.question is None else (started.question,)
        self.branch.graft(*question, started.answer)
        self._follow_answer()

    def take_branch(self, conversation: Conversation) -> None:
        """Another branch is shown now."""
        self.take_conversation(conversation)
        self.reload()

    def set_phase(self, phase: Phase) -> None:
        if phase is not self.phase:
            self.phase = phase
            self.phase_changed.emit(phase)

    # ------------------------------------------------------------ events of all clients

    def take_event(self, event: Event) -> None:
        """What other clients, or the backend by itself, changed."""
        if isinstance(event, ConversationChanged) and event.conversation.id == self.id:
            self._on_conversation_event(event.conversation)
        elif isinstance(event, ConversationRemoved) and event.conversation_id == self.id:
            self.begin()
        elif isinstance(event, MessageChanged) and event.message.conversation_id == self.id:
            if event.message.id != self.reader.message_id:  # else its own stream tells more, and in order
                self.branch.put(event.message)
        elif isinstance(event, MessageRemoved) and self.branch.knows(event.message_id):
            self.reload()

    def _on_conversation_event(self, conversation: Conversation) -> None:
        moved = self.conversation is not None and conversation.leaf_id != self.conversation.leaf_id
        self.take_conversation(conversation)
        if moved and self.phase is Phase.READY and not self.branch.knows(conversation.leaf_id):
            self.reload()

    # ------------------------------------------------------------ fetching

    def _fetch(self, conversation_id: int) -> None:
        path = f"/api/conversations/{conversation_id}"
        self.visit.get(path, Conversation, self.take_conversation, self._on_lost)
        self.paging.fetch(self.visit, conversation_id, self.phase is Phase.LOADING, self._on_lost)

    def _leave(self, phase: Phase) -> None:
        self.visit.end()
        self.visit = Visit(self._client)
        self.reader.leave()
        self.paging.begin()
        self.conversation = None
        self.branch.messages = []  # those of the conversation that is left: not to be taken for the next one's
        self.conversation_changed.emit()
        self.set_phase(phase)
        self.branch.show([])

    def _on_lost(self, error: AppError) -> None:
        self.set_phase(Phase.UNREACHABLE)
        self.failed.emit(error)

    # ------------------------------------------------------------ the answer

    def _follow_answer(self) -> None:
        self.progress = None
        if (answer := self.branch.answering) is None:
            self.reader.leave()
            self.set_phase(Phase.READY)
        else:
            self.set_phase(Phase.ANSWERING)
            self.reader.follow(answer)

    def _on_progressed(self, progress: AnswerQueued | AnswerPrefill | None) -> None:
        self.progress = progress
        if self.branch.answering is not None:
            self.progress_changed.emit(self.branch.answering.id)

    def _on_finished(self, message: Message) -> None:
        self.progress = None
        self.branch.put(message)
        self.set_phase(Phase.READY)
        self.answer_finished.emit(message)
        if self.conversation is not None and not self.branch.knows(self.conversation.leaf_id):
            self.reload()  # tools that need no consent have run meanwhile, and the next answer is under way
