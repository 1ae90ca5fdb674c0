"""Keeps the transcript in step with the conversation: what is shown of each message, and how it is folded."""

from msgspec.structs import replace
from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

from app.protocol import GenerationStats, Message, Role
from app.ui.chat.conversation import OpenConversation
from app.ui.chat.rows import Around, Unfolding
from app.ui.chat.tool_consents import ToolConsents, results
from app.ui.chat.transcript import Transcript

_FOLDED = Unfolding()
"""How a message is shown until the reader changes that."""


class Showing(QObject):
    """Between one `OpenConversation` and one `Transcript`. `unfolding` and `unfold` say how a message is folded."""

    def __init__(self, conversation: OpenConversation, consents: ToolConsents, transcript: Transcript) -> None:
        super().__init__(transcript)
        self._conversation = conversation
        self._consents = consents
        self._transcript = transcript
        self._unfoldings: dict[int, Unfolding] = {}
        conversation.branch.changed.connect(self._on_messages_changed)
        conversation.branch.message_changed.connect(self.show)
        conversation.progress_changed.connect(self._on_progress)
        conversation.answer_finished.connect(self._on_finished)

    def refresh(self) -> None:
        """Show all messages as they are now."""
        shown = [(self._timed(message), self._placed(message)) for message in self._conversation.messages]
        self._transcript.set_messages(shown)

    def show(self, message: Message) -> None:
        """Bring one message up to date."""
        self._transcript.show_message(self._timed(message), self._placed(message))

    def unfolding(self, message: Message) -> Unfolding:
        return self._unfoldings.get(message.id, _FOLDED)

    def unfold(self, message: Message, unfolding: Unfolding) -> None:
        """Fold a message otherwise."""
        self._unfoldings[message.id] = unfolding
        self.show(message)

    def fold_thinking(self, message: Message) -> None:
        """Fold or unfold what the model thought."""
        unfolding = self.unfolding(message)
        self.unfold(message, Unfolding(thinking=not unfolding.thinking, results=unfolding.results))

    def forget(self, message: Message) -> None:
        """Let a message be folded as it came."""
        self._unfoldings.pop(message.id, None)

    def _on_messages_changed(self, follow: bool) -> None:
        known = {message.id for message in self._conversation.messages}
        self._unfoldings = {key: value for key, value in self._unfoldings.items() if key in known}
        if follow:
            self._transcript.column.follow()
        self.refresh()

    def _on_progress(self, message_id: int) -> None:
        message = next((each for each in self._conversation.messages if each.id == message_id), None)
        if message is not None:
            self.show(message)

    def _on_finished(self, message: Message) -> None:
        """What it left out is known now; and a screen reader is told once that the answer is there."""
        self.refresh()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self._transcript, message.text))

    def _placed(self, message: Message) -> Unfolding:
        """How the message is folded, with what is known about it from elsewhere."""
        around = self._around(message)
        unfolding = self.unfolding(message)
        return unfolding if around == unfolding.around else unfolding.placed(around)

    def _around(self, message: Message) -> Around:
        conversation = self._conversation
        messages = conversation.messages
        answer = conversation.branch.last(Role.ASSISTANT)
        return Around(
            progress=conversation.progress if message.id == conversation.reader.message_id else None,
            left_out=answer is not None and answer.context_from == message.id,
            last=message.id == messages[-1].id,
            calls=self._consents.states(message, messages) if message.tool_calls else (),
            results=results(message, messages) if message.tool_calls else (),
        )

    def _timed(self, message: Message) -> Message:
        """The message with the duration of its thinking, where only this window has measured it."""
        seen = self._conversation.reader.thought_s.get(message.id)
        if seen is None or (message.stats is not None and message.stats.thinking_s is not None):
            return message
        stats = message.stats or GenerationStats(
            prompt_tokens=0, answer_tokens=0, ttft_s=0.0, decode_s=0.0, context_length=0
        )
        return replace(message, stats=replace(stats, thinking_s=seen))
