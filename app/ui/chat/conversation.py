"""The conversation that is shown: its messages, the answer being written, and what is asked of the backend about it."""

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal

from app.errors import AppError
from app.protocol import (
    Conversation,
    ConversationChange,
    ConversationChanged,
    ConversationRemoved,
    Event,
    Message,
    MessageChanged,
    MessagePage,
    MessageRemoved,
    MessageState,
    NewConversation,
    NewMessage,
    Regenerate,
    Role,
    Started,
)
from app.ui.chat.answer_reader import AnswerReader
from app.ui.client import Client

PAGE = 50
"""Messages fetched at a time."""

T = TypeVar("T")


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
    messages_changed = Signal(bool)
    """The list is another; True asks for its end to be shown."""
    message_changed = Signal(object)
    prefill_changed = Signal(int, float)
    """Message id, and the share of its prompt that has been read."""
    answer_finished = Signal(object)
    target_loaded = Signal(int)
    """The message that was to be shown is among the messages now."""
    send_failed = Signal(str, object)
    """A text that was not taken, and the AppError."""
    failed = Signal(object)
    deleted = Signal(int)

    def __init__(self, client: Client, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._visit = 0
        self._target: int | None = None
        self._loading_older = False
        self._reader = AnswerReader(client, self)
        self._reader.advanced.connect(self._put)
        self._reader.prefilled.connect(self._on_prefilled)
        self._reader.finished.connect(self._on_finished)
        self._reader.failed.connect(lambda _error: self.reload())  # which says so where the backend has gone
        self.phase = Phase.EMPTY
        self.conversation: Conversation | None = None
        self.messages: list[Message] = []
        self.has_more = False
        self.model = ""
        """Id of the model a new conversation is to talk to; empty leaves it to the backend."""

    @property
    def id(self) -> int | None:
        return self.conversation.id if self.conversation else None

    @property
    def answering(self) -> Message | None:
        """The answer being written, if there is one."""
        last = self.messages[-1] if self.messages else None
        return last if last is not None and last.state is MessageState.STREAMING else None

    @property
    def thought_s(self) -> dict[int, float]:
        """How long answers were thought about, in seconds by message id, where it was seen."""
        return self._reader.thought_s

    # ------------------------------------------------------------ opening

    def begin(self) -> None:
        """Leave whatever is shown for a new conversation."""
        self._leave()
        self._set_phase(Phase.EMPTY)
        self.messages_changed.emit(True)

    def open(self, conversation_id: int, target: int | None = None) -> None:
        """Show a conversation, at its end or at a message of it."""
        self._leave()
        self._target = target
        self._set_phase(Phase.LOADING)
        self.messages_changed.emit(True)
        if target is None:
            self._fetch(conversation_id, PAGE)
        else:
            shown = self._now(lambda _: self._fetch(conversation_id, PAGE))
            self._client.post(f"/api/messages/{target}/show", None, Conversation, shown, self._now(self._lose))

    def reload(self) -> None:
        """Fetch it again, as far as it was loaded: after a loss of the backend, or when another client changed it."""
        if self.conversation is not None:
            self._reader.leave()
            self._fetch(self.conversation.id, max(len(self.messages), PAGE))

    def load_older(self) -> None:
        """Fetch the page before the first message, once at a time."""
        if self.conversation is None or not self.has_more or self._loading_older or not self.messages:
            return
        self._loading_older = True
        path = f"/api/conversations/{self.conversation.id}/messages?limit={PAGE}&before={self.messages[0].id}"
        self._client.get(path, MessagePage, self._now(self._on_older), self._now(self._on_older_failed))

    # ------------------------------------------------------------ asking

    def send(self, text: str, thinking: bool = False, parent: Message | None = None) -> None:
        """Send a message; with `parent`, as a new version of that message. A new conversation is made first."""
        self._set_phase(Phase.SENDING)
        message = NewMessage(text=text, model=self.model, thinking=thinking)
        if parent is not None:
            message = replace(message, parent_id=parent.parent_id)

        def refuse(error: AppError) -> None:
            self._set_phase(Phase.READY if self.conversation else Phase.EMPTY)
            self.send_failed.emit(text, error)

        if self.conversation is not None:
            self._post_message(message, refuse)
            return

        def made(conversation: Conversation) -> None:
            self.conversation = conversation
            self.conversation_changed.emit()
            self._post_message(message, refuse)

        new = NewConversation(model=self.model)
        self._client.post("/api/conversations", new, Conversation, self._now(made), self._now(refuse))

    def regenerate(self, message: Message, thinking: bool = False) -> None:
        """Write another version of an answer."""
        self._set_phase(Phase.SENDING)
        body = Regenerate(model=self.model, thinking=thinking)
        path = f"/api/messages/{message.id}/regenerate"
        self._client.post(path, body, Started, self._now(self._on_started), self._now(self._on_refused))

    def stop(self) -> None:
        """Stop the answer; what has been written stays."""
        if (answer := self.answering) is not None:
            self._client.post(f"/api/messages/{answer.id}/stop", None, Message, lambda _: None, self._now(self._fail))

    def show_version(self, message: Message, step: int) -> None:
        """Show the version before (-1) or after (+1) this one, with what followed it."""
        place = message.siblings.index(message.id) + step
        if 0 <= place < len(message.siblings):
            path = f"/api/messages/{message.siblings[place]}/show"
            self._client.post(path, None, Conversation, self._now(self._on_branch), self._now(self._fail))

    def delete(self, message: Message) -> None:
        """Delete a message and what follows it; `deleted` says that it can be brought back."""

        def done(conversation: Conversation) -> None:
            self._on_branch(conversation)
            self.deleted.emit(message.id)

        self._client.delete(f"/api/messages/{message.id}", Conversation, self._now(done), self._now(self._fail))

    def restore(self, message_id: int) -> None:
        """Bring back a deleted message and what followed it."""
        path = f"/api/messages/{message_id}/restore"
        self._client.post(path, None, Conversation, self._now(self._on_branch), self._now(self._fail))

    def rename(self, title: str) -> None:
        self._change(ConversationChange(title=title))

    def use_model(self, model_id: str) -> None:
        """Talk to this model from now on."""
        self.model = model_id
        if self.conversation is not None:
            self._change(ConversationChange(model=model_id))

    # ------------------------------------------------------------ events of all clients

    def take_event(self, event: Event) -> None:
        """What other clients, or the backend by itself, changed."""
        if self.conversation is None:
            return
        if isinstance(event, ConversationChanged) and event.conversation.id == self.id:
            self._on_conversation_event(event.conversation)
        elif isinstance(event, ConversationRemoved) and event.conversation_id == self.id:
            self.begin()
        elif isinstance(event, MessageChanged) and event.message.conversation_id == self.id:
            self._on_message_event(event.message)
        elif isinstance(event, MessageRemoved) and event.message_id in {message.id for message in self.messages}:
            self.reload()

    def lose(self) -> None:
        """The backend has gone: nothing more will come until `reload`."""
        self._reader.leave()
        if self.conversation is not None:
            self._set_phase(Phase.UNREACHABLE)

    # ------------------------------------------------------------ replies

    def _fetch(self, conversation_id: int, limit: int) -> None:
        path = f"/api/conversations/{conversation_id}"
        self._client.get(path, Conversation, self._now(self._take_conversation), self._now(self._lose))
        self._client.get(f"{path}/messages?limit={limit}", MessagePage, self._now(self._on_page), self._now(self._lose))

    def _on_page(self, page: MessagePage) -> None:
        first = self.phase is Phase.LOADING
        self.messages, self.has_more = page.messages, page.has_more
        self.messages_changed.emit(first)
        self._follow_answer()
        self._seek()

    def _on_older(self, page: MessagePage) -> None:
        self._loading_older = False
        self.messages, self.has_more = [*page.messages, *self.messages], page.has_more
        self.messages_changed.emit(False)
        self._seek()

    def _on_older_failed(self, error: AppError) -> None:
        self._loading_older = False
        self._fail(error)

    def _seek(self) -> None:
        if self._target is None:
            return
        if any(message.id == self._target for message in self.messages):
            self.target_loaded.emit(self._target)
            self._target = None
        else:
            self.load_older()

    def _post_message(self, message: NewMessage, refuse: Callable[[AppError], None]) -> None:
        path = f"/api/conversations/{self.id}/messages"
        self._client.post(path, message, Started, self._now(self._on_started), self._now(refuse))

    def _on_started(self, started: Started) -> None:
        """The question and its empty answer take the place of what followed their parent."""
        self._take_conversation(started.conversation)
        new = [started.question, started.answer] if started.question is not None else [started.answer]
        first = new[0]
        ids = [message.id for message in self.messages]
        kept = ids.index(first.parent_id) + 1 if first.parent_id in ids else 0
        self.messages = [*self.messages[:kept], *new]
        self.messages_changed.emit(True)
        self._follow_answer()

    def _on_branch(self, conversation: Conversation) -> None:
        self._take_conversation(conversation)
        self.reload()

    def _on_refused(self, error: AppError) -> None:
        self._set_phase(Phase.READY)
        self.failed.emit(error)

    def _on_conversation_event(self, conversation: Conversation) -> None:
        moved = self.conversation is not None and conversation.leaf_id != self.conversation.leaf_id
        self._take_conversation(conversation)
        known = {message.id for message in self.messages}
        if moved and conversation.leaf_id not in known and self.phase is Phase.READY:
            self.reload()

    def _on_message_event(self, message: Message) -> None:
        if message.id == self._reader.message_id:
            return  # its own stream tells more, and in order
        if any(known.id == message.id for known in self.messages):
            self._put(message)

    # ------------------------------------------------------------ the answer

    def _follow_answer(self) -> None:
        answer = self.answering
        if answer is None:
            self._reader.leave()
            self._set_phase(Phase.READY)
        else:
            self._set_phase(Phase.ANSWERING)
            self._reader.follow(answer)

    def _on_prefilled(self, share: float) -> None:
        if self.answering is not None:
            self.prefill_changed.emit(self.answering.id, share)

    def _on_finished(self, message: Message) -> None:
        self._put(message)
        self._set_phase(Phase.READY)
        self.answer_finished.emit(message)

    def _put(self, message: Message) -> None:
        for place, known in enumerate(self.messages):
            if known.id == message.id:
                self.messages[place] = message
                self.message_changed.emit(message)

    # ------------------------------------------------------------ the rest

    def _take_conversation(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.model = conversation.model
        self.conversation_changed.emit()

    def _change(self, change: ConversationChange) -> None:
        path = f"/api/conversations/{self.id}"
        self._client.patch(path, change, Conversation, self._now(self._take_conversation), self._now(self._fail))

    def _leave(self) -> None:
        self._visit += 1
        self._reader.leave()
        self.conversation = None
        self.messages = []
        self.has_more = self._loading_older = False
        self._target = None
        self.conversation_changed.emit()

    def _now(self, act: Callable[[T], None]) -> Callable[[T], None]:
        """The same act, left undone when another conversation has been opened in the meantime."""
        visit = self._visit

        def guarded(value: T) -> None:
            if visit == self._visit:
                act(value)

        return guarded

    def _lose(self, error: AppError) -> None:
        self._set_phase(Phase.UNREACHABLE)
        self.failed.emit(error)

    def _fail(self, error: AppError) -> None:
        self.failed.emit(error)

    def _set_phase(self, phase: Phase) -> None:
        if phase is not self.phase:
            self.phase = phase
            self.phase_changed.emit(phase)


def last_question(messages: list[Message]) -> Message | None:
    """The newest message the person wrote."""
    return next((message for message in reversed(messages) if message.role is Role.USER), None)


def last_answer(messages: list[Message]) -> Message | None:
    """The newest answer."""
    return next((message for message in reversed(messages) if message.role is Role.ASSISTANT), None)
