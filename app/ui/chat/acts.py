"""What the person does with the shown conversation: sending, rewriting, choosing between versions, deleting, naming."""

from collections.abc import Callable

from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal

from app.errors import AppError
from app.protocol import (
    Conversation,
    ConversationChange,
    Message,
    NewMessage,
    Regenerate,
    Started,
    ToolConsent,
)
from app.ui.chat.conversation import OpenConversation, Phase
from app.ui.client import OnError


class Acts(QObject):
    """Asks the backend; what comes of it, and what went wrong, is told by the conversation."""

    send_failed = Signal(str, object)
    """A text that was not taken, and the AppError."""
    refused = Signal()
    """An answer that was asked for is not being written."""
    deleted = Signal(int)
    """A message is gone; `restore` brings it back."""

    def __init__(self, conversation: OpenConversation) -> None:
        super().__init__(conversation)
        self._conversation = conversation

    def send(
        self, text: str, thinking: bool = False, parent: Message | None = None, images: tuple[str, ...] = ()
    ) -> None:
        """Send a message; with `parent`, as a new version of that message. A new conversation is made first."""
        shown = self._conversation
        shown.set_phase(Phase.SENDING)
        message = NewMessage(text=text, model=shown.model, thinking=thinking, images=images)
        if parent is not None:
            message = replace(message, parent_id=parent.parent_id, images=parent.images)

        def refuse(error: AppError) -> None:
            shown.set_phase(Phase.READY if shown.conversation else Phase.EMPTY)
            self.send_failed.emit(text, error)

        def made(conversation: Conversation) -> None:
            shown.take_conversation(conversation)
            self._post(message, refuse)

        if shown.conversation is not None:
            self._post(message, refuse)
        else:
            new = replace(shown.beginning, model=shown.model)
            shown.visit.post("/api/conversations", new, Conversation, made, refuse)

    def regenerate(self, message: Message, thinking: bool = False) -> None:
        """Write another version of an answer."""
        body = Regenerate(model=self._conversation.model, thinking=thinking)
        self._begin(f"/api/messages/{message.id}/regenerate", body, self._conversation.take_started)

    def go_on(self, message: Message) -> None:
        """Have an answer continued that was cut off."""
        self._begin(f"/api/messages/{message.id}/continue", None, self._conversation.take_started)

    def consent(self, message: Message, allowed: tuple[str, ...]) -> None:
        """Say which of the tools that an answer calls may run; the model answers once more with what came of them."""

        def done(started: Started) -> None:
            self._conversation.take_branch(started.conversation)  # the results lie between

        self._begin(f"/api/messages/{message.id}/tools", ToolConsent(allowed=allowed), done)

    def stop(self) -> None:
        """Stop the answer; what has been written stays."""
        shown = self._conversation
        if (answer := shown.branch.answering) is not None:
            shown.visit.post(f"/api/messages/{answer.id}/stop", None, Message, _wait_for_stream, shown.failed.emit)

    def show_version(self, message: Message, step: int) -> None:
        """Show the version before (-1) or after (+1) this one, with what followed it."""
        shown = self._conversation
        place = message.siblings.index(message.id) + step
        if 0 <= place < len(message.siblings):
            path = f"/api/messages/{message.siblings[place]}/show"
            shown.visit.post(path, None, Conversation, shown.take_branch, shown.failed.emit)

    def delete(self, message: Message) -> None:
        """Delete a message and what follows it."""
        shown = self._conversation

        def done(conversation: Conversation) -> None:
            shown.take_branch(conversation)
            self.deleted.emit(message.id)

        shown.visit.delete(f"/api/messages/{message.id}", Conversation, done, shown.failed.emit)

    def restore(self, message_id: int) -> None:
        """Bring back a deleted message and what followed it."""
        shown = self._conversation
        path = f"/api/messages/{message_id}/restore"
        shown.visit.post(path, None, Conversation, shown.take_branch, shown.failed.emit)

    def rename(self, title: str) -> None:
        self._change(ConversationChange(title=title))

    def use_model(self, model_id: str) -> None:
        """Talk to this model from now on."""
        self._conversation.model = model_id
        if self._conversation.conversation is not None:
            self._change(ConversationChange(model=model_id))

    def _begin(self, path: str, body: object, done: Callable[[Started], None]) -> None:
        """Ask for an answer; where it is refused, all stays as it was."""
        shown = self._conversation
        shown.set_phase(Phase.SENDING)

        def refuse(error: AppError) -> None:
            shown.set_phase(Phase.READY)
            self.refused.emit()
            shown.failed.emit(error)

        shown.visit.post(path, body, Started, done, refuse)

    def _post(self, message: NewMessage, refuse: OnError) -> None:
        shown = self._conversation
        path = f"/api/conversations/{shown.id}/messages"
        shown.visit.post(path, message, Started, shown.take_started, refuse)

    def _change(self, change: ConversationChange) -> None:
        shown = self._conversation
        path = f"/api/conversations/{shown.id}"
        shown.visit.patch(path, change, Conversation, shown.take_conversation, shown.failed.emit)


def _wait_for_stream(_: Message) -> None:
    """The stream of the answer tells its end."""
